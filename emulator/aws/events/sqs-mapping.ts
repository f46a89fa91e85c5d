import type { InvocationResult } from '../lambda/environment.ts';
import { isThrottled } from '../lambda/runtime.ts';
import { systemClock, type QuotaClock } from '../quotas/clock.ts';
import type { MappingScale } from '../quotas/mapping-scale.ts';
import type { Queues } from '../sqs/queues.ts';
import { failedMessages, receivedMessages, sqsEvent, type QueueMessage } from './sqs-event.ts';

export interface SqsMappingOptions {
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly batchSize: number;
  /** batches in progress at once, if nothing scales them */
  readonly concurrency: number;
  /** how many batches are in progress at once; throttled invocations are then retried, as Lambda does */
  readonly scale?: MappingScale | undefined;
  /** for the waits of throttled batches */
  readonly clock?: QuotaClock | undefined;
  /** whether the function answers which messages failed */
  readonly reportsFailures: boolean;
  /**
   * When a failed message becomes visible again. Lambda leaves this to the queue's visibility timeout, which is long
   * because a function may run for long. Undefined: as Lambda.
   */
  readonly retryDelaySeconds: number | undefined;
  readonly queues: Pick<Queues, 'call'>;
  readonly invoke: (event: object) => Promise<InvocationResult>;
  readonly onError: (error: unknown) => void;
}

/** SQS: messages per ReceiveMessage, and entries per batch operation. */
const maxReceive = 10;
/** SQS: the longest long poll. */
const maxPollSeconds = 20;
/** Pauses before a throttled batch is tried again; not documented, assumed. */
const throttledPauses = { firstMillis: 500, mostMillis: 10_000 };
/** Pause after a failed poll, so that a broken queue does not keep a processor busy. */
const errorPauseMillis = 1000;

/** An event source mapping: receives batches from a queue and invokes a function with them. */
export class SqsMapping {
  readonly #options: SqsMappingOptions;
  /** received batches whose messages are neither deleted nor released yet */
  readonly #batches = new Set<Promise<void>>();
  #stopping = false;
  #pollers = 0;

  constructor(options: SqsMappingOptions) {
    this.#options = options;
    const batches = options.scale?.batches ?? options.concurrency;
    while (this.#pollers < batches) this.#startPoller();
  }

  /**
   * Starts no more batches and waits for those in progress. Polls that still wait end when the queue closes; messages
   * that they receive until then become visible again.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#batches);
  }

  /** A method, because TypeScript would assume that the field does not change during an await. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  #startPoller(): void {
    this.#pollers++;
    void this.#poll();
  }

  /** Adapts the number of pollers to what a poll received. */
  #rescale(received: number): void {
    const { scale } = this.#options;
    if (!scale) return;
    if (received === 0) scale.idle();
    else scale.busy();
    if (received > 0 && this.#pollers < scale.batches && !this.#isStopping()) this.#startPoller();
  }

  async #poll(): Promise<void> {
    const { scale } = this.#options;
    while (!this.#isStopping()) {
      if (scale && this.#pollers > scale.batches) {
        this.#pollers--;
        return;
      }
      try {
        const messages = await this.#receive();
        this.#rescale(messages.length);
        if (messages.length === 0) continue;
        const batch = this.#isStopping() ? this.#setVisibility(messages, 0) : this.#work(messages);
        this.#batches.add(batch);
        await batch.finally(() => this.#batches.delete(batch));
      } catch (error) {
        if (this.#isStopping()) return;
        this.#options.onError(error);
        await new Promise((resolve) => setTimeout(resolve, errorPauseMillis));
      }
    }
  }

  async #receive(): Promise<QueueMessage[]> {
    const answer = await this.#options.queues.call('ReceiveMessage', {
      QueueUrl: this.#options.queueUrl,
      MaxNumberOfMessages: Math.min(this.#options.batchSize, maxReceive),
      WaitTimeSeconds: maxPollSeconds,
      AttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return receivedMessages(answer);
  }

  async #work(messages: QueueMessage[]): Promise<void> {
    const result = await this.#invoke(messages);
    // Lambda dropped the batch; its messages come back when their visibility timeout ends.
    if (this.#options.scale && isThrottled(result)) return;
    const answer = this.#options.reportsFailures && result.ok ? result.payload : undefined;
    const failed = result.ok ? failedMessages(messages, answer) : messages;
    await this.#delete(messages.filter((message) => !failed.includes(message)));
    // If this is cut short, the visibility timeout retries the messages later, so nothing is lost.
    if (this.#options.retryDelaySeconds !== undefined)
      await this.#setVisibility(failed, this.#options.retryDelaySeconds);
  }

  /**
   * Invokes the function. An invocation that is throttled is repeated until the messages become visible to others
   * (Lambda Developer Guide: Handling errors for an SQS event source in Lambda).
   */
  async #invoke(messages: readonly QueueMessage[]): Promise<InvocationResult> {
    const { invoke, queueArn, scale, clock = systemClock } = this.#options;
    const event = sqsEvent(messages, queueArn);
    const receivedAt = clock.now();
    let wait = throttledPauses.firstMillis;
    let visibleMillis: number | undefined;
    for (;;) {
      const result = await invoke(event);
      if (!scale || !isThrottled(result) || this.#isStopping()) return result;
      scale.throttled();
      visibleMillis ??= await this.#visibilityMillis();
      if (clock.now() + wait - receivedAt >= visibleMillis) return result;
      await clock.sleep(wait);
      wait = Math.min(2 * wait, throttledPauses.mostMillis);
    }
  }

  async #visibilityMillis(): Promise<number> {
    const { queues, queueUrl } = this.#options;
    const input = { QueueUrl: queueUrl, AttributeNames: ['VisibilityTimeout'] };
    const { Attributes } = (await queues.call('GetQueueAttributes', input)) as { Attributes: Record<string, string> };
    return Number(Attributes['VisibilityTimeout']) * 1000;
  }

  async #delete(messages: readonly QueueMessage[]): Promise<void> {
    await this.#batch(
      'DeleteMessageBatch',
      messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
    );
  }

  async #setVisibility(messages: readonly QueueMessage[], VisibilityTimeout: number): Promise<void> {
    await this.#batch(
      'ChangeMessageVisibilityBatch',
      messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout })),
    );
  }

  async #batch(operation: string, entries: readonly { readonly Id: string }[]): Promise<void> {
    if (entries.length === 0) return;
    const { queues, queueUrl, onError } = this.#options;
    const answer = await queues.call(operation, { QueueUrl: queueUrl, Entries: entries });
    const failed = (answer['Failed'] ?? []) as { Id: string; Code: string; Message?: string }[];
    for (const { Code, Message } of failed) onError(new Error(`${operation}: ${Code}: ${Message ?? ''}`));
  }
}
