import type { LedgerEntry, OpenUpload, RunRecord } from '../model/ledger-entry.ts';

/** The table of each object's transfer status. The last writer wins, but for {@link Ledger.claimUpload}. */
export interface Ledger {
  get(task: string, key: string): Promise<LedgerEntry | undefined>;

  /**
   * Replaces the entry.
   * @param options.keepUpload leave a recorded upload in place, because somebody may still be sending its parts
   */
  put(entry: LedgerEntry, options?: { readonly keepUpload?: boolean }): Promise<void>;

  /**
   * Records `entry.upload` as the object's one upload, unless another one is recorded: two consumers may plan the same
   * object at the same moment.
   * @param replaces the upload ID that may be overwritten: one that is known to be of no more use
   * @returns the upload that is recorded now: the caller's own, or the winner's
   */
  claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload>;

  putRun(record: RunRecord): Promise<void>;

  getRun(task: string, run: string): Promise<RunRecord | undefined>;
}
