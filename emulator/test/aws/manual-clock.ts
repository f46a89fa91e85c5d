import type { QuotaClock } from '../../aws/quotas/clock.ts';

/** Steps after which work that waits for time is stuck. */
const maxSteps = 10_000;

/** A clock that the test moves; those who sleep wake up when their time comes. */
export class ManualClock implements QuotaClock {
  #now: number;
  readonly #sleeping: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  /** how many sleep */
  get sleepers(): number {
    return this.#sleeping.length;
  }

  now = (): number => this.#now;

  sleep = (millis: number): Promise<void> =>
    new Promise((wake) => void this.#sleeping.push({ at: this.#now + millis, wake }));

  /** Lets time pass, and what wakes up run. */
  async pass(millis: number): Promise<void> {
    this.#now += millis;
    const awake = this.#sleeping.filter(({ at }) => at <= this.#now);
    for (const one of awake) this.#sleeping.splice(this.#sleeping.indexOf(one), 1);
    for (const { wake } of awake) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass in steps until work has ended. @returns its result, and milliseconds that passed */
  async passUntil<Result>(work: Promise<Result>, stepMillis: number): Promise<{ result: Result; passed: number }> {
    const state = { ended: false };
    const end = (): void => void (state.ended = true);
    work.then(end, end);
    const start = this.#now;
    for (let step = 0; !state.ended && step < maxSteps; step++) await this.pass(stepMillis);
    return { result: await work, passed: this.#now - start };
  }
}
