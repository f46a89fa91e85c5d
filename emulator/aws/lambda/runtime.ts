import type { ServiceFault, ServiceFaultHook } from '../faults.ts';
import {
  ExecutionEnvironment,
  maxPayloadBytes,
  type InvocationResult,
  type Isolation,
  type LogChunk,
} from './environment.ts';
import type { Concurrency } from '../quotas/concurrency.ts';
import type { Credentials, FunctionDefinition, FunctionSurroundings } from './function-definition.ts';

export interface LambdaRuntimeOptions {
  readonly surroundings: FunctionSurroundings;
  /** execution environments per function, by the function's `id`; default 1 */
  readonly concurrency: Readonly<Record<string, number>>;
  /** how long an idle environment is kept */
  readonly idleSeconds: number;
  /** what separates environments; default `threads` */
  readonly isolation?: Isolation;
  readonly onLog: (chunk: LogChunk) => void;
  readonly fault?: ServiceFaultHook | undefined;
  /** the concurrency of the account: what exceeds it is throttled; without it, nothing is */
  readonly admission?: Concurrency | undefined;
}

/** What is visible of an environment from outside. */
export interface RunningEnvironment {
  /** the function's `id` */
  readonly id: string;
  readonly pid: number | undefined;
  /** the request in progress; undefined while idle */
  readonly requestId: string | undefined;
}

interface Pool {
  readonly definition: FunctionDefinition;
  readonly limit: number;
  /** the most recently used is last and is used next, so that surplus environments time out */
  readonly idle: { readonly environment: ExecutionEnvironment; readonly timer: NodeJS.Timeout }[];
  readonly busy: Set<ExecutionEnvironment>;
  readonly waiting: (() => void)[];
}

/**
 * Lambda: runs functions in execution environments created on demand, up to a limit per function, which is this
 * machine's. Invocations over that limit wait for their turn. The limits of Lambda are `admission`'s: an invocation
 * that it refuses is throttled, and one that it admits counts as running while it waits.
 */
export class LambdaRuntime {
  readonly #options: LambdaRuntimeOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #ending = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: LambdaRuntimeOptions) {
    this.#options = options;
  }

  /** Adds a function, which is then found by name and by ARN. */
  register(definition: FunctionDefinition): void {
    const limit = Math.max(1, this.#options.concurrency[definition.id] ?? 1);
    const pool: Pool = { definition, limit, idle: [], busy: new Set(), waiting: [] };
    this.#options.admission?.register(definition.id, definition.reservedConcurrency);
    this.#pools.set(definition.name, pool);
    this.#pools.set(definition.arn, pool);
  }

  /** How many invocations of a function can run at once. */
  concurrencyOf(nameOrArn: string): number {
    return this.#find(nameOrArn)?.limit ?? 0;
  }

  /** The credentials that a function has; undefined if there is no such function. */
  credentialsOf(nameOrArn: string): Credentials | undefined {
    return this.#find(nameOrArn)?.definition.credentials;
  }

  /** All current environments. */
  environments(): RunningEnvironment[] {
    return [...new Set(this.#pools.values())].flatMap(({ definition: { id }, idle, busy }) =>
      [...busy, ...idle.map(({ environment }) => environment)].map(({ pid, requestId }) => ({ id, pid, requestId })),
    );
  }

  /**
   * Invokes a function by name or ARN, with or without a qualifier. Never rejects: every failure is an error in the
   * result, with the name that Step Functions would see.
   */
  async invoke(nameOrArn: string, event: unknown): Promise<InvocationResult> {
    const text = JSON.stringify(event ?? null);
    const pool = this.#find(nameOrArn);
    if (!pool) return refused('Lambda.ResourceNotFoundException', `Function not found: ${nameOrArn}`);
    if (Buffer.byteLength(text) > maxPayloadBytes) {
      return refused('Lambda.RequestTooLargeException', `Request must be smaller than ${maxPayloadBytes} bytes`);
    }
    const admission = this.#options.admission?.admit(pool.definition.id);
    if (admission && 'refused' in admission) return refused(throttledType, `Rate Exceeded. (${admission.refused})`);
    try {
      return await this.#run(pool, event, text);
    } finally {
      admission?.end();
    }
  }

  async #run(pool: Pool, event: unknown, text: string): Promise<InvocationResult> {
    const fault = this.#faultOf(pool, event);
    if (fault?.kind === 'status') return refused(fault.code, fault.message ?? `${fault.code}, injected`);
    if (fault?.kind === 'reset') return refused('Lambda.SdkClientException', 'the connection was reset');
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
    while (pool.idle.length === 0 && pool.busy.size >= pool.limit && !this.#isStopping()) {
      await new Promise<void>((resolve) => pool.waiting.push(resolve));
    }
    if (this.#isStopping()) return refused('Lambda.ServiceException', 'the emulator is stopping');
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

  /** Refuses new invocations, waits up to `graceMillis` for those in flight, then ends every environment. */
  async stop(graceMillis: number): Promise<void> {
    this.#stopping = true;
    const pools = new Set(this.#pools.values());
    for (const pool of pools) {
      for (const wake of pool.waiting.splice(0)) wake();
      for (const { environment, timer } of pool.idle.splice(0)) {
        clearTimeout(timer);
        this.#end(environment);
      }
    }
    const deadline = Date.now() + graceMillis;
    const busy = (): ExecutionEnvironment[] => [...pools].flatMap((pool) => [...pool.busy]);
    while (busy().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const environment of busy()) this.#end(environment);
    await Promise.all(this.#ending);
  }

  /** A method, because TypeScript would assume that the field does not change during an await. */
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
    // An environment that crashed while idle is not reused.
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

/** The name of TooManyRequestsException, status 429, in Step Functions. */
const throttledType = 'Lambda.TooManyRequestsException';

/** Was an invocation throttled, so that its function did not run? */
export function isThrottled(result: InvocationResult): boolean {
  return !result.ok && result.error.errorType === throttledType;
}

function refused(errorType: string, errorMessage: string): InvocationResult {
  return { ok: false, requestId: '', error: { errorType, errorMessage } };
}
