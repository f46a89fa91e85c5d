import { Aws, CustomResource } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { outermost } from '../shared/model/config/prefixes.ts';
import type { Task } from '../shared/model/config/task.ts';
import type { Pipeline } from './function.ts';
import { BucketNotificationsFunction } from './functions/bucket-notifications.ts';

/**
 * Sends event notifications of the tasks' source buckets to the queue of jobs. The buckets exist already and may have
 * notifications of other owners: bucket-notifications adds and removes only the stack's own. Why the CDK's handler is
 * not used: docs/decisions/0002-own-bucket-notification-handler.md.
 */
export class SourceNotifications extends Construct {
  constructor(scope: Construct, id: string, pipeline: Pipeline, tasks: readonly Task[]) {
    super(scope, id);
    const { jobs } = pipeline.queues;
    const buckets = notificationsOf(tasks);
    const names = buckets.map(({ bucket }) => bucket);
    const setter = new BucketNotificationsFunction(this, 'Setter', pipeline, names);
    for (const { bucket, owner, created, removed } of buckets) {
      allowSending(jobs, bucket, owner);
      const resource = new CustomResource(this, bucket, {
        serviceToken: setter.function.functionArn,
        resourceType: 'Custom::BucketNotifications',
        properties: {
          BucketName: bucket,
          QueueArn: jobs.queueArn,
          Created: created.map(filterPrefix),
          Removed: removed.map(filterPrefix),
          ...(owner !== undefined && { ExpectedBucketOwner: owner }),
        },
      });
      // S3 sends a test message to the queue before it accepts the configuration.
      resource.node.addDependency(jobs);
    }
  }
}

/** Lets S3 send the events of one bucket to the queue: only of the bucket with this name and owner. */
function allowSending(jobs: Queue, bucket: string, owner: string | undefined): void {
  const statement = new PolicyStatement({
    principals: [new ServicePrincipal('s3.amazonaws.com')],
    actions: ['sqs:SendMessage'],
    resources: [jobs.queueArn],
    conditions: {
      ArnEquals: { 'aws:SourceArn': `arn:${Aws.PARTITION}:s3:::${bucket}` },
      StringEquals: { 'aws:SourceAccount': owner ?? Aws.ACCOUNT_ID },
    },
  });
  jobs.addToResourcePolicy(statement);
}

/** The events that one bucket must send, by prefix; no prefix begins with another. */
export interface BucketNotifications {
  readonly bucket: string;
  /** the bucket's account, if a task names it; otherwise the stack's own */
  readonly owner?: string;
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
    return {
      bucket,
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

/** A prefix as a filter needs it: percent-encoded except slashes, a space as `+` (S3 user guide, key filtering). */
export function filterPrefix(prefix: string): string {
  return encodeURIComponent(prefix).replaceAll('%2F', '/').replaceAll('%20', '+');
}
