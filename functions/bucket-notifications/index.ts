import { BucketNotifications } from '../../shared/aws/s3/bucket-notifications.ts';
import { answerCloudFormation } from '../../shared/aws/custom-resource.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import {
  answerOf,
  notificationIdPrefix,
  parseCustomResourceRequest,
  parseNotificationProperties,
  type CustomResourceRequest,
} from '../../shared/model/messages/custom-resource.ts';
import { asFault, type Fault } from '../../shared/model/faults.ts';
import { logger } from '../../shared/observing/tally.ts';

/** Custom resource for the notifications of one existing bucket. It sets and removes only the entries of this stack. */
export const handler = async (event: unknown): Promise<void> => {
  const request = parseCustomResourceRequest(event);
  const idPrefix = notificationIdPrefix(request.StackId);
  // A new physical ID makes CloudFormation delete the old resource, and so the entries of the old bucket.
  const physicalId = idPrefix + String(request.ResourceProperties['BucketName']);
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
  const properties = parseNotificationProperties(request);
  const client = createS3Client({ bucket: properties.BucketName, prefix: '', requestPayer: false }, undefined);
  const notifications = new BucketNotifications(client);
  if (request.RequestType === 'Delete') await notifications.remove(idPrefix, properties);
  else {
    const leftOut = await notifications.set(idPrefix, properties);
    if (leftOut.length > 0) logger.warn('events of others', { bucket: properties.BucketName, leftOut });
  }
}
