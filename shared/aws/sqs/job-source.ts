import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import type { JobSource, ReceivedMessage } from '../../ports/job-source.ts';
import { faultOf } from '../faults.ts';
import { postponementAttribute, postponementOf, SqsRedelivery } from './job-queue.ts';

/** SQS's maximum: an idle consumer makes three requests per minute. */
const longPollSeconds = 20;

/** The jobs queue, for a consumer that polls it. */
export class SqsJobSource extends SqsRedelivery implements JobSource {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #visibilitySeconds: number;

  /** @param visibilitySeconds how long a received message is hidden from other consumers */
  constructor(client: SQSClient, url: string, visibilitySeconds: number) {
    super(client, url);
    this.#client = client;
    this.#url = url;
    this.#visibilitySeconds = visibilitySeconds;
  }

  async receive(most: number, signal: AbortSignal): Promise<ReceivedMessage[]> {
    const input = {
      QueueUrl: this.#url,
      MaxNumberOfMessages: most,
      WaitTimeSeconds: longPollSeconds,
      VisibilityTimeout: this.#visibilitySeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId'] as const,
    };
    const command = new ReceiveMessageCommand({
      ...input,
      MessageSystemAttributeNames: [...input.MessageSystemAttributeNames],
      MessageAttributeNames: [postponementAttribute],
    });
    const answer = await this.#client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw faultOf(error, 'ReceiveMessage');
    });
    return (answer.Messages ?? []).map(receivedMessage);
  }

  async delete(receipts: readonly string[]): Promise<readonly string[]> {
    const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    const input = { QueueUrl: this.#url, Entries };
    const answer = await this.#client.send(new DeleteMessageBatchCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'DeleteMessageBatch');
    });
    const deleted = new Set((answer.Successful ?? []).map((entry) => entry.Id));
    return receipts.filter((_, index) => !deleted.has(String(index)));
  }

  async requeueMessage({ body, group, postponement, receipt }: ReceivedMessage): Promise<void> {
    await this.sendAgain({ body, group, ...(postponement && { postponement }) });
    await this.delete([receipt]);
  }
}

function receivedMessage(message: Message): ReceivedMessage {
  const { MessageId = '', Body = '', ReceiptHandle = '', Attributes = {}, MessageAttributes } = message;
  const { ApproximateReceiveCount, MessageGroupId } = Attributes;
  const postponement = postponementOf(MessageAttributes);
  return {
    id: MessageId,
    body: Body,
    receipt: ReceiptHandle,
    receives: Number(ApproximateReceiveCount ?? 1),
    ...(MessageGroupId !== undefined && { group: MessageGroupId }),
    ...(postponement && { postponement }),
  };
}
