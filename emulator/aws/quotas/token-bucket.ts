import type { QuotaClock } from './clock.ts';

/** Tokens that are taken one by one, or several at once, and come back at a rate. It begins full. */
export class TokenBucket {
  readonly #size: number;
  readonly #perMilli: number;
  readonly #clock: Pick<QuotaClock, 'now'>;
  /** below 0: owed by those that wait */
  #tokens: number;
  #at: number;

  /** @param size most tokens @param perSecond tokens that come back */
  constructor(size: number, perSecond: number, clock: Pick<QuotaClock, 'now'>) {
    this.#size = size;
    this.#perMilli = perSecond / 1000;
    this.#clock = clock;
    this.#tokens = size;
    this.#at = clock.now();
  }

  /** Takes a token. @returns false if there is no whole one */
  take(): boolean {
    if (!this.has()) return false;
    this.#tokens--;
    return true;
  }

  /** Is there a whole token? */
  has(): boolean {
    this.#refill();
    return this.#tokens >= 1;
  }

  /** Takes tokens that may not be there yet. @returns milliseconds until they are */
  owe(count: number): number {
    this.#refill();
    this.#tokens -= count;
    return Math.max(0, -this.#tokens / this.#perMilli);
  }

  #refill(): void {
    const now = this.#clock.now();
    // A rounded sum of small refills must not stay below a whole token.
    const filled = this.#tokens + Math.max(0, now - this.#at) * this.#perMilli + 1e-9;
    this.#tokens = Math.min(this.#size, filled);
    this.#at = now;
  }
}

/** A bucket for a plain rate: it holds what one second gives, and at least one token. */
export function rateBucket(perSecond: number, clock: Pick<QuotaClock, 'now'>): TokenBucket {
  return new TokenBucket(Math.max(1, perSecond), perSecond, clock);
}
