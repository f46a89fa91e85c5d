import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { CountedQueue, QueueDepth } from '../../ports/queue-depth.ts';
import { faultOf } from '../faults.ts';

/** Counts the messages of an SQS queue. */
export class SqsQueueDepth implements CountedQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  async depth(): Promise<QueueDepth> {
    const command = new GetQueueAttributesCommand({
      QueueUrl: this.#url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    });
    const { Attributes = {} } = await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, 'GetQueueAttributes');
    });
    return {
      waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
    };
  }
}
