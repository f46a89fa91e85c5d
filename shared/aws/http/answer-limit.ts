/**
 * The range of the limit for an answer, in milliseconds. If all are equal, the limit is fixed and nothing is learned.
 */
export interface LimitBounds {
  readonly min: number;
  /** the limit while too few answers are known; like a learned limit, it doubles with each attempt */
  readonly first: number;
  readonly max: number;
}

/** Latest answers that are remembered: enough to follow a store whose speed changes over the day, in 512 bytes. */
const rememberedAnswers = 64;
/** Answers needed before the limit is learned. A function's environment sees few of them before its next invocation. */
const enoughAnswers = 5;
/** The quantile that counts as the usual answer: three outliers in 64 (requests that hung) do not move it. */
const quantile = 0.95;
/**
 * An answer this many times slower than the usual one counts as lost. A lost packet or two make it three times slower.
 */
const lostFactor = 4;

/**
 * Attempts of one request without an answer after which the store counts as slow: one attempt in five may just hang.
 */
const tellingAttempts = 3;

/**
 * How long the answer to one kind of request to one store may take before the request is ended and retried, learned
 * from the answers so far. A store that becomes slow as a whole stays usable: each request that ran out of time doubles
 * the limit until an answer comes, and one that does so repeatedly counts as an answer that took even longer.
 */
export class AnswerLimit {
  readonly #bounds: LimitBounds;
  readonly #latest: number[] = [];
  #next = 0;
  #usual: number | undefined;
  /** requests in a row that ran out of time */
  #expired = 0;

  constructor(bounds: LimitBounds) {
    this.#bounds = bounds;
  }

  /**
   * The present limit in milliseconds.
   * @param attempt the attempt of the same request, from 1; each may take twice as long as the one before
   * @param handOverMillis how long the system took to accept the request's body: what it still buffers goes no faster
   */
  current(attempt = 1, handOverMillis = 0): number {
    const doubled = this.#learned() * 2 ** Math.max(this.#expired, attempt - 1);
    return Math.min(this.#bounds.max, doubled + 2 * handOverMillis);
  }

  #learned(): number {
    const { min, first, max } = this.#bounds;
    if (this.#latest.length < enoughAnswers) return first;
    this.#usual ??= quantileOf(this.#latest);
    return Math.min(max, Math.max(min, lostFactor * this.#usual));
  }

  /** Records an answer that arrived after this many milliseconds. */
  answered(milliseconds: number): void {
    this.#expired = 0;
    this.#remember(milliseconds);
  }

  /** Records that an attempt of a request got no answer within this many milliseconds. */
  expired(milliseconds: number, attempt = 1): void {
    this.#expired++;
    if (attempt >= tellingAttempts) this.#remember(2 * milliseconds);
  }

  #remember(milliseconds: number): void {
    const before = this.#latest[this.#next];
    this.#latest[this.#next] = milliseconds;
    this.#next = (this.#next + 1) % rememberedAnswers;
    // Sorting again is only needed if the quantile can change: usual answers mostly replace usual answers.
    const usual = this.#usual;
    if (usual !== undefined && before !== undefined && before < usual && milliseconds < usual) return;
    this.#usual = undefined;
  }
}

function quantileOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0;
}
