import { createHash } from 'node:crypto';
import { Aws, CustomResource } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IDependable } from 'constructs';
import { filterPrefix, outermost } from '../shared/model/config/prefixes.ts';
import type { Task } from '../shared/model/config/task.ts';
import type { Pipeline } from './function.ts';
import { BucketNotificationsFunction } from './functions/bucket-notifications.ts';
import { bytesOf } from './quotas/characters.ts';
import { quotas } from './quotas/quotas.ts';
import { allowEvents } from './queue.ts';

/** Buckets with a custom resource each. With more of them, the resources of 200 tasks would not fit into a stack. */
const singleBuckets = 50;
/** Custom resources for more buckets than that. Each has a policy, and twice as many are attached during an update. */
const groups = 4;

/**
 * Sends event notifications of the tasks' source buckets to the queue of events. The buckets exist already and may have
 * notifications of other owners: bucket-notifications adds and removes only the stack's own. Why the CDK's handler is
 * not used: docs/decisions/0002-own-bucket-notification-handler.md.
 */
export class SourceNotifications extends Construct {
  constructor(scope: Construct, id: string, pipeline: Pipeline, tasks: readonly Task[]) {
    super(scope, id);
    const { events } = pipeline.queues;
    const buckets = notificationsOf(tasks);
    const setter = new BucketNotificationsFunction(this, 'Setter', pipeline);
    if (buckets.length === 0) return;
    allowEvents(pipeline.queues, (queue) => sendingFrom(queue, buckets));
    const resource = (name: string, properties: Record<string, unknown>, policies: readonly IDependable[]): void => {
      const made = new CustomResource(this, name, {
        serviceToken: setter.function.functionArn,
        resourceType: 'Custom::BucketNotifications',
        properties: { ...properties, QueueArn: events.queueArn },
      });
      // S3 sends a test message to the queue before it accepts the configuration.
      made.node.addDependency(events, ...policies);
    };
    if (buckets.length <= singleBuckets) {
      const policies = setter.allow(buckets);
      for (const bucket of buckets) resource(bucket.bucket, propertiesOf(bucket), policies);
      return;
    }
    for (const [group, some] of grouped(buckets)) {
      resource(`Group${group}`, { Group: group, Buckets: some.map(propertiesOf) }, setter.allow(some));
    }
  }
}

function propertiesOf({ bucket, owner, region, created, removed }: BucketNotifications): Record<string, unknown> {
  return {
    BucketName: bucket,
    Created: created.map(filterPrefix),
    Removed: removed.map(filterPrefix),
    ...(owner !== undefined && { ExpectedBucketOwner: owner }),
    ...(region !== undefined && { Region: region }),
  };
}

/** Buckets in groups by their names: a bucket that comes or goes moves no other one. */
function grouped(buckets: readonly BucketNotifications[]): [group: string, buckets: BucketNotifications[]][] {
  const found = new Map<string, BucketNotifications[]>();
  for (const one of buckets) {
    const group = String((createHash('sha256').update(one.bucket).digest().readUInt32BE() % groups) + 1);
    found.set(group, [...(found.get(group) ?? []), one]);
  }
  return [...found].sort(([one], [other]) => Number(one) - Number(other));
}

/** The queue's policy besides these statements: the frame, the demand for TLS, and the rule of infra/events/. */
const otherPolicyBytes = 1_000;
const otherStatements = 2;

/**
 * Lets S3 send the events of the buckets to the queue: one statement for each account that owns some, with their names.
 * If the names do not fit into the policy, the owners must do: an event of a bucket of no task is discarded.
 */
function sendingFrom(queue: Queue, buckets: readonly BucketNotifications[]): readonly PolicyStatement[] {
  const owners = Map.groupBy(buckets, ({ owner }) => owner ?? Aws.ACCOUNT_ID);
  const statements = [...owners].map(([owner, owned]) => sending(queue, owner, owned));
  const bytes = statements.reduce((sum, statement) => sum + bytesOf(statement.toStatementJson()), otherPolicyBytes);
  const fits =
    bytes <= quotas.queuePolicyBytes.limit && statements.length + otherStatements <= quotas.queuePolicyStatements.limit;
  return fits ? statements : [sendingAny(queue, [...owners.keys()])];
}

/** Only of buckets with these names and this owner. */
function sending(queue: Queue, owner: string, buckets: readonly BucketNotifications[]): PolicyStatement {
  const arns = buckets.map(({ bucket }) => `arn:${Aws.PARTITION}:s3:::${bucket}`);
  return new PolicyStatement({
    ...sendingOfS3(queue),
    conditions: {
      ArnEquals: { 'aws:SourceArn': arns.length === 1 ? arns[0] : arns },
      StringEquals: { 'aws:SourceAccount': owner },
    },
  });
}

function sendingAny(queue: Queue, owners: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    ...sendingOfS3(queue),
    conditions: {
      ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:s3:::*` },
      StringEquals: { 'aws:SourceAccount': owners },
    },
  });
}

function sendingOfS3(queue: Queue): { principals: ServicePrincipal[]; actions: string[]; resources: string[] } {
  return {
    principals: [new ServicePrincipal('s3.amazonaws.com')],
    actions: ['sqs:SendMessage'],
    resources: [queue.queueArn],
  };
}

/** The events that one bucket must send, by prefix; no prefix begins with another. */
export interface BucketNotifications {
  readonly bucket: string;
  /** the bucket's account, if a task names it; otherwise the stack's own */
  readonly owner?: string;
  /** where it is, if a task says it */
  readonly region?: string;
  readonly created: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The notifications that tasks need, one entry per bucket. S3 refuses two whose prefixes overlap, so a prefix inside
 * another is left out; copy-objects finds the tasks of an event by its key.
 */
export function notificationsOf(tasks: readonly Task[]): BucketNotifications[] {
  const replicating = tasks.filter((task) => task.events !== 'none');
  return [...new Set(replicating.map((task) => task.source.bucket))].map((bucket) => {
    const here = replicating.filter((task) => task.source.bucket === bucket);
    const deleting = here.filter((task) => task.events === 'create-delete');
    const owner = here.find(({ source }) => source.expectedBucketOwner !== undefined)?.source.expectedBucketOwner;
    const region = here.find(({ source }) => source.region !== undefined)?.source.region;
    return {
      bucket,
      ...(region !== undefined && { region }),
      ...(owner !== undefined && { owner }),
      created: outermostPrefixes(here),
      removed: outermostPrefixes(deleting),
    };
  });
}

/**
 * Filters for each kind of event, created and removed. S3 allows 100 configurations per bucket; half of them are left
 * to other owners.
 */
const maxFilters = 25;

/** Above the limit, the prefixes of the sources are used instead: extra events arrive, and none is missed. */
function outermostPrefixes(tasks: readonly Task[]): string[] {
  const exact = outermost(tasks.flatMap(({ source, prefixes = [''] }) => prefixes.map((more) => source.prefix + more)));
  return exact.length <= maxFilters ? exact : outermost(tasks.map(({ source }) => source.prefix));
}
