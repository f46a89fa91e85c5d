import { Bucket, EventType } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Fault } from '../shared/model/faults.ts';
import type { Task } from '../shared/model/task.ts';

/**
 * Event notifications of the tasks' source buckets to the queue of jobs. The buckets exist already: CDK's handler adds
 * to the notifications that a bucket has, and removes only its own.
 */
export class SourceNotifications extends Construct {
  constructor(scope: Construct, id: string, tasks: readonly Task[], jobs: Queue) {
    super(scope, id);
    const destination = new SqsDestination(jobs);
    for (const { bucket: name, created, removed } of notificationsOf(tasks)) {
      const bucket = Bucket.fromBucketName(this, name, name);
      const kinds = [
        { event: EventType.OBJECT_CREATED, prefixes: created },
        { event: EventType.OBJECT_REMOVED, prefixes: removed },
      ];
      for (const { event, prefixes } of kinds) {
        for (const prefix of prefixes) {
          const filters = prefix === '' ? [] : [{ prefix: filterPrefix(prefix) }];
          bucket.addEventNotification(event, destination, ...filters);
        }
      }
    }
  }
}

/** What one bucket is to tell of: prefixes, of which none begins with another. */
export interface BucketNotifications {
  readonly bucket: string;
  readonly created: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The notifications that tasks need, one a bucket. S3 refuses two whose prefixes overlap, so one that lies inside
 * another is left out; copy-objects finds the tasks of an event by its key.
 * @throws Fault `InvalidTask` for events on a source whose notifications this account cannot set
 */
export function notificationsOf(tasks: readonly Task[]): BucketNotifications[] {
  const telling = tasks.filter((task) => task.events !== 'none');
  for (const { name, source } of telling) {
    const field = source.credentials ? 'credentials' : source.endpoint === undefined ? undefined : 'endpoint';
    if (field === undefined) continue;
    throw new Fault(
      'InvalidTask',
      `task ${name}: events is set, and source.${field} too; expected a source bucket of this account, because the ` +
        `stack sets the notifications of the bucket (events "none" and a schedule do without them)`,
    );
  }
  return [...new Set(telling.map((task) => task.source.bucket))].map((bucket) => {
    const here = telling.filter((task) => task.source.bucket === bucket);
    const deleting = here.filter((task) => task.events === 'create-delete');
    return { bucket, created: outermostPrefixes(here), removed: outermostPrefixes(deleting) };
  });
}

function outermostPrefixes(tasks: readonly Task[]): string[] {
  const prefixes = [...new Set(tasks.map((task) => task.source.prefix))];
  return prefixes.filter((prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)));
}

/** A prefix as a filter wants it: percent-encoded but for slashes, and a space as `+` (S3 user guide, key filtering). */
export function filterPrefix(prefix: string): string {
  return encodeURIComponent(prefix).replaceAll('%2F', '/').replaceAll('%20', '+');
}
