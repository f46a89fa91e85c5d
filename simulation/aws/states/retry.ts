/** A retrier of a state, as the Amazon States Language has it. */
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

/** An error in an execution: Retry and Catch match its name. */
export class StateError extends Error {
  override readonly name: string;
  /** false for what no Retry and no Catch helps, such as the end of the execution's time */
  readonly canBeCaught: boolean;

  constructor(name: string, message: string, canBeCaught = true) {
    super(message);
    this.name = name;
    this.canBeCaught = canBeCaught;
  }
}

export function matches(names: readonly string[], error: StateError): boolean {
  return names.includes('States.ALL') || names.includes(error.name);
}

/** Retries of one state, each retrier with its own count. */
export class Retries {
  readonly #retriers: readonly Retrier[];
  readonly #random: () => number;
  readonly #used = new Map<Retrier, number>();

  /** @param random from 0 to 1 */
  constructor(retriers: readonly Retrier[], random: () => number) {
    this.#retriers = retriers;
    this.#random = random;
  }

  /** @returns seconds until the next attempt; undefined if there is none */
  next(error: StateError): number | undefined {
    const retrier = this.#retriers.find(({ ErrorEquals }) => matches(ErrorEquals, error));
    if (!retrier || !error.canBeCaught) return undefined;
    // The defaults are those of the language's specification.
    const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Infinity } = retrier;
    const used = this.#used.get(retrier) ?? 0;
    if (used >= MaxAttempts) return undefined;
    this.#used.set(retrier, used + 1);
    const longest = Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** used);
    return retrier.JitterStrategy === 'FULL' ? longest * this.#random() : longest;
  }
}
