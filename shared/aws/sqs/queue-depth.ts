import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { CountedQueue, QueueDepth } from '../../ports/queue-depth.ts';
import { faultOf } from '../faults.ts';

/** Counts the messages of SQS queues, all together. */
export class SqsQueueDepth implements CountedQueue {
  readonly #client: SQSClient;
  readonly #urls: readonly string[];

  constructor(client: SQSClient, ...urls: readonly string[]) {
    this.#client = client;
    this.#urls = urls;
  }

  async depth(): Promise<QueueDepth> {
    const depths = await Promise.all(this.#urls.map((url) => this.#depthOf(url)));
    const sum = (of: keyof QueueDepth): number => depths.reduce((total, depth) => total + depth[of], 0);
    return { waiting: sum('waiting'), inFlight: sum('inFlight'), delayed: sum('delayed') };
  }

  async #depthOf(url: string): Promise<QueueDepth> {
    const command = new GetQueueAttributesCommand({
      QueueUrl: url,
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
