import type { LedgerEntry, RunRecord } from '../model/ledger-entry.ts';
import type { LossKind } from '../model/losses.ts';

/** The ledger as an audit reads it: many entries at once, and the failures. */
export interface LedgerLookup {
  /**
   * Reads the current entries of these keys.
   * @param keys any number, each once
   * @returns the entries by key; keys without an entry are absent
   * @throws Fault
   */
  getMany(task: string, keys: readonly string[]): Promise<ReadonlyMap<string, LedgerEntry>>;

  /**
   * The keys whose entry is FAILED, in any order, a page at a time; pages may be empty. They are read from an index
   * that lags by seconds: the latest failures may be missing, and the latest successes may still be listed.
   */
  failedKeys(task: string): AsyncIterable<readonly string[]>;

  /** Some of the keys whose entry is FAILED by this run, at most `limit`; from the same index. */
  failedKeysOf(task: string, run: string, limit: number): Promise<readonly string[]>;

  /** The latest records of a task's runs, the one that started last first, at most `limit`; from the same index. */
  latestRuns(task: string, limit: number): Promise<readonly RunRecord[]>;

  /** The copies that lack something, in any order, a page at a time; from the same index. */
  lossyCopies(task: string): AsyncIterable<readonly LossyCopy[]>;
}

/** An object whose copy lacks something. */
export interface LossyCopy {
  /** the source's */
  readonly key: string;
  readonly lost: readonly LossKind[];
}
