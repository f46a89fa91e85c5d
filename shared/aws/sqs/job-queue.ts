import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { ascii, encodeJob, type Job } from '../../model/job.ts';
import { queueBatchSize } from '../../model/limits.ts';
import { decodePostponement, encodePostponement, type Postponement } from '../../model/postponement.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { DeadLetters, JobQueue, NewMessage, Redelivery } from '../../ports/job-queue.ts';
import { faultOf } from '../faults.ts';
import { sendBatch, SendBatches } from './send-batches.ts';

/**
 * The queues on SQS. This file sends jobs, buries messages in the dead-letter queue, and sets when a received message
 * returns; send-batches.ts makes the batches; job-source.ts is the worker's receiving side; redrive.ts moves dead
 * letters back; queue-depth.ts counts. A batch call can succeed in part, so every adapter counts an entry as done only
 * if the answer names it as successful.
 */

/**
 * The message attribute that holds a postponement. It is not in the body, so that a consumer of an earlier version
 * reads the job as usual during an update.
 */
export const postponementAttribute = 'postponed';

/** An attribute as the SDK has it, or as an event of Lambda. */
interface MessageAttribute {
  readonly StringValue?: string | undefined;
  readonly stringValue?: string | undefined;
}

/** The postponement in the attributes of a received message. */
export function postponementOf(
  attributes: Readonly<Record<string, MessageAttribute>> | undefined,
): Postponement | undefined {
  const attribute = attributes?.[postponementAttribute];
  return decodePostponement(attribute?.StringValue ?? attribute?.stringValue);
}

/** The jobs queue, for senders. */
export class SqsJobQueue implements JobQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #clock: Clock;

  constructor(client: SQSClient, url: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#url = url;
    this.#clock = clock;
  }

  async send(jobs: readonly Job[]): Promise<void> {
    for (let from = 0; from < jobs.length; from += queueBatchSize) {
      const messages = jobs.slice(from, from + queueBatchSize).map((job) => ({
        MessageBody: encodeJob(job),
        // Fair queues: the messages of one run do not delay those of another, nor events.
        ...(job.run !== undefined && { MessageGroupId: groupOf(job.run) }),
      }));
      const failed = await sendBatch(this.#client, this.#url, messages, this.#clock);
      const fault = failed.find((one) => one !== undefined);
      if (fault) throw fault;
    }
  }
}

/** The fair-queue group of a run: SQS allows 128 characters of a small set in a group's name. */
export function groupOf(run: string): string {
  return run.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 128) || 'run';
}

/** The dead-letter queue, for messages that no retry can help. */
export class SqsDeadLetters implements DeadLetters {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  async bury(body: string, reason: string): Promise<void> {
    const attribute = { DataType: 'String', StringValue: ascii(reason).slice(0, 2000) || 'unknown' };
    const input = { QueueUrl: this.#url, MessageBody: body, MessageAttributes: { reason: attribute } };
    await this.#client.send(new SendMessageCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'SendMessage to the dead-letter queue');
    });
  }
}

/** Sets when a received message returns to the queue. Messages that are sent again together share requests. */
export class SqsRedelivery implements Redelivery {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #again: SendBatches;

  constructor(client: SQSClient, url: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#url = url;
    this.#again = new SendBatches(client, url, clock);
  }

  async after(receipt: string, seconds: number): Promise<boolean> {
    const input = { QueueUrl: this.#url, ReceiptHandle: receipt, VisibilityTimeout: Math.round(seconds) };
    try {
      await this.#client.send(new ChangeMessageVisibilityCommand(input));
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      throw faultOf(error, 'ChangeMessageVisibility');
    }
  }

  async sendAgain({ body, group, delaySeconds, postponement }: NewMessage): Promise<void> {
    await this.#again.send({
      MessageBody: body,
      ...(group !== undefined && { MessageGroupId: group }),
      ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
      ...(postponement && {
        MessageAttributes: {
          [postponementAttribute]: { DataType: 'String', StringValue: encodePostponement(postponement) },
        },
      }),
    });
  }
}

/** Was the message deleted, or received by another consumer? SQS has three ways to say so. */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, message } = error;
  return (
    /(MessageNotInflight|ReceiptHandleIsInvalid)$/.test(name) ||
    (/InvalidParameterValue(Exception)?$/.test(name) && /does not exist/.test(message))
  );
}
