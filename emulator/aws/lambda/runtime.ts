import type { ServiceFault, ServiceFaultHook } from '../faults.ts';
import {
  ExecutionEnvironment,
  maxPayloadBytes,
  type InvocationResult,
  type Isolation,
  type LogChunk,
} from './environment.ts';
import type { FunctionDefinition, FunctionSurroundings } from './function-definition.ts';

export interface LambdaRuntimeOptions {
  readonly surroundings: FunctionSurroundings;
  /** execution environments a function may have at once, by the function's `id`; default 1 */
  readonly concurrency: Readonly<Record<string, number>>;
  /** how long an environment is kept without work */
  readonly idleSeconds: number;
  /** what keeps environments apart; default `threads` */
  readonly isolation?: Isolation;
  readonly onLog: (chunk: LogChunk) => void;
  readonly fault?: ServiceFaultHook | undefined;
}

/** An environment, for whoever watches. */
export interface RunningEnvironment {
  /** the function's `id` */
  readonly id: string;
  readonly pid: number | undefined;
  /** the request that it works on; undefined while it is idle */
  readonly requestId: string | undefined;
}

interface Pool {
  readonly definition: FunctionDefinition;
  readonly limit: number;
  /** the one used last is at the end and is used next, so that the others grow old and end */
  readonly idle: { readonly environment: ExecutionEnvironment; readonly timer: NodeJS.Timeout }[];
  readonly busy: Set<ExecutionEnvironment>;
  readonly waiting: (() => void)[];
}

/**
 * Lambda: runs functions in execution environments made on demand, up to a limit per function. Over the limit
 * invocations wait for their turn, where Lambda would throttle them: on one machine there is nobody else to yield to.
 */
export class LambdaRuntime {
  readonly #options: LambdaRuntimeOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #ending = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: LambdaRuntimeOptions) {
    this.#options = options;
  }

  /** Makes a function known under its name and its ARN. */
  register(definition: FunctionDefinition): void {
    const limit = Math.max(1, this.#options.concurrency[definition.id] ?? 1);
    const pool: Pool = { definition, limit, idle: [], busy: new Set(), waiting: [] };
    this.#pools.set(definition.name, pool);
    this.#pools.set(definition.arn, pool);
  }

  /** How many invocations of a function may run at once. */
  concurrencyOf(nameOrArn: string): number {
    return this.#find(nameOrArn)?.limit ?? 0;
  }

  /** Every environment there is. */
  environments(): RunningEnvironment[] {
    return [...new Set(this.#pools.values())].flatMap(({ definition: { id }, idle, busy }) =>
      [...busy, ...idle.map(({ environment }) => environment)].map(({ pid, requestId }) => ({ id, pid, requestId })),
    );
  }

  /**
   * Invokes a function by name or ARN, with or without a qualifier. Never rejects: whatever goes wrong is an error of
   * the result, named as Step Functions would see it.
   */
  async invoke(nameOrArn: string, event: unknown): Promise<InvocationResult> {
    const text = JSON.stringify(event ?? null);
    const pool = this.#find(nameOrArn);
    if (!pool) return refused('Lambda.ResourceNotFoundException', `Function not found: ${nameOrArn}`);
    if (Buffer.byteLength(text) > maxPayloadBytes) {
      return refused('Lambda.RequestTooLargeException', `Request must be smaller than ${maxPayloadBytes} bytes`);
    }
    const fault = this.#faultOf(pool, event);
    if (fault?.kind === 'status') return refused(fault.code, fault.message ?? `${fault.code}, on purpose`);
    if (fault?.kind === 'reset') return refused('Lambda.SdkClientException', 'the connection was reset');
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
    while (pool.idle.length === 0 && pool.busy.size >= pool.limit && !this.#isStopping()) {
      await new Promise<void>((resolve) => pool.waiting.push(resolve));
    }
    if (this.#isStopping()) return refused('Lambda.ServiceException', 'the local endpoint is stopping');
    const environment = this.#take(pool);
    pool.busy.add(environment);
    const result = await environment.invoke(text, fault?.kind === 'end' ? fault : undefined);
    pool.busy.delete(environment);
    if (environment.usable && !this.#isStopping()) this.#keep(pool, environment);
    else this.#end(environment);
    pool.waiting.shift()?.();
    if (fault?.kind === 'lose-answer') return refused('Lambda.SdkClientException', 'the answer was lost');
    return result;
  }

  #faultOf({ definition }: Pool, event: unknown): ServiceFault | undefined {
    const input = (event ?? {}) as Record<string, unknown>;
    return this.#options.fault?.({
      service: 'lambda',
      operation: 'Invoke',
      resource: definition.id,
      input,
      by: 'endpoint',
    });
  }

  /** Refuses new invocations, gives those in flight some time, then ends every environment. */
  async stop(graceMilliseconds: number): Promise<void> {
    this.#stopping = true;
    const pools = new Set(this.#pools.values());
    for (const pool of pools) {
      for (const wake of pool.waiting.splice(0)) wake();
      for (const { environment, timer } of pool.idle.splice(0)) {
        clearTimeout(timer);
        this.#end(environment);
      }
    }
    const deadline = Date.now() + graceMilliseconds;
    const busy = (): ExecutionEnvironment[] => [...pools].flatMap((pool) => [...pool.busy]);
    while (busy().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const environment of busy()) this.#end(environment);
    await Promise.all(this.#ending);
  }

  /** A method, because it changes while an invocation waits. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  #find(nameOrArn: string): Pool | undefined {
    return this.#pools.get(nameOrArn) ?? this.#pools.get(nameOrArn.replace(/:[^:]+$/, ''));
  }

  #take(pool: Pool): ExecutionEnvironment {
    const kept = pool.idle.pop();
    if (!kept) {
      const { surroundings, isolation = 'threads', onLog } = this.#options;
      return new ExecutionEnvironment(pool.definition, surroundings, isolation, onLog);
    }
    clearTimeout(kept.timer);
    // One that crashed while it was idle is not used again.
    return kept.environment.usable ? kept.environment : this.#take(pool);
  }

  #keep(pool: Pool, environment: ExecutionEnvironment): void {
    const timer = setTimeout(() => {
      pool.idle.splice(
        pool.idle.findIndex((kept) => kept.environment === environment),
        1,
      );
      this.#end(environment);
    }, this.#options.idleSeconds * 1000);
    pool.idle.push({ environment, timer });
  }

  #end(environment: ExecutionEnvironment): void {
    const ended = environment.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

function refused(errorType: string, errorMessage: string): InvocationResult {
  return { ok: false, requestId: '', error: { errorType, errorMessage } };
}
