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
  /** of an update: what the resource had until now */
  OldResourceProperties: v.exactOptional(v.record(v.string(), v.unknown())),
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

const bucketEntries = {
  BucketName: text,
  /** prefixes, as S3's filters take them, whose new objects S3 reports */
  Created: texts,
  /** prefixes whose removed objects S3 reports */
  Removed: texts,
  ExpectedBucketOwner: v.exactOptional(v.string()),
  /** where the bucket is, if the task says it */
  Region: v.exactOptional(v.string()),
};

const bucketSchema = v.object({ QueueArn: text, ...bucketEntries });
const groupSchema = v.object({ QueueArn: text, Group: text, Buckets: v.array(v.object(bucketEntries)) });

/** The notifications of one bucket. */
export type NotificationProperties = v.InferOutput<typeof bucketSchema>;

/** A resource for one bucket, or for a group of them: infra/notifications.ts writes both. */
export type NotificationHolder = 'bucket' | 'group';

export interface NotificationRequest {
  readonly holder: NotificationHolder;
  /** the buckets that send notifications from now on */
  readonly set: readonly NotificationProperties[];
  /** the buckets that send none any more */
  readonly removed: readonly NotificationProperties[];
}

/** The end of the resource's physical ID: the bucket's name, or the group's number. */
export function notificationResource({
  ResourceProperties: { Buckets, Group, BucketName },
}: CustomResourceRequest): string {
  return Buckets === undefined ? String(BucketName) : `group-${String(Group)}`;
}

/**
 * What a request asks for. An update to another bucket removes nothing: its new physical ID makes CloudFormation delete
 * the old resource. A group keeps its ID when buckets leave it.
 * @throws Fault `InvalidInput`
 */
export function parseNotificationRequest(request: CustomResourceRequest): NotificationRequest {
  const { RequestType, ResourceProperties: now, OldResourceProperties: before } = request;
  const what = `properties of ${request.LogicalResourceId}`;
  const isGroup = now['Buckets'] !== undefined;
  const buckets = isGroup ? groupOf(now, what) : [parseWith(bucketSchema, now, what)];
  const holder = isGroup ? 'group' : 'bucket';
  if (RequestType === 'Delete') return { holder, set: [], removed: buckets };
  const kept = new Set(buckets.map(({ BucketName }) => BucketName));
  const former = isGroup && before?.['Buckets'] !== undefined ? groupOf(before, `former ${what}`) : [];
  return { holder, set: buckets, removed: former.filter(({ BucketName }) => !kept.has(BucketName)) };
}

function groupOf(properties: unknown, what: string): NotificationProperties[] {
  const { Buckets, QueueArn } = parseWith(groupSchema, properties, what);
  return Buckets.map((bucket) => ({ ...bucket, QueueArn }));
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
