import type { Clock } from '../../shared/ports/clock.ts';
import type { Random } from '../engine/random.ts';

/**
 * The time over which the demand is measured, at least: S3 and DynamoDB tolerate bursts of seconds. One request of the
 * simulation stands for many that spread over a time, so it takes some of them to show a rate.
 */
const windowSeconds = 3;

/**
 * A limit of requests per second that refuses what is too much. One request of the simulation stands for many, so it
 * cannot be weighed against the tokens of one second; instead it is refused with the probability with which each of the
 * many would be, which follows from the rate of the last seconds.
 */
export class Flow {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: Random;
  readonly #capacity: () => number;
  /** requests of the last window, where older ones weigh less */
  #weight = 0;
  #at: number;
  #peak = 0;
  refused = 0;
  accepted = 0;

  readonly #windowMillis: number;

  /**
   * @param capacity requests per second that are accepted at present
   * @param seconds over which the demand is measured
   */
  constructor(clock: Pick<Clock, 'now'>, random: Random, capacity: () => number, seconds = windowSeconds) {
    this.#windowMillis = Math.max(windowSeconds, seconds) * 1000;
    this.#clock = clock;
    this.#random = random;
    this.#capacity = capacity;
    this.#at = clock.now();
  }

  /** Requests per second, those that were refused included. */
  get demand(): number {
    return (this.#decayed() / this.#windowMillis) * 1000;
  }

  /** The most requests per second that were accepted. */
  get peak(): number {
    return this.#peak;
  }

  /** @returns whether `count` requests are accepted */
  admit(count: number): boolean {
    const before = this.#decayed();
    this.#at = this.#clock.now();
    this.#weight = before + count;
    // A request cannot have caused what it finds: half of it counts.
    const demand = ((before + count / 2) / this.#windowMillis) * 1000;
    const capacity = this.#capacity();
    const isAccepted = demand <= capacity || this.#random.chance(capacity / demand);
    if (isAccepted) this.accepted += count;
    else this.refused += count;
    this.#peak = Math.max(this.#peak, Math.min(capacity, demand));
    return isAccepted;
  }

  #decayed(): number {
    return this.#weight * Math.exp(-(this.#clock.now() - this.#at) / this.#windowMillis);
  }
}
