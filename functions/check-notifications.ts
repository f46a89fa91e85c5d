import { BucketNotifications } from '../shared/aws/s3/bucket-notifications.ts';
import { createS3Client } from '../shared/aws/s3/client.ts';
import { missingEvents } from '../shared/aws/s3/notification-configuration.ts';
import { forEachConcurrently } from '../shared/flow/concurrently.ts';
import { asFault } from '../shared/model/faults.ts';
import type { BrokenTask, Task } from '../shared/model/config/task.ts';
import { allTasks } from '../shared/model/job.ts';
import { faultDetails } from '../shared/observing/fault-details.ts';
import { logger, type Tally } from '../shared/observing/tally.ts';

const bucketsAtOnce = 10;

/**
 * Looks whether source buckets still report the events of their tasks to the queue. Another writer replaces the whole
 * document of a bucket's notifications, and then no event comes and nothing fails.
 * @returns the names of the tasks of buckets whose notifications could not be read, of which nothing is known
 */
export async function checkNotifications(
  tasks: readonly (Task | BrokenTask)[],
  queueArn: string,
  tally: Tally,
): Promise<string[]> {
  const watched = tasks.filter((task): task is Task => !('broken' in task) && notifiesQueue(task, queueArn));
  const unread: string[] = [];
  await forEachConcurrently([...Map.groupBy(watched, bucketOf)], bucketsAtOnce, async ([bucket, some]) => {
    const [first] = some;
    if (!first) return;
    const client = createS3Client(first.source, undefined);
    try {
      const { expectedBucketOwner: owner } = first.source;
      const bucketOfOwner = { BucketName: bucket, ...(owner !== undefined && { ExpectedBucketOwner: owner }) };
      const present = await new BucketNotifications(client).read(bucketOfOwner);
      for (const task of some) {
        const missing = missingEvents(present, queueArn, task);
        if (missing.length === 0) continue;
        // An alarm uses the sum over all tasks.
        for (const sum of [task.name, allTasks]) tally.add(sum, 'NotificationsMissing', 1);
        logger.error('the bucket does not send the events of the task', { task: task.name, bucket, missing });
      }
    } catch (error) {
      for (const { name } of some) {
        unread.push(name);
        logger.error('notifications not read', { task: name, bucket, ...faultDetails(asFault(error)) });
      }
    } finally {
      client.destroy();
    }
  });
  return unread.sort();
}

function bucketOf({ source }: Task): string {
  return source.bucket;
}

/**
 * Must the bucket have an entry for the queue that this account may read? Events of other regions come through
 * EventBridge (infra/events/).
 */
function notifiesQueue({ source, events }: Task, queueArn: string): boolean {
  const [, , , region, account] = queueArn.split(':');
  const { expectedBucketOwner: owner = account, region: place = region } = source;
  return events !== 'none' && owner === account && place === region;
}
