import type { ClientRequest, IncomingMessage } from 'node:http';
import { AnswerLimit, type LimitBounds } from './answer-limit.ts';
import { Connections, networkOf, type Network } from './connections.ts';
import { Exchange } from './exchange.ts';
import { usualTimes, type Times } from './overdue.ts';
import { kindOf, requestKinds, targetOf, type RequestKind, type SdkRequest } from './request.ts';

/** How often the requests under way are checked. */
const checkEveryMillis = 250;

/** An answer as the SDK expects it from a request handler. */
export interface SdkResponse {
  readonly statusCode: number;
  readonly reason: string | undefined;
  readonly headers: Record<string, string>;
  readonly body: IncomingMessage;
}

interface HandleOptions {
  /** an AbortSignal of Node's, in the SDK's type */
  readonly abortSignal?: object;
}

export interface HandlerOptions {
  /** sockets open at once, for http and for https each */
  readonly maxSockets: number;
  /** certificates, in PEM, of the authorities of the one host that is called; by default those of the network */
  readonly authorities?: readonly string[] | undefined;
  /** by default that of the environment variables */
  readonly network?: Network;
  /** shorter times than the usual ones, for tests */
  readonly times?: Partial<Times>;
  readonly bounds?: Partial<Record<RequestKind, LimitBounds>>;
  readonly checkEveryMillis?: number;
}

/**
 * HTTP for the SDK's clients: the request handler that replaces the SDK's own. It ends requests that make no progress,
 * and no others. The SDK's handler has only fixed limits (for the whole request, for a silent socket), the same for a
 * HEAD and for a Complete; it merely warns when the first is exceeded; and it waits forever for an answer if the stream
 * that it sends breaks.
 *
 * Each request is an exchange (exchange.ts), which knows its phase. Every 250 ms it is compared with the time that the
 * phase may take (overdue.ts). How long an answer may take is learned per kind of request (request.ts,
 * answer-limit.ts). A request that is ended fails with a `TimeoutError`, which the SDK retries unless the body is a
 * stream, and which `faultOf` knows. Its socket is closed, and so are the idle ones, which may lead to the same broken
 * host: the next attempt opens a new connection. Answers are read within limits before the SDK parses them
 * (answers.ts).
 */
export class BoundedHttpHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #times: Times;
  readonly #bounds: Readonly<Record<RequestKind, LimitBounds>>;
  readonly #connections: Connections;
  readonly #limits = new Map<RequestKind, AnswerLimit>();
  readonly #checkEveryMillis: number;
  readonly #underWay = new Set<Exchange>();
  #timer: NodeJS.Timeout | undefined;
  #checkedAt = 0;
  /** Milliseconds during which this process ran: a process that was suspended has not waited for anything. */
  #time = 0;

  /** @throws Fault `InvalidInput` if an environment variable about the network is malformed */
  constructor({ maxSockets, authorities, times, bounds, ...options }: HandlerOptions) {
    this.#times = { ...usualTimes, ...times };
    this.#bounds = { ...requestKinds, ...bounds };
    this.#checkEveryMillis = options.checkEveryMillis ?? checkEveryMillis;
    const network = options.network ?? networkOf(process.env);
    const connectingMillis = this.#times.connecting;
    this.#connections = new Connections({ maxSockets, network, authorities, connectingMillis });
  }

  /** The number of open sockets that are in use and that are not. */
  get sockets(): { busy: number; idle: number } {
    return this.#connections.sockets;
  }

  /** Milliseconds that the answer to the first attempt of a request of this kind may take now. */
  answerLimit(kind: RequestKind): number {
    return this.#limitOf(kind).current();
  }

  /** Sends a request. @returns the answer, whose body is yet to be read */
  async handle(sdk: SdkRequest, { abortSignal }: HandleOptions = {}): Promise<{ response: SdkResponse }> {
    const signal = abortSignal as AbortSignal | undefined;
    if (signal?.aborted === true) throw abortError();
    const kind = kindOf(sdk);
    const request = this.#open(sdk);
    const now = (): number => this.#time;
    const exchange = new Exchange(request, sdk, { kind, limit: this.#limitOf(kind), times: this.#times, now });
    exchange.onEnd(() => this.#underWay.delete(exchange));
    this.#track(exchange);
    const abort = (): void => void request.destroy(abortError());
    signal?.addEventListener('abort', abort, { once: true });
    if (signal) request.once('close', () => signal.removeEventListener('abort', abort));
    const answer = await exchange.answer;
    const { statusCode = 0, statusMessage: reason } = answer;
    return { response: { statusCode, reason, headers: plainHeaders(answer), body: answer } };
  }

  destroy(): void {
    this.#connections.destroy();
  }

  /** The SDK passes its settings on to its own handler; this one has none of them. */
  updateHttpClientConfig(): void {
    return undefined;
  }

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  #open(sdk: SdkRequest): ClientRequest {
    const { protocol, method, headers, hostname, port } = sdk;
    const options = { method, headers, path: targetOf(sdk), ...(port !== undefined && { port }) };
    return this.#connections.request(protocol === 'https:', hostname, options);
  }

  #limitOf(kind: RequestKind): AnswerLimit {
    let limit = this.#limits.get(kind);
    if (!limit) {
      limit = new AnswerLimit(this.#bounds[kind]);
      this.#limits.set(kind, limit);
    }
    return limit;
  }

  #track(exchange: Exchange): void {
    this.#underWay.add(exchange);
    if (this.#timer) return;
    this.#checkedAt = Date.now();
    this.#timer = setInterval(() => this.#check(), this.#checkEveryMillis).unref();
  }

  #check(): void {
    const now = Date.now();
    this.#time += Math.min(now - this.#checkedAt, 2 * this.#checkEveryMillis);
    this.#checkedAt = now;
    let ended = false;
    for (const exchange of this.#underWay) ended = exchange.endIfOverdue() || ended;
    if (ended) this.#connections.closeIdle();
    if (this.#underWay.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
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
