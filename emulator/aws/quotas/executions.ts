import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';

/**
 * What Step Functions bounds inside executions. Transitions over their rate are delayed, not refused (metric
 * ExecutionThrottled); a run of a distributed map over the quota waits until another one ends.
 */
export class ExecutionQuotas {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  readonly #transitions: TokenBucket;
  readonly #waitingMaps: (() => void)[] = [];
  #openMaps = 0;

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
    this.#transitions = new TokenBucket(values.stateTransitionBucket, values.stateTransitionRate, clock);
  }

  /** events of an execution, which fails with the last of them */
  get historyEvents(): number {
    return this.#values.historyEvents;
  }

  /** @returns false if so many executions are open that none may start */
  mayOpen(open: number): boolean {
    const meter = this.#usage.meter('openExecutions', '', this.#values.openExecutions);
    const may = open < this.#values.openExecutions;
    if (may) meter.level(open + 1);
    else meter.refuse();
    return may;
  }

  /** A state was entered, or is retried, that does not wait for its transition; the next one does. */
  passed(): void {
    this.#owe();
  }

  /** A state is entered, or is retried, as soon as a transition may take place. */
  async transition(): Promise<void> {
    const millis = this.#owe();
    if (millis <= 0) return;
    this.#usage.meter('stateTransitionRate', '', this.#values.stateTransitionRate).delay();
    await this.#clock.sleep(millis);
  }

  #owe(): number {
    this.#usage.meter('stateTransitionRate', '', this.#values.stateTransitionRate).count();
    return this.#transitions.owe(1);
  }

  /** Runs a distributed map as soon as one may be opened. */
  async inMapRun<Result>(work: () => Promise<Result>): Promise<Result> {
    const meter = this.#usage.meter('openMapRuns', '', this.#values.openMapRuns);
    if (this.#openMaps >= this.#values.openMapRuns) {
      meter.delay();
      // The one that ends leaves its place to this one.
      await new Promise<void>((resolve) => this.#waitingMaps.push(resolve));
    } else this.#openMaps++;
    meter.level(this.#openMaps);
    try {
      return await work();
    } finally {
      const next = this.#waitingMaps.shift();
      if (next) next();
      else this.#openMaps--;
    }
  }
}
