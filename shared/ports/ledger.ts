import type { LedgerEntry, OpenUpload, RunRecord } from '../model/ledger-entry.ts';
import type { End } from '../model/run-ends.ts';

/**
 * The table of each object's transfer status. The last writer wins, except for the recorded upload.
 *
 * It also remembers as what an object was last counted, and in which run, and reports each end that changes the counts
 * of a run (`EndChange`). Entries without a run, as those of events, change neither.
 */
export interface Ledger {
  get(task: string, key: string): Promise<LedgerEntry | undefined>;

  /**
   * Replaces the entry, but keeps a recorded upload: another caller may still be sending its parts.
   * @param options.final the entry is the object's end in its run; otherwise nothing is counted
   */
  put(entry: LedgerEntry, options?: { readonly final: boolean }): Promise<void>;

  /**
   * Counts an object as ended in a run, unless it has succeeded there. Its entry stays as it is, and none is made.
   */
  countEnd(object: { readonly task: string; readonly key: string; readonly run: string }, end: End): Promise<void>;

  /**
   * Replaces the entry at the end of a transfer, so that no upload is recorded anymore, and counts that end.
   * @param ended the ID of an upload that was just completed or aborted
   * @returns undefined if it was written. If another upload is recorded, nothing is written and that upload is
   *   returned: the caller aborts it and calls again with its ID as `ended`
   */
  close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined>;

  /**
   * Records `entry.upload` as the object's one upload, unless another is recorded: two consumers may plan the same
   * object at the same time.
   * @param replaces the ID of an upload that may be overwritten because it is known to be useless
   * @returns the upload that is now recorded: the caller's own or another caller's
   */
  claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload>;

  /**
   * Records that an upload of the object is about to be created, before the store is asked for it. The record
   * identifies an upload that was created but never claimed, which would otherwise look like another writer's. It is
   * kept for at least 30 days.
   * @param at milliseconds since the epoch
   */
  announceUpload(task: string, key: string, at: number): Promise<void>;

  /** Was an upload announced in [from, to]? Both are milliseconds since the epoch, at most a day apart. */
  wasUploadAnnounced(task: string, key: string, from: number, to: number): Promise<boolean>;

  /** Records a run; also as the last one over its prefix, if it was done and no dry run. */
  putRun(record: RunRecord): Promise<void>;

  getRun(task: string, run: string): Promise<RunRecord | undefined>;

  /**
   * The last run that was done and was no dry run.
   * @param prefix what the run was limited to; absent for a run over the whole task
   */
  getLastRun(task: string, prefix?: string): Promise<RunRecord | undefined>;
}
