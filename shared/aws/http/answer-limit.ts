/** Between which milliseconds the limit of an answer lies. Equal ones are a fixed limit: nothing is learned. */
export interface LimitBounds {
  readonly min: number;
  /** while too little is known; like what is learned, it doubles with each try */
  readonly first: number;
  readonly max: number;
}

/** Latest answers that are remembered: about what one part of a large store's day is like, and 512 bytes. */
const remembered = 64;
/** Fewer say too little. A function's environment sees few of them before it is asked for the next. */
const enough = 5;
/** Of the remembered; three outliers in 64 (requests that hung) do not move it. */
const quantile = 0.95;
/** How much slower than the slowest usual answer one must be to count as lost. A lost packet or two make it three. */
const factor = 4;

/** Tries of one request that got no answer before it tells something of the store: a fifth may just hang. */
const telling = 3;

/**
 * How long the answer to one kind of request to one store may take until it is given up and asked for anew, learned from
 * how long answers take. A store that becomes slow as a whole is not cut to death: whatever ran out of time doubles the
 * limit until an answer comes, and what does so again and again counts as an answer that took even longer.
 */
export class AnswerLimit {
  readonly #bounds: LimitBounds;
  readonly #latest: number[] = [];
  #next = 0;
  #usual: number | undefined;
  /** times in a row that the limit was too short, as far as is known */
  #expired = 0;

  constructor(bounds: LimitBounds) {
    this.#bounds = bounds;
  }

  /**
   * Milliseconds that an answer may take now.
   * @param attempt which try of the same request it is, from 1: each may take twice as long as the one before
   * @param handedOver milliseconds in which the system took the request's body: what it still has of it goes no faster
   */
  current(attempt = 1, handedOver = 0): number {
    const doubled = this.#learned() * 2 ** Math.max(this.#expired, attempt - 1);
    return Math.min(this.#bounds.max, doubled + 2 * handedOver);
  }

  #learned(): number {
    const { min, first, max } = this.#bounds;
    if (this.#latest.length < enough) return first;
    this.#usual ??= quantileOf(this.#latest);
    return Math.min(max, Math.max(min, factor * this.#usual));
  }

  /** An answer came after so many milliseconds. */
  answered(milliseconds: number): void {
    this.#expired = 0;
    this.#remember(milliseconds);
  }

  /** No answer came within so many milliseconds, to that try of a request. */
  expired(milliseconds: number, attempt = 1): void {
    this.#expired++;
    if (attempt >= telling) this.#remember(2 * milliseconds);
  }

  #remember(milliseconds: number): void {
    const before = this.#latest[this.#next];
    this.#latest[this.#next] = milliseconds;
    this.#next = (this.#next + 1) % remembered;
    // Sorted anew only where it can be another: answers as usual replace answers as usual.
    const usual = this.#usual;
    if (usual !== undefined && before !== undefined && before < usual && milliseconds < usual) return;
    this.#usual = undefined;
  }
}

function quantileOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0;
}
