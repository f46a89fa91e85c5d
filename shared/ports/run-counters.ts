import type { Ends, SlowCopy } from '../model/run-ends.ts';

/** What was counted of a run. */
export interface RunTotals {
  readonly ends: Ends;
  /** the slowest copies, slowest first; those of a few random groups of objects, so that not all are compared */
  readonly slowest: readonly SlowCopy[];
}

/** The counts of the objects of runs that have ended. */
export interface RunCounters {
  /**
   * Adds to a run's counts, at most once: an addition whose answer is lost is not repeated, for it may have been made.
   * So the counts may be too low, but never too high.
   * @param slowest the slowest copy of those that are added
   * @throws Fault `Throttled` if nothing was added; any other fault if that is not known
   */
  add(task: string, run: string, added: Ends, slowest?: SlowCopy): Promise<void>;

  read(task: string, run: string): Promise<RunTotals>;
}
