import { BucketNotifications } from '../../shared/aws/s3/bucket-notifications.ts';
import { answerCloudFormation } from '../../shared/aws/custom-resource.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import {
  answerOf,
  notificationIdPrefix,
  notificationResource,
  parseCustomResourceRequest,
  parseNotificationRequest,
  type CustomResourceRequest,
  type NotificationProperties,
} from '../../shared/model/messages/custom-resource.ts';
import { partitionOf } from '../../shared/model/config/partition.ts';
import { asFault, Fault } from '../../shared/model/faults.ts';
import { logger } from '../../shared/observing/tally.ts';

/** Buckets of a group at once: each waits up to half a minute until its change is visible. */
const bucketsAtOnce = 25;

/** Custom resource for the notifications of existing buckets. It sets and removes only the entries of this stack. */
export const handler = async (event: unknown): Promise<void> => {
  const request = parseCustomResourceRequest(event);
  const idPrefix = notificationIdPrefix(request.StackId);
  // A new physical ID makes CloudFormation delete the old resource, and so the entries of the old bucket.
  const physicalId = idPrefix + notificationResource(request);
  const fault = await perform(request, idPrefix).then(
    (): undefined => undefined,
    (error: unknown): Fault => asFault(error),
  );
  const details = { request: request.RequestType, resource: physicalId };
  if (fault) logger.error('notifications not set', { ...details, fault: fault.name, reason: fault.message });
  else logger.info('notifications set', details);
  await answerCloudFormation(request.ResponseURL, answerOf(request, physicalId, fault));
};

async function perform(request: CustomResourceRequest, idPrefix: string): Promise<void> {
  const { holder, set, removed } = parseNotificationRequest(request);
  const faults: unknown[] = [];
  const each = (
    buckets: readonly NotificationProperties[],
    change: (notifications: BucketNotifications, properties: NotificationProperties) => Promise<void>,
  ): Promise<void> =>
    forEachConcurrently(buckets, bucketsAtOnce, async (properties) => {
      const { BucketName: bucket, Region: region } = properties;
      const side = { bucket, prefix: '', requestPayer: false, ...(region !== undefined && { region }) };
      const client = createS3Client(side, undefined);
      // One bucket must not keep the notifications of the others from being set or removed.
      await change(new BucketNotifications(client), properties).catch((error: unknown) => faults.push(error));
    });
  await each(removed, (notifications, properties) => notifications.remove(idPrefix, properties, holder));
  await each(set, async (notifications, properties) => {
    if (isElsewhere(properties)) {
      await notifications.report(idPrefix, properties);
      logger.info('events go to EventBridge', { bucket: properties.BucketName, region: properties.Region });
      return;
    }
    const leftOut = await notifications.set(idPrefix, properties, holder);
    if (leftOut.length > 0) logger.warn('events of others', { bucket: properties.BucketName, leftOut });
  });
  if (faults.length > 0) throw faults[0];
}

/**
 * Is the bucket in another region than the queue? S3 sends events only to a queue in its own, so they come through
 * EventBridge (infra/events/).
 * @throws Fault `InvalidTask` for a bucket in another partition, from which no event comes
 */
function isElsewhere({ BucketName, Region, QueueArn }: NotificationProperties): boolean {
  const [, partition = '', , region] = QueueArn.split(':');
  if (Region === undefined || Region === region) return false;
  if (partitionOf(Region) === partition) return true;
  throw new Fault(
    'InvalidTask',
    `bucket "${BucketName}" is in region ${Region}, and no events leave its partition; expected a stack in partition ` +
      `${partitionOf(Region)} instead of ${partition}, or a task with a schedule and "events": "none"`,
  );
}
