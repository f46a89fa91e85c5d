import { encodeJob, type Job } from '../../model/job.ts';
import type { Clock } from '../clock.ts';
import type { DeadLetters, JobQueue, Redelivery } from '../job-queue.ts';
import type { CountedQueue, QueueDepth } from '../queue-depth.ts';
import { ManualClock } from './clock.ts';
import { Gate } from './gate.ts';

/** A message as a consumer gets it. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
  /** how often it was received, this time included */
  readonly receives: number;
}

interface Waiting {
  readonly id: string;
  readonly body: string;
  receives: number;
  /** milliseconds since the epoch */
  visibleAt: number;
}

/** The twins of a queue's two sides: the sender's, and what a consumer may do with what it received. */
export class MemoryQueue implements JobQueue, Redelivery, CountedQueue {
  readonly #gate: Gate;
  readonly #clock: Clock;
  /** milliseconds that a received message stays hidden */
  readonly #visibility: number;
  readonly #messages = new Map<string, Waiting>();
  #serial = 0;

  constructor(options: { gate?: Gate; clock?: Clock; visibility?: number } = {}) {
    this.#gate = options.gate ?? new Gate();
    this.#clock = options.clock ?? new ManualClock();
    this.#visibility = options.visibility ?? 30_000;
  }

  /** Messages in the queue, hidden ones too. */
  get length(): number {
    return this.#messages.size;
  }

  async depth(): Promise<QueueDepth> {
    return this.#gate.pass({ operation: 'queue.depth', bucket: 'queue', key: '' }, () => {
      const waiting = [...this.#messages.values()].filter(({ visibleAt }) => visibleAt <= this.#clock.now()).length;
      return { waiting, inFlight: this.#messages.size - waiting, delayed: 0 };
    });
  }

  async send(jobs: readonly Job[]): Promise<void> {
    await this.#gate.pass({ operation: 'queue.send', bucket: 'queue', key: jobs[0]?.key ?? '' }, () => {
      for (const job of jobs) this.sendBody(encodeJob(job));
    });
  }

  /** Puts any text into the queue, as S3 does with notifications. */
  sendBody(body: string): void {
    const id = `message-${++this.#serial}`;
    this.#messages.set(id, { id, body, receives: 0, visibleAt: this.#clock.now() });
  }

  /** Up to `limit` visible messages, hidden from now on. */
  receive(limit = 10): ReceivedMessage[] {
    const now = this.#clock.now();
    const visible = [...this.#messages.values()].filter((message) => message.visibleAt <= now).slice(0, limit);
    return visible.map((message) => {
      message.receives++;
      message.visibleAt = now + this.#visibility;
      const { id, body, receives } = message;
      return { id, body, receives, receipt: `${id}#${receives}` };
    });
  }

  /** Takes a message out of the queue for good. */
  remove(receipt: string): void {
    this.#messages.delete(receipt.split('#')[0] ?? '');
  }

  async after(receipt: string, seconds: number): Promise<boolean> {
    return this.#gate.pass({ operation: 'queue.after', bucket: 'queue', key: receipt }, () => {
      const [id = '', receives] = receipt.split('#');
      const message = this.#messages.get(id);
      if (message?.receives !== Number(receives)) return false;
      message.visibleAt = this.#clock.now() + seconds * 1000;
      return true;
    });
  }

  async requeueJob(job: Job): Promise<void> {
    await this.#gate.pass({ operation: 'queue.requeue', bucket: 'queue', key: job.key }, () =>
      this.sendBody(encodeJob(job)),
    );
  }
}

/** The twin of DeadLetters. */
export class MemoryDeadLetters implements DeadLetters {
  readonly letters: { readonly body: string; readonly reason: string }[] = [];
  readonly #gate: Gate;

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async bury(body: string, reason: string): Promise<void> {
    await this.#gate.pass({ operation: 'deadLetters.bury', bucket: 'deadLetters', key: '' }, () => {
      this.letters.push({ body, reason });
    });
  }
}
