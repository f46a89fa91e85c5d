import type { FaultName } from '../model/faults.ts';
import { isRecorded, knownFailure, type LedgerEntry } from '../model/ledger-entry.ts';
import { maxKnownFailures } from '../model/limits.ts';
import type { LedgerLookup } from '../ports/ledger-lookup.ts';
import type { RelativeObject } from './listing.ts';

/** A key whose listings cannot judge it. */
interface Question {
  /** the source's, whole */
  readonly key: string;
  readonly answer: (entry: LedgerEntry | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** What the finder asks the ledger. */
export type FinderLookup = Pick<LedgerLookup, 'getMany' | 'failedKeys'>;

/** DynamoDB: the most items in one BatchGetItem. */
const batchSize = 100;

/**
 * Asks the ledger about pairs that their listings cannot judge. Questions that come one after the other, as from a
 * window of pairs (in-order.ts), are asked together.
 */
export class RecordedPairs {
  readonly #task: string;
  readonly #lookup: FinderLookup;
  #questions: Question[] = [];
  #failed: ReadonlySet<string> | undefined;
  #loading: Promise<void> | undefined;

  constructor(task: string, lookup: FinderLookup) {
    this.#task = task;
    this.#lookup = lookup;
  }

  /**
   * Does the ledger say that this version of the source became this object of the destination?
   * @param key the source's, whole
   * @throws Fault
   */
  async has(key: string, source: RelativeObject, destination: RelativeObject): Promise<boolean> {
    return isRecorded(source, destination, await this.#entry(key));
  }

  /**
   * The fault with which a job for this version of the source failed for good lately. The keys that failed are read
   * once from the ledger's index; only they cost a look at their entries.
   * @param key the source's, whole
   * @param now milliseconds since the epoch
   * @returns undefined if there is none; a promise where the ledger has to be asked
   * @throws Fault
   */
  failure(key: string, source: RelativeObject, now: number): FaultName | undefined | Promise<FaultName | undefined> {
    if (this.#failed?.has(key) === false) return undefined;
    return this.#failureIn(key, source, now);
  }

  async #failureIn(key: string, source: RelativeObject, now: number): Promise<FaultName | undefined> {
    await (this.#loading ??= this.#loadFailed());
    return this.#failed?.has(key) ? knownFailure(source, await this.#entry(key), now) : undefined;
  }

  async #loadFailed(): Promise<void> {
    const failed = new Set<string>();
    for await (const page of this.#lookup.failedKeys(this.#task)) {
      for (const key of page) failed.add(key);
      if (failed.size >= maxKnownFailures) break;
    }
    this.#failed = failed;
  }

  #entry(key: string): Promise<LedgerEntry | undefined> {
    return new Promise((answer, fail) => {
      this.#questions.push({ key, answer, fail });
      if (this.#questions.length === 1) setImmediate(() => void this.#ask());
      else if (this.#questions.length >= batchSize) void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const questions = this.#questions;
    this.#questions = [];
    if (questions.length === 0) return;
    try {
      const keys = new Set(questions.map(({ key }) => key));
      const entries = await this.#lookup.getMany(this.#task, [...keys]);
      for (const { key, answer } of questions) answer(entries.get(key));
    } catch (error) {
      for (const { fail } of questions) fail(error);
    }
  }
}
