import { asFault, type Fault } from '../model/faults.ts';
import type { Clock } from '../ports/clock.ts';

/** How long a value is used before it is read again; the random part keeps processes from reading in step. */
const freshMillis = { least: 40_000, most: 60_000 };
/** How long a value is used that cannot be read again, because the service throttles or does not answer. */
const staleMillis = 3_600_000;
/** The pause after a failed read of a value that is known; it doubles up to the longest. */
const firstPauseMillis = 10_000;
const maxPauseMillis = 60_000;
/** Attempts of the first read, and the pause after the first of them; it doubles. All together take half a minute. */
const firstAttempts = 6;
const firstWaitMillis = 1_000;

export interface RememberedOptions {
  readonly clock: Clock;
  /** from 0 to 1, exclusive; for pauses */
  readonly random: () => number;
  /** called when a value stays in use that could not be read again. @param ageMillis since it was read */
  readonly onStale: (fault: Fault, ageMillis: number) => void;
}

/**
 * A value of a service that every process reads again and again. It is read at most once in 40 to 60 seconds, by one
 * request for all callers. While the service throttles or does not answer, the last value is used, for an hour at most;
 * a value that is not known yet is asked for again. Other faults end its use, and are not remembered.
 */
export class Remembered<Value> {
  readonly #read: () => Promise<Value>;
  readonly #options: RememberedOptions;
  #known: { readonly value: Value; readonly at: number } | undefined;
  #readAgainAt = -Infinity;
  #pauseMillis = firstPauseMillis;
  #reading: Promise<Value> | undefined;

  constructor(read: () => Promise<Value>, options: RememberedOptions) {
    this.#read = read;
    this.#options = options;
  }

  /** The value, if it need not be read now. */
  get fresh(): Value | undefined {
    return this.#options.clock.now() < this.#readAgainAt ? this.#known?.value : undefined;
  }

  /** @throws Fault of the read, if no value can be used */
  async get(): Promise<Value> {
    if (this.#known && this.#options.clock.now() < this.#readAgainAt) return this.#known.value;
    this.#reading ??= (this.#known ? this.#renewed(this.#known) : this.#first()).finally(
      () => (this.#reading = undefined),
    );
    return this.#reading;
  }

  async #first(): Promise<Value> {
    const { clock, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#keep(await this.#read());
      } catch (error) {
        const fault = asFault(error);
        if (!isPassing(fault) || attempt >= firstAttempts) throw fault;
        await clock.sleep(firstWaitMillis * 2 ** (attempt - 1) * (0.5 + random() / 2));
      }
    }
  }

  async #renewed(known: { readonly value: Value; readonly at: number }): Promise<Value> {
    try {
      return this.#keep(await this.#read());
    } catch (error) {
      const fault = asFault(error);
      const { clock, random, onStale } = this.#options;
      const ageMillis = clock.now() - known.at;
      if (!isPassing(fault) || ageMillis >= staleMillis) {
        this.#known = undefined;
        throw fault;
      }
      onStale(fault, ageMillis);
      this.#readAgainAt = clock.now() + this.#pauseMillis * (0.5 + random() / 2);
      this.#pauseMillis = Math.min(maxPauseMillis, this.#pauseMillis * 2);
      return known.value;
    }
  }

  #keep(value: Value): Value {
    const { clock, random } = this.#options;
    const { least, most } = freshMillis;
    this.#known = { value, at: clock.now() };
    this.#readAgainAt = clock.now() + least + random() * (most - least);
    this.#pauseMillis = firstPauseMillis;
    return value;
  }
}

/** Does the fault say nothing about the value? */
function isPassing({ name }: Fault): boolean {
  return name === 'Throttled' || name === 'Unavailable';
}
