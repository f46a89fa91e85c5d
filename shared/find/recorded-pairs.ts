import { isKnownArchived, isRecorded, type LedgerEntry } from '../model/ledger-entry.ts';
import type { LedgerLookup } from '../ports/ledger-lookup.ts';
import type { RelativeObject } from './listing.ts';

/** A key whose listings cannot judge it. */
interface Question {
  /** the source's, whole */
  readonly key: string;
  readonly answer: (entry: LedgerEntry | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** DynamoDB: the most items in one BatchGetItem. */
const batchSize = 100;

/**
 * Asks the ledger about pairs that their listings cannot judge. Questions that come one after the other, as from a
 * window of pairs (in-order.ts), are asked together.
 */
export class RecordedPairs {
  readonly #task: string;
  readonly #lookup: Pick<LedgerLookup, 'getMany'>;
  #questions: Question[] = [];

  constructor(task: string, lookup: Pick<LedgerLookup, 'getMany'>) {
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
   * Does the ledger say that a job for this version of the source failed lately because it is archived?
   * @param key the source's, whole
   * @param now milliseconds since the epoch
   * @throws Fault
   */
  async wasArchived(key: string, source: RelativeObject, now: number): Promise<boolean> {
    return isKnownArchived(source, await this.#entry(key), now);
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
