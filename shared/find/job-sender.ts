import { queueBatchSize } from '../model/limits.ts';
import type { Job } from '../model/job.ts';
import type { JobQueue } from '../ports/job-queue.ts';

/** Concurrent SendMessageBatch calls. A call takes about 10 ms, so this sends some 16,000 jobs per second. */
const maxConcurrentCalls = 16;

/** Sends jobs in full batches, several at once, and makes the finder wait if the queue is slower. */
export class JobSender {
  readonly #queue: JobQueue;
  readonly #dryRun: boolean;
  #batch: Job[] = [];
  readonly #sending = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  /** @param dryRun true to accept jobs and send none */
  constructor(queue: JobQueue, dryRun: boolean) {
    this.#queue = queue;
    this.#dryRun = dryRun;
  }

  /** Accepts a job; waits while too many calls are under way. @throws the error of an earlier call */
  async add(job: Job): Promise<void> {
    if (this.#dryRun) return;
    this.#batch.push(job);
    if (this.#batch.length >= queueBatchSize) await this.#flush();
  }

  /** Returns when every accepted job is in the queue. @throws the error of a call */
  async finish(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#sending);
    this.#check();
  }

  async #flush(): Promise<void> {
    this.#check();
    const jobs = this.#batch;
    this.#batch = [];
    if (jobs.length === 0) return;
    const call: Promise<void> = this.#queue
      .send(jobs)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#sending.delete(call));
    this.#sending.add(call);
    if (this.#sending.size >= maxConcurrentCalls) await Promise.race(this.#sending);
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
