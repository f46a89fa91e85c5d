import type { QuotaClock } from './clock.ts';
import { quotaTable, type QuotaName } from './table.ts';

/** How far a quota was used. */
export interface QuotaUse {
  readonly quota: QuotaName;
  /** what the quota belongs to, such as a function; '' for the account */
  readonly resource: string;
  readonly unit: string;
  readonly limit: number;
  /** the highest level, or the most in one second */
  readonly peak: number;
  /** requests that were refused because of it */
  readonly refused: number;
  /** requests and states that had to wait because of it */
  readonly delayed: number;
}

/** Counts the use of one quota of one resource. */
export class Meter {
  readonly quota: QuotaName;
  readonly resource: string;
  readonly limit: number;
  readonly #clock: Pick<QuotaClock, 'now'>;
  #peak = 0;
  #refused = 0;
  #delayed = 0;
  #second = 0;
  #inSecond = 0;

  constructor(quota: QuotaName, resource: string, limit: number, clock: Pick<QuotaClock, 'now'>) {
    this.quota = quota;
    this.resource = resource;
    this.limit = limit;
    this.#clock = clock;
  }

  /** The current level of what has a level, such as calls at once. */
  level(level: number): void {
    this.#peak = Math.max(this.#peak, level);
  }

  /** One more of what has a rate, or several. */
  count(more = 1): void {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) this.#inSecond = 0;
    this.#second = second;
    this.#inSecond += more;
    this.level(this.#inSecond);
  }

  refuse(): void {
    this.#refused++;
  }

  delay(): void {
    this.#delayed++;
  }

  use(): QuotaUse {
    const { quota, resource, limit } = this;
    const peak = Math.round(this.#peak * 100) / 100;
    const { unit } = quotaTable[quota];
    return { quota, resource, unit, limit, peak, refused: this.#refused, delayed: this.#delayed };
  }
}

/** The meters of all quotas, made when they are first used. */
export class Usage {
  readonly #clock: Pick<QuotaClock, 'now'>;
  readonly #meters = new Map<string, Meter>();

  constructor(clock: Pick<QuotaClock, 'now'>) {
    this.#clock = clock;
  }

  /** @param limit of the first call counts */
  meter(quota: QuotaName, resource: string, limit: number): Meter {
    const name = `${quota} ${resource}`;
    const found = this.#meters.get(name) ?? new Meter(quota, resource, limit, this.#clock);
    this.#meters.set(name, found);
    return found;
  }

  report(): QuotaUse[] {
    return [...this.#meters.values()].map((meter) => meter.use());
  }
}

/** The uses as lines of text, one per quota and resource. */
export function usageLines(uses: readonly QuotaUse[]): string[] {
  return uses.map(({ quota, resource, unit, limit, peak, refused, delayed }) => {
    const what = resource === '' ? quota : `${quota} of ${resource}`;
    const bad = [...(refused > 0 ? [`${refused} refused`] : []), ...(delayed > 0 ? [`${delayed} delayed`] : [])].join(
      ', ',
    );
    return `${what}: peak ${peak} of ${limit} (${unit})${bad && `; ${bad}`}`;
  });
}
