import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { Fault } from '../faults.ts';
import { parseWith } from '../parse.ts';

/** What CloudFormation asks of a custom resource's function, and what it is told (custom resource protocol). */

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

/** Characters of a reason: CloudFormation takes no answer over 4 KB. */
const maxReason = 1500;

/** @throws Fault `InvalidInput` where it is no request that could be answered */
export function parseCustomResourceRequest(event: unknown): CustomResourceRequest {
  return parseWith(requestSchema, event, 'CloudFormation request');
}

/** The answer to a request; without a fault it is a success. */
export function answerOf(request: CustomResourceRequest, physicalId: string, fault?: Fault): CustomResourceAnswer {
  const { StackId, RequestId, LogicalResourceId } = request;
  const ids = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  if (!fault) return { Status: 'SUCCESS', ...ids };
  return { Status: 'FAILED', Reason: `${fault.name}: ${fault.message}`.slice(0, maxReason), ...ids };
}

const propertiesSchema = v.object({
  BucketName: text,
  QueueArn: text,
  /** prefixes, as filters want them, whose new objects are told */
  Created: texts,
  /** prefixes whose removed objects are told */
  Removed: texts,
  ExpectedBucketOwner: v.exactOptional(v.string()),
});

/** The properties of one bucket's notifications: infra/notifications.ts writes them. */
export type NotificationProperties = v.InferOutput<typeof propertiesSchema>;

export function parseNotificationProperties(request: CustomResourceRequest): NotificationProperties {
  return parseWith(propertiesSchema, request.ResourceProperties, `properties of ${request.LogicalResourceId}`);
}

/**
 * What the IDs of a stack's own notifications begin with. It is made of the stack's account, region and name, without
 * what tells one creation of the stack from the next, so that a stack finds what a former one of its name left behind.
 * Its length is fixed: no stack's prefix begins with another's.
 */
export function notificationIdPrefix(stackId: string): string {
  const lasting = stackId.replace(/\/[^/]*$/, '');
  return `s3-ferry-${createHash('sha256').update(lasting).digest('hex').slice(0, 16)}-`;
}
