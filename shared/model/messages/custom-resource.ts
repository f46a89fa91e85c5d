import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { Fault } from '../faults.ts';
import { parseWith } from '../parse.ts';

/** CloudFormation's request to the function of a custom resource, and the response (custom resource protocol). */

const text = v.pipe(v.string(), v.minLength(1));
const texts = v.optional(v.array(v.string()), []);

const requestSchema = v.object({
  RequestType: v.picklist(['Create', 'Update', 'Delete']),
  ResponseURL: v.pipe(v.string(), v.url()),
  StackId: text,
  RequestId: text,
  LogicalResourceId: text,
  ResourceProperties: v.record(v.string(), v.unknown()),
});

export type CustomResourceRequest = v.InferOutput<typeof requestSchema>;

export interface CustomResourceAnswer {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

/** Characters of a reason: CloudFormation accepts no response over 4 KB. */
const maxReasonLength = 1500;

/** @throws Fault `InvalidInput` if it is not a request that could be answered */
export function parseCustomResourceRequest(event: unknown): CustomResourceRequest {
  return parseWith(requestSchema, event, 'CloudFormation request');
}

/** The response to a request: a success unless there is a fault. */
export function answerOf(request: CustomResourceRequest, physicalId: string, fault?: Fault): CustomResourceAnswer {
  const { StackId, RequestId, LogicalResourceId } = request;
  const ids = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  if (!fault) return { Status: 'SUCCESS', ...ids };
  return { Status: 'FAILED', Reason: `${fault.name}: ${fault.message}`.slice(0, maxReasonLength), ...ids };
}

const propertiesSchema = v.object({
  BucketName: text,
  QueueArn: text,
  /** prefixes, as S3's filters take them, whose new objects S3 reports */
  Created: texts,
  /** prefixes whose removed objects S3 reports */
  Removed: texts,
  ExpectedBucketOwner: v.exactOptional(v.string()),
});

/** The properties of one bucket's notifications: infra/notifications.ts writes them. */
export type NotificationProperties = v.InferOutput<typeof propertiesSchema>;

export function parseNotificationProperties(request: CustomResourceRequest): NotificationProperties {
  return parseWith(propertiesSchema, request.ResourceProperties, `properties of ${request.LogicalResourceId}`);
}

/**
 * The prefix of the IDs of a stack's own notifications. It is made from the stack's account, region and name, without
 * the part that differs each time the stack is created, so that a stack finds what an earlier one of its name left
 * behind. Its length is fixed, so no stack's prefix begins with another's.
 */
export function notificationIdPrefix(stackId: string): string {
  const lasting = stackId.replace(/\/[^/]*$/, '');
  return `s3-ferry-${createHash('sha256').update(lasting).digest('hex').slice(0, 16)}-`;
}
