import type { Random } from '../../test/support/random.ts';

/** Rounds of the event loop without a new caller, after which all callers are considered stuck. */
const maxIdleRounds = 200;

/**
 * Lets concurrent calls continue one at a time, in a random order: every order that is possible can be drawn, and the
 * same seed gives the same order.
 */
export class Scheduler {
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Waits until it is the caller's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Gives one waiting caller its turn.
   * @param busy is there work that may still ask for a turn? If not, this does not wait for it
   * @returns false if no caller waits; if there is work nevertheless, all of it is stuck
   */
  async step(busy: () => boolean): Promise<boolean> {
    for (let round = 0; round < maxIdleRounds; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#waiting.length > 0) {
        this.#waiting.splice(this.#random.below(this.#waiting.length), 1)[0]?.();
        return true;
      }
      if (!busy()) return false;
    }
    return false;
  }
}
