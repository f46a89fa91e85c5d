import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import { asFault, Fault } from '../../model/faults.ts';
import { queueBatchSize } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { faultOf } from '../faults.ts';

/** Times that a batch is sent before its call fails because of the entries that are left. */
const maxAttempts = 5;
/** Bytes of one batch: far below SQS's limit (SQS Developer Guide, "Message quotas"), which once was 256 KiB. */
const maxBatchBytes = 200 * 1024;
/** How long a message waits for others to share its request. */
const batchDelayMillis = 20;

/** A message without its place in a batch. */
export type Sent = Omit<SendMessageBatchRequestEntry, 'Id'>;

/**
 * Sends at most ten messages in one request; those that SQS does not accept are sent again a few times.
 * @returns for each message undefined, or why it was not accepted. A 200 may contain failures: a message that is not
 *   named as successful was not sent
 * @throws Fault if a request fails as a whole
 */
export async function sendBatch(
  client: SQSClient,
  url: string,
  messages: readonly Sent[],
  clock: Clock,
): Promise<(Fault | undefined)[]> {
  let left = messages.map((message, index) => ({ ...message, Id: String(index) }));
  for (let attempt = 1; ; attempt++) {
    const input = { QueueUrl: url, Entries: left };
    const answer = await client.send(new SendMessageBatchCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'SendMessageBatch');
    });
    const sent = new Set((answer.Successful ?? []).map((entry) => entry.Id));
    left = left.filter((entry) => !sent.has(entry.Id));
    const failure = answer.Failed?.[0];
    if (left.length === 0 || failure?.SenderFault === true || attempt >= maxAttempts) {
      const why = failure ? `${failure.Code ?? '?'}: ${failure.Message ?? ''}` : 'they are missing from the answer';
      const fault = new Fault('Unavailable', `SendMessageBatch: ${left.length} messages were not accepted: ${why}`);
      const notSent = new Set(left.map(({ Id }) => Id));
      return messages.map((_message, index) => (notSent.has(String(index)) ? fault : undefined));
    }
    await clock.sleep(100 * 2 ** attempt * Math.random());
  }
}

interface Waiting {
  readonly message: Sent;
  readonly settle: (fault: Fault | undefined) => void;
}

/** Collects the messages of callers that do not know of each other into batches: a tenth of the requests. */
export class SendBatches {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: SQSClient, url: string, clock: Clock) {
    this.#client = client;
    this.#url = url;
    this.#clock = clock;
  }

  /** Returns once the message is in the queue. @throws Fault if it is not */
  async send(message: Sent): Promise<void> {
    const bytes = Buffer.byteLength(message.MessageBody ?? '') + 1024;
    if (this.#waitingBytes + bytes > maxBatchBytes) this.#flush();
    const settled = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ message, settle: (fault) => (fault ? reject(fault) : resolve()) });
    });
    this.#waitingBytes += bytes;
    if (this.#waiting.length >= queueBatchSize) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), batchDelayMillis);
    await settled;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (batch.length > 0) void this.#send(batch);
  }

  /** Never rejects: each caller learns what became of its own message. */
  async #send(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.map(({ message }) => message);
    try {
      const faults = await sendBatch(this.#client, this.#url, messages, this.#clock);
      for (const [index, { settle }] of batch.entries()) settle(faults[index]);
    } catch (error) {
      for (const { settle } of batch) settle(asFault(error));
    }
  }
}
