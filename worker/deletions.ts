import { asFault, type Fault } from '../shared/model/faults.ts';
import { queueBatchSize } from '../shared/model/limits.ts';
import type { JobSource } from '../shared/ports/job-source.ts';

/** Milliseconds that a deletion waits for others: far less than any visibility. */
const batchDelayMillis = 100;

/** Takes finished messages out of the queue, ten at a time: a tenth of the requests. */
export class Deletions {
  readonly #source: JobSource;
  readonly #onFault: (fault: Fault, receipts: number) => void;
  readonly #running = new Set<Promise<void>>();
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onFault told of messages that stayed: they come back, and are found to be done */
  constructor(source: JobSource, onFault: (fault: Fault, receipts: number) => void) {
    this.#source = source;
    this.#onFault = onFault;
  }

  add(receipt: string): void {
    this.#waiting.push(receipt);
    if (this.#waiting.length >= queueBatchSize) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), batchDelayMillis);
  }

  /** Returns when everything that was added is out of the queue, or told to `onFault`. */
  async settle(): Promise<void> {
    this.#flush();
    await Promise.all(this.#running);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const one: Promise<void> = this.#delete(this.#waiting).finally(() => this.#running.delete(one));
    this.#waiting = [];
    this.#running.add(one);
  }

  /** Never rejects. */
  async #delete(receipts: readonly string[]): Promise<void> {
    try {
      const left = await this.#source.delete(receipts);
      if (left.length === 0) return;
      // A second try; SQS fails single entries of a batch in passing.
      const still = await this.#source.delete(left);
      if (still.length > 0) this.#onFault(asFault(new Error('SQS did not delete them')), still.length);
    } catch (error) {
      this.#onFault(asFault(error), receipts.length);
    }
  }
}
