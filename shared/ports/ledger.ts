import type { LedgerEntry, OpenUpload, RunRecord } from '../model/ledger-entry.ts';

/** The table of each object's transfer status. The last writer wins, but for the upload. */
export interface Ledger {
  get(task: string, key: string): Promise<LedgerEntry | undefined>;

  /** Replaces the entry but for a recorded upload, which stays: somebody may still be sending its parts. */
  put(entry: LedgerEntry): Promise<void>;

  /**
   * Replaces the entry where an object's way ends: no upload is recorded after it.
   * @param ended the ID of an upload that was just completed or aborted
   * @returns undefined; or, where another upload is recorded, that one, and nothing was written: it may still be open,
   *   so it is to be aborted first and named as `ended` then
   */
  close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined>;

  /**
   * Records `entry.upload` as the object's one upload, unless another one is recorded: two consumers may plan the same
   * object at the same moment.
   * @param replaces the upload ID that may be overwritten: one that is known to be of no more use
   * @returns the upload that is recorded now: the caller's own, or the winner's
   */
  claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload>;

  /**
   * Records that an upload to the object is about to be created, before the store is asked to. It is what tells one
   * that was created and never claimed from an upload of somebody else; it is kept for 30 days at least.
   * @param at milliseconds since the epoch
   */
  announceUpload(task: string, key: string, at: number): Promise<void>;

  /** Was an upload announced between two times? (milliseconds since the epoch, both inclusive, at most a day apart) */
  wasUploadAnnounced(task: string, key: string, from: number, to: number): Promise<boolean>;

  putRun(record: RunRecord): Promise<void>;

  getRun(task: string, run: string): Promise<RunRecord | undefined>;
}
