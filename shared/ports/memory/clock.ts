import type { Clock } from '../clock.ts';

/** Time that passes only where somebody sleeps or moves it. */
export class ManualClock implements Clock {
  #now: number;

  /** @param now milliseconds since the epoch */
  constructor(now = Date.UTC(2026, 10, 1)) {
    this.#now = now;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  /** Moves the time on. @param milliseconds from now */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.pass(milliseconds);
    // Others get their turn, as they would in a real wait.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
