import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';

/**
 * How many batches an event source mapping works on at once. It starts with a few, grows while messages are there, and
 * falls back to the start when there are none (Lambda Developer Guide: Configuring scaling behavior for SQS event
 * source mappings). After a throttled invocation it backs off; how far is not documented, assumed is by half.
 */
export class MappingScale {
  readonly #start: number;
  readonly #most: number;
  readonly #growthPerMilli: number;
  readonly #clock: Pick<QuotaClock, 'now'>;
  #allowed: number;
  /** when messages were there last, in a row of such times */
  #busyAt: number | undefined;

  /** @param most the mapping's own maximum concurrency */
  constructor(values: QuotaValues, most: number, clock: Pick<QuotaClock, 'now'>) {
    this.#most = Math.min(most, values.mappingMaximum);
    this.#start = Math.min(values.mappingStart, this.#most);
    this.#growthPerMilli = values.mappingGrowth / 60_000;
    this.#clock = clock;
    this.#allowed = this.#start;
  }

  get batches(): number {
    return Math.floor(this.#allowed);
  }

  /** Messages were received. */
  busy(): void {
    const now = this.#clock.now();
    const grown = this.#allowed + (now - (this.#busyAt ?? now)) * this.#growthPerMilli;
    this.#allowed = Math.min(this.#most, grown);
    this.#busyAt = now;
  }

  /** No messages were there for a whole poll. */
  idle(): void {
    this.#allowed = this.#start;
    this.#busyAt = undefined;
  }

  /** An invocation was throttled. */
  throttled(): void {
    this.#allowed = Math.max(1, this.#allowed / 2);
    this.#busyAt = this.#clock.now();
  }
}
