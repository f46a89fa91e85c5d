import type { Job } from '../model/job.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import type { CountedQueue } from '../ports/queue-depth.ts';

/**
 * Jobs that may wait in the queue: about a minute of work at the 3,500 writes a second of one prefix of S3 (Amazon S3
 * User Guide, "Best practices design patterns: optimizing Amazon S3 performance"). It bridges the time between two
 * looks at the queue. More would only grow old there: SQS drops a message when its retention is over, and a run that
 * lasts as long as its copies is not overtaken by the next one. Events have a queue of their own.
 */
export const maxQueuedJobs = 200_000;

/** Time between two looks at the queue. SQS counts late, so a finder fills half of the room that it sees. */
const lookMillis = 10_000;

export interface PaceOptions {
  readonly queue: JobQueue;
  readonly counted: CountedQueue;
  readonly clock: Clock;
  /** jobs are not held back beyond it: those that a call has accepted have to be sent */
  readonly deadline: Deadline;
  /** calls that share the room */
  readonly finders: number;
}

/** A queue that makes its sender wait while many jobs wait in it. */
export class PacedQueue implements JobQueue {
  readonly #options: PaceOptions;
  #allowed = 0;
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;
  #heldMillis = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** How long jobs were held back so far. */
  get heldMillis(): number {
    return this.#heldMillis;
  }

  async send(jobs: readonly Job[]): Promise<void> {
    const { deadline, queue } = this.#options;
    while (this.#allowed <= 0 && deadline.remaining() > 0) {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
      await this.#looking;
    }
    this.#allowed -= jobs.length;
    await queue.send(jobs);
  }

  async #look(): Promise<void> {
    const { clock, counted, deadline, finders } = this.#options;
    const now = clock.now();
    const wait = Math.min(this.#lookedAt + lookMillis - now, deadline.remaining());
    if (wait > 0) {
      await clock.sleep(wait);
      this.#heldMillis += wait;
    }
    this.#lookedAt = clock.now();
    const { waiting } = await counted.depth();
    this.#allowed = Math.floor((maxQueuedJobs - waiting) / 2 / finders);
  }
}
