import { asFault, type Fault } from '../shared/model/faults.ts';
import { queueBatchSize } from '../shared/model/limits.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { JobSource, ReceivedMessage } from '../shared/ports/job-source.ts';
import { consumeMessage, type Consumer } from '../shared/transfer/consume-message.ts';
import { giveBackAs, type DeliveryLimits } from './heartbeat.ts';
import { Deletions } from './deletions.ts';
import { Delivery } from './delivery.ts';

/** What happened between the worker and its queue; {@link QueueConsumerOptions.onEvent} logs and counts it. */
export type QueueEvent =
  | { readonly type: 'receive failed'; readonly fault: Fault }
  | { readonly type: 'heartbeat missed'; readonly fault: Fault; readonly message: string }
  | { readonly type: 'deletion failed'; readonly fault: Fault; readonly messages: number }
  | { readonly type: 'given back'; readonly message: string; readonly how: string }
  | { readonly type: 'stuck'; readonly message: string };

export interface QueueConsumerOptions {
  readonly source: JobSource;
  readonly clock: Clock;
  readonly limits: DeliveryLimits;
  readonly objectsAtOnce: number;
  readonly maxReceives: number;
  /** how long running jobs may take once a drain began */
  readonly drainSeconds: number;
  /** the consumer for one delivery */
  readonly consumerOf: (delivery: Delivery) => Consumer;
  readonly onEvent: (event: QueueEvent) => void;
}

/** The pause after a failed receive; doubles up to the maximum. */
const firstPauseMillis = 1000;
const maxPauseMillis = 60_000;
/** When a drain begins, SQS may be delivering messages: the open receive gets this long to return them. */
const lastReceiveMillis = 500;

/** Receives messages and processes them. It never receives more than it can start at once. */
export class QueueConsumer {
  readonly #options: QueueConsumerOptions;
  readonly #running = new Map<Delivery, Promise<void>>();
  readonly #deletions: Deletions;
  readonly #receiving = new AbortController();
  #wake: () => void = () => undefined;
  #ending = false;
  #stuck = false;
  #receivedAt: number | undefined;

  constructor(options: QueueConsumerOptions) {
    this.#options = options;
    this.#deletions = new Deletions(options.source, (fault, messages) =>
      options.onEvent({ type: 'deletion failed', fault, messages }),
    );
  }

  /** Messages that are being processed. */
  get jobs(): number {
    return this.#running.size;
  }

  /** When the queue last answered, milliseconds since the epoch. */
  get receivedAt(): number | undefined {
    return this.#receivedAt;
  }

  get ending(): boolean {
    return this.#ending;
  }

  /**
   * Works until {@link drain} is called or a job is stuck. A stuck job never lets go of its memory and sockets; only
   * the end of the process frees them.
   * @returns `stuck` if a job was; every other message is then done or back in the queue
   */
  async run(): Promise<'drained' | 'stuck'> {
    let pauseMillis = firstPauseMillis;
    while (!this.#ending) {
      const free = this.#options.objectsAtOnce - this.#running.size;
      if (free <= 0) {
        await this.#woken();
        continue;
      }
      try {
        const signal = this.#receiving.signal;
        const messages = await this.#options.source.receive(Math.min(free, queueBatchSize), signal);
        this.#receivedAt = this.#options.clock.now();
        pauseMillis = firstPauseMillis;
        for (const message of messages) this.#start(message);
      } catch (error) {
        if (this.#receiving.signal.aborted) break;
        this.#options.onEvent({ type: 'receive failed', fault: asFault(error) });
        if (!this.#isEnding()) await this.#woken(pauseMillis * (0.5 + Math.random() / 2));
        pauseMillis = Math.min(maxPauseMillis, pauseMillis * 2);
      }
    }
    await this.#finish();
    return this.#stuck ? 'stuck' : 'drained';
  }

  /** Receives no more messages and starts no more parts. {@link run} returns when the running jobs have ended. */
  drain(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#wake();
    setTimeout(() => this.#receiving.abort(), lastReceiveMillis);
  }

  /**
   * Resolves when a message was processed or a drain begins, at the latest after `timeoutMillis`. Each call creates a
   * new promise: a race against one that lives as long as the process would leak memory with every message.
   */
  async #woken(timeoutMillis?: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    await (timeoutMillis === undefined ? woken : Promise.race([woken, this.#options.clock.sleep(timeoutMillis)]));
  }

  /** A method, because the value changes during a receive; the compiler would narrow the field. */
  #isEnding(): boolean {
    return this.#ending;
  }

  #start(message: ReceivedMessage): void {
    const delivery = new Delivery(message, {
      source: this.#options.source,
      clock: this.#options.clock,
      limits: this.#options.limits,
      isEnding: () => this.#ending,
      onMissedHeartbeat: (fault) => this.#options.onEvent({ type: 'heartbeat missed', fault, message: message.id }),
    });
    const running = this.#process(delivery).finally(() => {
      this.#running.delete(delivery);
      this.#wake();
    });
    this.#running.set(delivery, running);
    delivery.stuck.catch(() => {
      this.#stuck = true;
      this.#options.onEvent({ type: 'stuck', message: message.id });
      this.drain();
    });
  }

  /** Never rejects. */
  async #process(delivery: Delivery): Promise<void> {
    const { message } = delivery;
    const done = !this.#ending && (await consumeMessage(this.#options.consumerOf(delivery), message));
    delivery.end();
    if (done) this.#deletions.add(message.receipt);
    else if (delivery.interrupted) await this.#giveBack(delivery);
  }

  async #giveBack({ message, wasHeldLong }: Delivery): Promise<void> {
    const { source, maxReceives, onEvent } = this.#options;
    const how = giveBackAs({ receives: message.receives, wasHeldLong }, maxReceives);
    try {
      if (how === 'new message') await source.requeueMessage(message);
      else await source.after(message.receipt, 0);
      onEvent({ type: 'given back', message: message.id, how });
    } catch (error) {
      // The message returns when its visibility timeout ends.
      onEvent({ type: 'heartbeat missed', fault: asFault(error), message: message.id });
    }
  }

  /** Waits for running jobs until the drain time is over, then gives the rest back. */
  async #finish(): Promise<void> {
    const { clock, drainSeconds: drainTime } = this.#options;
    const all = Promise.all(this.#running.values());
    await Promise.race([all, clock.sleep(drainTime * 1000)]);
    await Promise.all(
      [...this.#running.keys()].map(async (delivery) => {
        delivery.end();
        await this.#giveBack(delivery);
      }),
    );
    await this.#deletions.flush();
  }
}
