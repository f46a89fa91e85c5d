import type { LedgerEntry } from '../model/ledger-entry.ts';

/** The ledger from the side of whoever compares it with the buckets: many entries at once, and what failed. */
export interface LedgerLookup {
  /**
   * The entries of these keys, as they are now.
   * @param keys any number, each once
   * @returns by key; keys without an entry are missing. @throws Fault
   */
  getMany(task: string, keys: readonly string[]): Promise<ReadonlyMap<string, LedgerEntry>>;

  /**
   * The keys whose last word is FAILED, oldest run first, a page at a time; pages may be empty. Of an index: what
   * failed in the last seconds may be missing, and what was cured in them may still be named.
   */
  failedKeys(task: string): AsyncIterable<readonly string[]>;
}
