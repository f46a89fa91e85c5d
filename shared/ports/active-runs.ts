/** A run that was admitted. It may have ended since: whether it has, only its execution shows. */
export interface ActiveRun {
  readonly run: string;
  /** the part of the source that it covers: all keys that begin with it */
  readonly prefix: string;
  /** milliseconds since the epoch */
  readonly admittedAt: number;
}

/** The runs of a task that were admitted last, with the version that a change of the list must name. */
export interface ActiveList {
  readonly runs: readonly ActiveRun[];
  /** 0 if there is no list yet */
  readonly version: number;
}

/** The list of each task's runs that may be under way. It is no lock: an entry whose run has ended means nothing. */
export interface ActiveRuns {
  read(task: string): Promise<ActiveList>;

  /**
   * Replaces the list, unless another caller changed it since it was read.
   * @param version of the list that was read
   * @returns false if it was changed
   */
  replace(task: string, runs: readonly ActiveRun[], version: number): Promise<boolean>;
}
