import { asFault, Fault } from '../../shared/model/faults.ts';
import { allTasks } from '../../shared/model/job.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { inTurn, sweepUploads } from '../../shared/transfer/upload/sweep-uploads.ts';
import { readEnvironment } from '../environment.ts';
import { faultDetails } from '../../shared/observing/fault-details.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { createLedger, TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH, { readsAll: true });
const ledger = createLedger(environment.LEDGER_TABLE);
const olderThanMillis = Number(environment.OLDER_THAN_DAYS) * 24 * 3600 * 1000;

/**
 * Aborts, once per day, the uploads that were left at the destinations of all tasks.
 * @throws Fault `Unavailable` that names the tasks which could not be swept, after sweeping all others; not those at
 *   stores that list no uploads
 */
export const handler = async (_event: unknown, invocation: Invocation): Promise<void> => {
  const tally = new Tally();
  const failed: string[] = [];
  for (const { name } of inTurn(await wiring.parameters.tasks(), Date.now())) {
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
  if (failed.length > 0) throw new Fault('Unavailable', `not swept: ${failed.sort().join(', ')} (the log says why)`);
};
