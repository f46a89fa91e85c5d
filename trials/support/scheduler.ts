/** Numbers that look random, the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, exclusive. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** From 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

/** Rounds of the event loop without anybody asking for a turn after which everybody is taken to wait for ever. */
const patience = 200;

/**
 * Lets concurrent calls go on one at a time, in an order that the dice decide: every order that could happen can happen,
 * and the same seed gives the same one.
 */
export class Scheduler {
  readonly #dice: Dice;
  readonly #waiting: (() => void)[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Waits until it is the caller's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Gives one waiting caller its turn.
   * @param busy does anybody have something to do? Where nobody has, nobody is waited for
   * @returns false where nobody waits: with `busy`, everybody is stuck
   */
  async step(busy: () => boolean): Promise<boolean> {
    for (let round = 0; round < patience; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#waiting.length > 0) {
        this.#waiting.splice(this.#dice.below(this.#waiting.length), 1)[0]?.();
        return true;
      }
      if (!busy()) return false;
    }
    return false;
  }
}
