import { Agent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { AnswerLimit, type LimitBounds } from './answer-limit.ts';
import { Exchange } from './exchange.ts';
import { usualTimes, type Times } from './overdue.ts';
import { kindOf, requestKinds, targetOf, type RequestKind, type SdkRequest } from './request.ts';

/** Milliseconds between two looks at the requests under way. */
const period = 250;

/** What the SDK takes for an answer. */
export interface SdkResponse {
  readonly statusCode: number;
  readonly reason: string | undefined;
  readonly headers: Record<string, string>;
  readonly body: IncomingMessage;
}

interface HandleOptions {
  /** Node's own, in the SDK's type */
  readonly abortSignal?: object;
}

export interface HandlerOptions {
  /** sockets at once, of each of http and https */
  readonly maxSockets: number;
  /** others than the usual ones, for tests */
  readonly times?: Partial<Times>;
  readonly bounds?: Partial<Record<RequestKind, LimitBounds>>;
}

/**
 * The request handler of an SDK client, in place of the SDK's own: ends what does not get on, and nothing else. The
 * SDK's knows limits of time only (of the whole request, of a silent socket), the same for a HEAD and for a Complete; it
 * only warns of the first; and it waits for ever for an answer when the stream that it sends breaks.
 *
 * What is ended fails with a `TimeoutError`, which the SDK's retries (where the body is no stream) and `faultOf` know.
 * Its socket is closed, and so are the idle ones, which may lead to the same place: the next try connects anew.
 */
export class BoundedHttpHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #times: Times;
  readonly #bounds: Readonly<Record<RequestKind, LimitBounds>>;
  readonly #agent: Agent;
  readonly #secureAgent: SecureAgent;
  readonly #limits = new Map<RequestKind, AnswerLimit>();
  readonly #watched = new Set<Exchange>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  /** Time as far as this process was there to see it: one that was held up has not waited in vain. */
  #time = 0;

  constructor({ maxSockets, times, bounds }: HandlerOptions) {
    this.#times = { ...usualTimes, ...times };
    this.#bounds = { ...requestKinds, ...bounds };
    this.#agent = new Agent({ keepAlive: true, maxSockets });
    this.#secureAgent = new SecureAgent({ keepAlive: true, maxSockets });
  }

  /** Sockets that are open, by what they do. */
  get sockets(): { busy: number; idle: number } {
    const agents = [this.#agent, this.#secureAgent];
    const count = (pick: (agent: Agent) => NodeJS.ReadOnlyDict<readonly unknown[]>): number =>
      agents.flatMap((agent) => Object.values(pick(agent))).reduce((sum, some) => sum + (some?.length ?? 0), 0);
    return { busy: count((agent) => agent.sockets), idle: count((agent) => agent.freeSockets) };
  }

  /** Milliseconds that the answer to a first try of a request of this kind may take now. */
  answerLimit(kind: RequestKind): number {
    return this.#limitOf(kind).current();
  }

  /** Sends a request. @returns the answer, its body still to be read */
  async handle(sdk: SdkRequest, { abortSignal }: HandleOptions = {}): Promise<{ response: SdkResponse }> {
    const signal = abortSignal as AbortSignal | undefined;
    if (signal?.aborted === true) throw abortError();
    const kind = kindOf(sdk);
    const request = this.#open(sdk);
    const now = (): number => this.#time;
    const exchange = new Exchange(request, sdk, { kind, limit: this.#limitOf(kind), times: this.#times, now });
    exchange.onEnd(() => this.#watched.delete(exchange));
    this.#watch(exchange);
    const abort = (): void => void request.destroy(abortError());
    signal?.addEventListener('abort', abort, { once: true });
    if (signal) request.once('close', () => signal.removeEventListener('abort', abort));
    const answer = await exchange.answer;
    const { statusCode = 0, statusMessage: reason } = answer;
    return { response: { statusCode, reason, headers: plainHeaders(answer), body: answer } };
  }

  destroy(): void {
    this.#agent.destroy();
    this.#secureAgent.destroy();
  }

  /** The SDK hands its settings down to its own handler; this one has none of them. */
  updateHttpClientConfig(): void {
    return undefined;
  }

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  #open(sdk: SdkRequest): ClientRequest {
    const secure = sdk.protocol === 'https:';
    const { method, headers, hostname, port } = sdk;
    const options = {
      method,
      headers,
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      path: targetOf(sdk),
      ...(port !== undefined && { port }),
    };
    return secure
      ? secureRequest({ ...options, agent: this.#secureAgent })
      : plainRequest({ ...options, agent: this.#agent });
  }

  #limitOf(kind: RequestKind): AnswerLimit {
    let limit = this.#limits.get(kind);
    if (!limit) {
      limit = new AnswerLimit(this.#bounds[kind]);
      this.#limits.set(kind, limit);
    }
    return limit;
  }

  #watch(exchange: Exchange): void {
    this.#watched.add(exchange);
    if (this.#timer) return;
    this.#lookedAt = Date.now();
    this.#timer = setInterval(() => this.#look(), period).unref();
  }

  #look(): void {
    const now = Date.now();
    this.#time += Math.min(now - this.#lookedAt, 2 * period);
    this.#lookedAt = now;
    let ended = false;
    for (const exchange of this.#watched) ended = exchange.look() || ended;
    if (ended) closeIdle(this.#agent, this.#secureAgent);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function closeIdle(...agents: readonly Agent[]): void {
  for (const agent of agents) {
    for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy());
  }
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(',');
  }
  return plain;
}

function abortError(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
