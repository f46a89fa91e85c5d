import { asFault, type Fault } from '../shared/model/faults.ts';
import { queueBatchSize } from '../shared/model/limits.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { JobSource, ReceivedMessage } from '../shared/ports/job-source.ts';
import { consumeMessage, type Consumer } from '../shared/transfer/consume-message.ts';
import { giveBackAs, type DeliveryLimits } from './heartbeat.ts';
import { Deletions } from './deletions.ts';
import { Delivery } from './delivery.ts';

/** What happened to the queue's side of things. */
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
  /** seconds that work under way is given once a drain began */
  readonly drainSeconds: number;
  /** the consumer for one delivery */
  readonly consumerOf: (delivery: Delivery) => Consumer;
  readonly onEvent: (event: QueueEvent) => void;
}

/** Milliseconds after a failed receive; doubles up to a minute. */
const firstPauseMillis = 1000;
const maxPauseMillis = 60_000;
/** Milliseconds for messages that SQS is just handing out when a drain begins. */
const lastReceiveMillis = 500;

/** Takes messages from the queue, never more than can be begun at once, and does them. */
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

  /** Messages in hand. */
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
   * Works until {@link drain} is called, or a job is stuck: what it holds on to can only be had back by another process.
   * @returns `stuck` where it was that; everything else is done or back in the queue by then
   */
  async run(): Promise<'drained' | 'stuck'> {
    let pause = firstPauseMillis;
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
        pause = firstPauseMillis;
        for (const message of messages) this.#begin(message);
      } catch (error) {
        if (this.#receiving.signal.aborted) break;
        this.#options.onEvent({ type: 'receive failed', fault: asFault(error) });
        if (!this.#isEnding()) await this.#woken(pause * (0.5 + Math.random() / 2));
        pause = Math.min(maxPauseMillis, pause * 2);
      }
    }
    await this.#end();
    return this.#stuck ? 'stuck' : 'drained';
  }

  /** Receives no more and begins no more parts. {@link run} returns when what is under way has ended. */
  drain(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#wake();
    setTimeout(() => this.#receiving.abort(), lastReceiveMillis);
  }

  /**
   * Resolves when a message was dealt with or a drain begins, or after so many milliseconds. Made anew each time: a
   * race against a promise that lives as long as the process would leave something behind for every message.
   */
  async #woken(atMost?: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    await (atMost === undefined ? woken : Promise.race([woken, this.#options.clock.sleep(atMost)]));
  }

  /** A method, because it changes while the queue is asked. */
  #isEnding(): boolean {
    return this.#ending;
  }

  #begin(message: ReceivedMessage): void {
    const delivery = new Delivery(message, {
      source: this.#options.source,
      clock: this.#options.clock,
      limits: this.#options.limits,
      isEnding: () => this.#ending,
      onMissedHeartbeat: (fault) => this.#options.onEvent({ type: 'heartbeat missed', fault, message: message.id }),
    });
    const one = this.#deal(delivery).finally(() => {
      this.#running.delete(delivery);
      this.#wake();
    });
    this.#running.set(delivery, one);
    delivery.stuck.catch(() => {
      this.#stuck = true;
      this.#options.onEvent({ type: 'stuck', message: message.id });
      this.drain();
    });
  }

  /** Never rejects. */
  async #deal(delivery: Delivery): Promise<void> {
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
      // It comes back when its visibility ends.
      onEvent({ type: 'heartbeat missed', fault: asFault(error), message: message.id });
    }
  }

  async #end(): Promise<void> {
    const { clock, drainSeconds: drainTime } = this.#options;
    const all = Promise.all(this.#running.values());
    await Promise.race([all, clock.sleep(drainTime * 1000)]);
    await Promise.all(
      [...this.#running.keys()].map(async (late) => {
        late.end();
        await this.#giveBack(late);
      }),
    );
    await this.#deletions.settle();
  }
}
