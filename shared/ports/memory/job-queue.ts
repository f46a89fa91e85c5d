import { encodeJob, type Job } from '../../model/job.ts';
import type { Clock } from '../clock.ts';
import type { Postponement } from '../../model/postponement.ts';
import type { DeadLetters, JobQueue, NewMessage, Redelivery } from '../job-queue.ts';
import type { CountedQueue, QueueDepth } from '../queue-depth.ts';
import { ManualClock } from './clock.ts';
import { Gate } from './gate.ts';

/** A message as a consumer receives it. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
  /** how many times it was received, including this time */
  readonly receives: number;
  readonly postponement?: Postponement;
}

interface Waiting {
  readonly id: string;
  readonly body: string;
  readonly postponement?: Postponement | undefined;
  receives: number;
  /** milliseconds since the epoch */
  visibleAt: number;
}

/** A queue in memory, for its sender and for its consumer. */
export class MemoryQueue implements JobQueue, Redelivery, CountedQueue {
  readonly #gate: Gate;
  readonly #clock: Clock;
  /** how long a received message stays hidden */
  readonly #visibilityMillis: number;
  readonly #messages = new Map<string, Waiting>();
  #serial = 0;

  constructor(options: { gate?: Gate; clock?: Clock; visibilityMillis?: number } = {}) {
    this.#gate = options.gate ?? new Gate();
    this.#clock = options.clock ?? new ManualClock();
    this.#visibilityMillis = options.visibilityMillis ?? 30_000;
  }

  /** Messages in the queue, including hidden ones. */
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

  /** Puts any text into the queue, as S3 does for an event notification. */
  sendBody(body: string): void {
    this.#add({ body });
  }

  #add({ body, delaySeconds = 0, postponement }: NewMessage): void {
    const id = `message-${++this.#serial}`;
    const visibleAt = this.#clock.now() + delaySeconds * 1000;
    this.#messages.set(id, { id, body, receives: 0, visibleAt, postponement });
  }

  /** Receives up to `limit` visible messages and hides them. */
  receive(limit = 10): ReceivedMessage[] {
    const now = this.#clock.now();
    const visible = [...this.#messages.values()].filter((message) => message.visibleAt <= now).slice(0, limit);
    return visible.map((message) => {
      message.receives++;
      message.visibleAt = now + this.#visibilityMillis;
      const { id, body, receives, postponement } = message;
      return { id, body, receives, receipt: `${id}#${receives}`, ...(postponement && { postponement }) };
    });
  }

  /** Deletes a message. */
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

  async sendAgain(message: NewMessage): Promise<void> {
    await this.#gate.pass({ operation: 'queue.sendAgain', bucket: 'queue', key: '' }, () => this.#add(message));
  }
}

/** A dead-letter queue in memory. */
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
