import type { Clock } from '../clock.ts';

/** A clock that advances only when it is moved or slept on. */
export class ManualClock implements Clock {
  #now: number;

  /** @param now milliseconds since the epoch */
  constructor(now = Date.UTC(2026, 10, 1)) {
    this.#now = now;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  /** Advances the clock. @param milliseconds from now */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.pass(milliseconds);
    // Other work gets its turn, as in a real wait.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
