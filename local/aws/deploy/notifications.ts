import {
  PutBucketNotificationConfigurationCommand,
  S3Client,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { Fault } from '../../../shared/model/faults.ts';
import type { FunctionSurroundings } from '../lambda/function-definition.ts';
import { resourcesOf, type ResolvedStack } from '../template/stack.ts';
import { notificationProperties, type QueueConfiguration } from './properties.ts';

/** Sets the notifications of a stack's buckets, which the CDK leaves to a function of its own. */
export class BucketNotifications {
  readonly #client: S3Client;

  constructor({ endpoint, region, credentials }: FunctionSurroundings) {
    this.#client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  }

  /** @throws Fault `BucketNotFound` where a bucket does not exist */
  async deploy(stack: ResolvedStack): Promise<void> {
    // A configuration is put whole, so that all resources of one bucket go into one.
    const buckets = new Map<string, QueueConfiguration[]>();
    for (const { checked } of resourcesOf(stack, 'Custom::S3BucketNotifications', notificationProperties)) {
      const { QueueConfigurations } = checked.NotificationConfiguration;
      buckets.set(checked.BucketName, [...(buckets.get(checked.BucketName) ?? []), ...QueueConfigurations]);
    }
    for (const [bucket, configurations] of buckets) await this.#put(bucket, configurations);
  }

  close(): void {
    this.#client.destroy();
  }

  async #put(bucket: string, configurations: QueueConfiguration[]): Promise<void> {
    const command = new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      SkipDestinationValidation: true,
      NotificationConfiguration: { QueueConfigurations: configurations as ClientConfiguration[] },
    });
    try {
      await this.#client.send(command);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'NoSuchBucket') throw error;
      throw new Fault('BucketNotFound', `the stack is notified by bucket "${bucket}", which does not exist`, {
        cause: error,
      });
    }
  }
}

/** The client's types name the events and rules there are; the template's are text, which the server checks. */
type ClientConfiguration = NonNullable<NotificationConfiguration['QueueConfigurations']>[number];
