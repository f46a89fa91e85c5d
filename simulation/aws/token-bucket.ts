import type { Clock } from '../../shared/ports/clock.ts';
import type { BucketQuota } from './quotas.ts';

/** The token bucket by which AWS throttles an API: it holds `burst` tokens at most and gains some each second. */
export class TokenBucket {
  readonly #quota: BucketQuota;
  readonly #clock: Pick<Clock, 'now'>;
  #tokens: number;
  #at: number;

  constructor(clock: Pick<Clock, 'now'>, quota: BucketQuota) {
    this.#quota = quota;
    this.#clock = clock;
    this.#tokens = quota.burst;
    this.#at = clock.now();
  }

  /** Takes all of `count` tokens, or none. @returns whether it took them */
  take(count: number): boolean {
    this.#refill();
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /**
   * Takes `count` tokens that may not be there yet.
   * @returns milliseconds until they are there: how long a service holds back what it queues instead of refusing
   */
  reserve(count: number): number {
    this.#refill();
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#quota.perSecond) * 1000;
  }

  #refill(): void {
    const now = this.#clock.now();
    const gained = ((now - this.#at) / 1000) * this.#quota.perSecond;
    this.#tokens = Math.min(this.#quota.burst, this.#tokens + gained);
    this.#at = now;
  }
}
