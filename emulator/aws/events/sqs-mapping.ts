import type { InvocationResult } from '../lambda/environment.ts';
import type { Queues } from '../sqs/queues.ts';
import { failedMessages, receivedMessages, sqsEvent, type QueueMessage } from './sqs-event.ts';

export interface SqsMappingOptions {
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly batchSize: number;
  /** batches under way at once */
  readonly concurrency: number;
  /** does the function answer which messages failed? */
  readonly reportsFailures: boolean;
  /**
   * After how many seconds a failed message is tried again. Lambda leaves it to the queue's visibility timeout, which
   * is long because a function may run for long; to wait that long here would help nobody. Undefined: as Lambda.
   */
  readonly retryDelaySeconds: number | undefined;
  readonly queues: Pick<Queues, 'call'>;
  readonly invoke: (event: object) => Promise<InvocationResult>;
  readonly onError: (error: unknown) => void;
}

/** SQS: messages of one ReceiveMessage, and entries of one batch operation. */
const maxReceive = 10;
/** SQS: the longest long poll, in seconds. */
const longestPollSeconds = 20;
/** Pause after a failed poll, so that a broken queue does not spin. */
const errorPauseMilliseconds = 1000;

/** An event source mapping: takes batches from a queue and gives them to a function. */
export class SqsMapping {
  readonly #options: SqsMappingOptions;
  /** batches that were received and are not settled yet */
  readonly #batches = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: SqsMappingOptions) {
    this.#options = options;
    for (let poller = 0; poller < options.concurrency; poller++) void this.#poll();
  }

  /**
   * Takes no more messages and waits for the batches under way. Polls that still wait for messages are ended by the
   * queue when it closes; what they may receive until then is given back.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#batches);
  }

  /** A method, because it changes while a poll waits. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  async #poll(): Promise<void> {
    while (!this.#isStopping()) {
      try {
        const messages = await this.#receive();
        if (messages.length === 0) continue;
        const batch = this.#isStopping() ? this.#setVisibility(messages, 0) : this.#work(messages);
        this.#batches.add(batch);
        await batch.finally(() => this.#batches.delete(batch));
      } catch (error) {
        if (this.#isStopping()) return;
        this.#options.onError(error);
        await new Promise((resolve) => setTimeout(resolve, errorPauseMilliseconds));
      }
    }
  }

  async #receive(): Promise<QueueMessage[]> {
    const answer = await this.#options.queues.call('ReceiveMessage', {
      QueueUrl: this.#options.queueUrl,
      MaxNumberOfMessages: Math.min(this.#options.batchSize, maxReceive),
      WaitTimeSeconds: longestPollSeconds,
      AttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return receivedMessages(answer);
  }

  async #work(messages: QueueMessage[]): Promise<void> {
    const result = await this.#options.invoke(sqsEvent(messages, this.#options.queueArn));
    const answer = this.#options.reportsFailures && result.ok ? result.payload : undefined;
    const failed = result.ok ? failedMessages(messages, answer) : messages;
    await this.#delete(messages.filter((message) => !failed.includes(message)));
    // The visibility timeout is the same as a late retry, so nothing is lost where this is cut short.
    if (this.#options.retryDelaySeconds !== undefined)
      await this.#setVisibility(failed, this.#options.retryDelaySeconds);
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
