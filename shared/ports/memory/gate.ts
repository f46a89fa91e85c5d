import type { Readable } from 'node:stream';

/** One call of a port. */
export interface Call {
  /** the port's method */
  readonly operation: string;
  /** the bucket, or the port's name where it has none */
  readonly bucket: string;
  readonly key: string;
  readonly part?: number;
}

/** What a test may do around calls: let somebody else act in between, fail, or damage what is on its way. */
export interface Hooks {
  /** before the call takes effect; what it throws, the caller gets */
  before?(call: Call): void | Promise<void>;
  /** after it took effect: what it throws is an answer that was lost */
  after?(call: Call): void | Promise<void>;
  /** what arrives of a body: of `get` at the caller, of `put` and `uploadPart` at the store */
  wire?(call: Call, bytes: Buffer): Buffer | Readable;
}

/** Every call of the twins goes through a gate: it counts them, and hooks act there. Twins may share one. */
export class Gate {
  hooks: Hooks = {};
  readonly #counts = new Map<string, number>();

  /** How often an operation took effect; without a name, all of them together. */
  count(operation?: string): number {
    if (operation !== undefined) return this.#counts.get(operation) ?? 0;
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  forgetCounts(): void {
    this.#counts.clear();
  }

  async pass<Result>(call: Call, work: () => Result | Promise<Result>): Promise<Result> {
    await this.hooks.before?.(call);
    const result = await work();
    this.#counts.set(call.operation, this.count(call.operation) + 1);
    await this.hooks.after?.(call);
    return result;
  }
}
