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

/** Custom resource: the notifications of one existing bucket. A deployment sets and removes our own entries only. */
export const handler = async (event: unknown): Promise<void> => {
  const request = parseCustomResourceRequest(event);
  const idPrefix = notificationIdPrefix(request.StackId);
  // Another bucket is another resource: CloudFormation then asks to delete this one.
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
  else await notifications.set(idPrefix, properties);
}
