import { asFault, type Fault } from '../shared/model/faults.ts';
import { queueBatchSize } from '../shared/model/limits.ts';
import type { JobSource } from '../shared/ports/job-source.ts';

/** How long a deletion waits to fill a batch: far less than any visibility timeout. */
const batchDelayMillis = 100;

/** Deletes finished messages in batches of ten, which takes a tenth of the requests. */
export class Deletions {
  readonly #source: JobSource;
  readonly #onFault: (fault: Fault, receipts: number) => void;
  readonly #running = new Set<Promise<void>>();
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param onFault called with the number of messages that could not be deleted: they are delivered again, and skipped
   */
  constructor(source: JobSource, onFault: (fault: Fault, receipts: number) => void) {
    this.#source = source;
    this.#onFault = onFault;
  }

  add(receipt: string): void {
    this.#waiting.push(receipt);
    if (this.#waiting.length >= queueBatchSize) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), batchDelayMillis);
  }

  /** Resolves when every added message is deleted, or reported to `onFault`. */
  async flush(): Promise<void> {
    this.#send();
    await Promise.all(this.#running);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const deletion: Promise<void> = this.#delete(this.#waiting).finally(() => this.#running.delete(deletion));
    this.#waiting = [];
    this.#running.add(deletion);
  }

  /** Never rejects. */
  async #delete(receipts: readonly string[]): Promise<void> {
    try {
      const left = await this.#source.delete(receipts);
      if (left.length === 0) return;
      // SQS sometimes fails single entries of a batch for a moment, so they get a second try.
      const still = await this.#source.delete(left);
      if (still.length > 0) this.#onFault(asFault(new Error('SQS did not delete them')), still.length);
    } catch (error) {
      this.#onFault(asFault(error), receipts.length);
    }
  }
}
