import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { KiB, queueBatchSize } from '../../model/limits.ts';
import type { DeadLetter, RedriveQueues } from '../../ports/redrive.ts';
import { faultOf } from '../faults.ts';
import type { QueueUrls } from '../stack-parameters.ts';

/** How long a received dead letter is hidden from other consumers. */
const heldSeconds = 300;
/** How long a receive waits. A receive that waits asks all of the queue's servers. */
const waitSeconds = 2;
/** The size of a batch that every partition accepts. */
const maxBatchBytes = 256 * KiB;

/** Both queues, by plain receives, sends and deletes: not every partition has the SQS redrive API. */
export class SqsRedriveQueues implements RedriveQueues {
  readonly #client: SQSClient;
  readonly #urls: QueueUrls;

  constructor(client: SQSClient, urls: QueueUrls) {
    this.#client = client;
    this.#urls = urls;
  }

  async receive(): Promise<DeadLetter[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#urls.deadLetters,
      MaxNumberOfMessages: queueBatchSize,
      VisibilityTimeout: heldSeconds,
      WaitTimeSeconds: waitSeconds,
      MessageAttributeNames: ['reason'],
      MessageSystemAttributeNames: ['SentTimestamp', 'MessageGroupId'],
    });
    const { Messages = [] } = await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, 'ReceiveMessage of the dead-letter queue');
    });
    return Messages.map(({ MessageId, Body, ReceiptHandle, Attributes, MessageAttributes }) => {
      const reason = MessageAttributes?.['reason']?.StringValue;
      const group = Attributes?.MessageGroupId;
      return {
        id: MessageId ?? '',
        body: Body ?? '',
        receipt: ReceiptHandle ?? '',
        sentAt: Number(Attributes?.SentTimestamp ?? 0),
        ...(reason !== undefined && { reason }),
        ...(group !== undefined && { group }),
      };
    });
  }

  async send(letters: readonly DeadLetter[]): Promise<Set<string>> {
    const sent = new Set<string>();
    for (const batch of batches(letters)) {
      const Entries = batch.map(({ body, group }, index) => ({
        Id: String(index),
        MessageBody: body,
        ...(group !== undefined && { MessageGroupId: group }),
      }));
      const command = new SendMessageBatchCommand({ QueueUrl: this.#urls.jobs, Entries });
      const { Successful } = await this.#client.send(command).catch((error: unknown) => {
        throw faultOf(error, 'SendMessageBatch to the queue of jobs');
      });
      for (const id of namedIn(batch, Successful)) sent.add(id);
    }
    return sent;
  }

  async remove(letters: readonly DeadLetter[]): Promise<Set<string>> {
    if (letters.length === 0) return new Set();
    const Entries = letters.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: this.#urls.deadLetters, Entries });
    const { Successful } = await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, 'DeleteMessageBatch of the dead-letter queue');
    });
    return new Set(namedIn(letters, Successful));
  }

  async release(letters: readonly DeadLetter[]): Promise<void> {
    for (let from = 0; from < letters.length; from += queueBatchSize) {
      const Entries = letters
        .slice(from, from + queueBatchSize)
        .map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt, VisibilityTimeout: 0 }));
      const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#urls.deadLetters, Entries });
      // A letter that is not released returns after some minutes.
      await this.#client.send(command).catch((error: unknown) => {
        throw faultOf(error, 'ChangeMessageVisibilityBatch of the dead-letter queue');
      });
    }
  }
}

/** The IDs of the letters that an answer names as successful. A letter that is not named was not processed. */
function namedIn(letters: readonly DeadLetter[], successful: readonly { Id?: string | undefined }[] = []): string[] {
  return successful.flatMap(({ Id }) => letters[Number(Id)]?.id ?? []);
}

/** The letters in order, in batches of a size that SQS accepts. */
function batches(letters: readonly DeadLetter[]): DeadLetter[][] {
  const made: DeadLetter[][] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = Buffer.byteLength(letter.body);
    const last = made.at(-1);
    if (last && bytes + size <= maxBatchBytes && last.length < queueBatchSize) last.push(letter);
    else {
      made.push([letter]);
      bytes = 0;
    }
    bytes += size;
  }
  return made;
}
