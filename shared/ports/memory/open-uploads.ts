import type { Comparison, OpenUploads } from '../open-uploads.ts';
import { Gate } from './gate.ts';

/** The counter in memory. */
export class MemoryOpenUploads implements OpenUploads {
  readonly #gate: Gate;
  #count = 0;
  #comparedAt = -Infinity;
  #difference = 0;

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  admit(limit: number): Promise<boolean> {
    return this.#pass('admit', () => {
      if (this.#count >= limit) return false;
      this.#count++;
      return true;
    });
  }

  release(): Promise<void> {
    return this.#pass('release', () => {
      this.#count = Math.max(0, this.#count - 1);
    });
  }

  count(): Promise<number> {
    return this.#pass('count', () => this.#count);
  }

  beginComparison(now: number, before: number): Promise<Comparison | undefined> {
    return this.#pass('beginComparison', () => {
      if (this.#comparedAt > before) return undefined;
      this.#comparedAt = now;
      return { count: this.#count, lastDifference: this.#difference };
    });
  }

  endComparison(difference: number, correction: number): Promise<void> {
    return this.#pass('endComparison', () => {
      this.#difference = difference;
      this.#count = Math.max(0, this.#count + correction);
    });
  }

  #pass<Result>(operation: string, work: () => Result): Promise<Result> {
    return this.#gate.pass({ operation: `openUploads.${operation}`, bucket: 'open-uploads', key: '' }, work);
  }
}
