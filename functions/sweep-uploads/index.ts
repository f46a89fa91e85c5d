import { asFault, Fault } from '../../shared/model/faults.ts';
import { allTasks } from '../../shared/model/job.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { inTurn, sweepUploads } from '../../shared/transfer/upload/sweep-uploads.ts';
import { checkNotifications } from '../check-notifications.ts';
import { readEnvironment } from '../environment.ts';
import { faultDetails } from '../../shared/observing/fault-details.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { createLedger, TaskWiring, withTally, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH, { readsAll: true });
const ledger = createLedger(environment.LEDGER_TABLE);
const olderThanMillis = Number(environment.OLDER_THAN_DAYS) * 24 * 3600 * 1000;

/**
 * Looks, once per day, whether the source buckets still send the events of all tasks, and aborts the uploads that were
 * left at their destinations.
 * @throws Fault `Unavailable` that names the tasks which could not be swept, after sweeping all others, and those of
 *   buckets whose notifications could not be read; not those at stores that list no uploads
 */
export const handler = async (_event: unknown, invocation: Invocation): Promise<void> => {
  const tasks = await wiring.parameters.tasks();
  // First, and published before the sweep begins, which may run out of time.
  const unread = await withTally((tally) => checkNotifications(tasks, environment.EVENTS_QUEUE_ARN, tally));
  const tally = new Tally();
  const failed: string[] = [];
  for (const { name } of inTurn(tasks, Date.now())) {
    try {
      const { task, destination, clock, deadline } = await wiring.partContext(name, invocation, noProgress);
      const counts = await sweepUploads({ task, destination, ledger, clock, deadline, olderThanMillis });
      // An alarm uses the sum over all tasks.
      for (const sum of [name, allTasks]) tally.add(sum, 'UploadsSwept', counts.aborted);
      if (counts.unlisted)
        logger.warn('the store does not list uploads; a lifecycle rule can abort them', { task: name });
      else logger.info('uploads swept', { task: name, ...counts });
    } catch (error) {
      const fault = asFault(error);
      if (fault.name === 'NotSupported') {
        // Aliyun OSS lists no uploads over the S3 API, today as tomorrow: a rule of the bucket has to abort them.
        logger.warn('uploads cannot be listed at this store', { task: name, ...faultDetails(fault) });
        continue;
      }
      failed.push(name);
      logger.error('uploads not swept', { task: name, ...faultDetails(fault) });
    }
  }
  tally.publish();
  const faults = [
    ...(failed.length > 0 ? [`not swept: ${failed.sort().join(', ')}`] : []),
    ...(unread.length > 0 ? [`notifications not read: ${unread.join(', ')}`] : []),
  ];
  if (faults.length > 0) throw new Fault('Unavailable', `${faults.join('; ')} (the log says why)`);
};
