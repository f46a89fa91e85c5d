import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';
import { rateBucket, TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';

/** Why an invocation is refused: the `Reason` of TooManyRequestsException (Lambda API Reference: Invoke). */
export type ThrottleReason =
  | 'ReservedFunctionConcurrentInvocationLimitExceeded'
  | 'ConcurrentInvocationLimitExceeded'
  | 'FunctionInvocationRateLimitExceeded'
  | 'CallerRateLimitExceeded';

/** An invocation that may run; `end` has to be called once when it has. */
export type Admission = { readonly end: () => void } | { readonly refused: ThrottleReason };

interface FunctionState {
  readonly reserved: number | undefined;
  /** tokens for new environments */
  readonly growth: TokenBucket;
  running: number;
  /** environments that exist: the most that ran at once. Lambda ends idle ones; when is not documented. */
  environments: number;
}

/**
 * Concurrency of Lambda: of the account, of functions that reserve some of it, and how fast a function grows. A
 * function with reserved concurrency uses that alone, and the others share the rest (Lambda Developer Guide:
 * Understanding Lambda function scaling).
 */
export class Concurrency {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  readonly #functions = new Map<string, FunctionState>();
  readonly #requests: TokenBucket;
  #reserved = 0;
  #running = 0;
  /** running calls of functions that reserve nothing */
  #shared = 0;

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
    this.#requests = rateBucket(values.lambdaConcurrency * values.lambdaRequestsPerCall, clock);
  }

  /**
   * Adds a function.
   * @param reserved its reserved concurrency, as the template says it; not scaled
   */
  register(id: string, reserved?: number): void {
    const { lambdaScaling } = this.#values;
    const growth = new TokenBucket(lambdaScaling, lambdaScaling / 10, this.#clock);
    this.#functions.set(id, { reserved, growth, running: 0, environments: 0 });
    this.#reserved += reserved ?? 0;
  }

  /** Asks for one invocation of a registered function. */
  admit(id: string): Admission {
    const state = this.#functions.get(id);
    if (!state) throw new Error(`the function ${id} is not registered`);
    const refused = this.#refusal(id, state);
    if (refused) return { refused };
    this.#change(id, state, 1);
    return { end: () => this.#change(id, state, -1) };
  }

  #refusal(id: string, state: FunctionState): ThrottleReason | undefined {
    const { lambdaConcurrency, lambdaScaling, lambdaRequestsPerCall } = this.#values;
    const account = this.#usage.meter('lambdaConcurrency', '', lambdaConcurrency);
    if (state.reserved !== undefined && state.running >= state.reserved) {
      this.#usage.meter('lambdaConcurrency', id, state.reserved).refuse();
      return 'ReservedFunctionConcurrentInvocationLimitExceeded';
    }
    if (state.reserved === undefined && this.#shared >= lambdaConcurrency - this.#reserved) {
      account.refuse();
      return 'ConcurrentInvocationLimitExceeded';
    }
    const requests = this.#usage.meter('lambdaRequestsPerCall', '', lambdaConcurrency * lambdaRequestsPerCall);
    if (!this.#requests.take()) {
      requests.refuse();
      return 'CallerRateLimitExceeded';
    }
    requests.count();
    if (state.running < state.environments) return undefined;
    const scaling = this.#usage.meter('lambdaScaling', id, lambdaScaling);
    if (!state.growth.take()) {
      scaling.refuse();
      return 'FunctionInvocationRateLimitExceeded';
    }
    scaling.level(++state.environments);
    return undefined;
  }

  #change(id: string, state: FunctionState, by: 1 | -1): void {
    state.running += by;
    this.#running += by;
    if (state.reserved === undefined) this.#shared += by;
    this.#usage.meter('lambdaConcurrency', '', this.#values.lambdaConcurrency).level(this.#running);
    const limit = state.reserved ?? this.#values.lambdaConcurrency - this.#reserved;
    this.#usage.meter('lambdaConcurrency', id, limit).level(state.running);
  }
}
