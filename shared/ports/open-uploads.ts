/**
 * The number of executions of the UPLOAD machine that are under way: one counter of the whole stack. A process that
 * dies leaves it wrong, so it is corrected every few minutes by what Step Functions lists
 * (shared/run/upload-admission.ts).
 */
export interface OpenUploads {
  /**
   * Counts one more, unless there are `limit` of them.
   * @returns false if there are
   */
  admit(limit: number): Promise<boolean>;

  /** Counts one less. The counter never falls below 0. */
  release(): Promise<void>;

  /** The counter, which may be some seconds old. */
  count(): Promise<number>;

  /**
   * Makes this caller the one that compares the counter with the executions, unless another one has begun that since
   * `before`.
   * @param now and `before` in milliseconds since the epoch
   * @returns the counter as it is now, and by how much the last comparison found it wrong; undefined for another caller
   */
  beginComparison(now: number, before: number): Promise<Comparison | undefined>;

  /**
   * Ends a comparison.
   * @param difference the executions under way minus the counter
   * @param correction what is added to the counter, which does not fall below 0
   */
  endComparison(difference: number, correction: number): Promise<void>;
}

export interface Comparison {
  readonly count: number;
  /** executions minus counter at the last comparison; 0 at first */
  readonly lastDifference: number;
}
