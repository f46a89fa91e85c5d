import type { Readable } from 'node:stream';

/**
 * The ports in memory, one class per port, for tests. Each follows the rules of the service that it stands for, so that
 * one contract suite (test/contract) holds it and the real adapter to the same obligations. Time is a clock that tests
 * move (clock.ts), and what a store can do is a set of features (features.ts). Every call passes a gate, where a test
 * can count calls, act between two of them, make one fail, lose its answer, or damage a body.
 */

/** One call of a port. */
export interface Call {
  /** the port's method */
  readonly operation: string;
  /** the bucket; for a port without buckets, the port's name */
  readonly bucket: string;
  readonly key: string;
  readonly part?: number;
}

/** What a test may do around calls: let another caller act in between, fail, or damage a body in transit. */
export interface Hooks {
  /** runs before the call takes effect; the caller receives what it throws */
  before?(call: Call): void | Promise<void>;
  /** runs after the call took effect; throwing simulates a lost answer */
  after?(call: Call): void | Promise<void>;
  /** returns what arrives of a body: at the caller for `get`, at the store for `put` and `uploadPart` */
  wire?(call: Call, bytes: Buffer): Buffer | Readable;
}

/** The point that every call to a port in memory passes. Ports may share one. */
export class Gate {
  hooks: Hooks = {};
  readonly #counts = new Map<string, number>();

  /** How many calls of an operation took effect; without a name, how many calls in all. */
  count(operation?: string): number {
    if (operation !== undefined) return this.#counts.get(operation) ?? 0;
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  forgetCounts(): void {
    this.#counts.clear();
  }

  /** Makes a call: the hooks run around `work`, and the call is counted once it took effect. */
  async pass<Result>(call: Call, work: () => Result | Promise<Result>): Promise<Result> {
    await this.hooks.before?.(call);
    const result = await work();
    this.#counts.set(call.operation, this.count(call.operation) + 1);
    await this.hooks.after?.(call);
    return result;
  }
}
