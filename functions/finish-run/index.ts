import { DynamoLedgerLookup } from '../../shared/aws/dynamodb/ledger-lookup.ts';
import { createTableClient } from '../../shared/aws/service-clients.ts';
import type { RunCounts } from '../../shared/model/run-counts.ts';
import type { FinishRunInput } from '../../shared/model/messages/payloads.ts';
import type { Belonging } from '../../shared/run/standing.ts';
import { finishRun } from '../../shared/find/finish-run.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { readEnvironment } from '../environment.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { createGovernor, createLedger } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const ledger = createLedger(environment.LEDGER_TABLE);
const governor = createGovernor(environment.LEDGER_TABLE, { obeysOnly: true });
const lookup = new DynamoLedgerLookup(createTableClient(), environment.LEDGER_TABLE);

/** The last step of the SYNC machine, after success and failure: records the run's counts and its status. */
export const handler = async (event: FinishRunInput): Promise<RunCounts> => {
  const context = { ledger, lookup, clock: systemClock, standing: (one: Belonging) => governor.standing(one) };
  const { task, run, status, counts, reason } = await finishRun(context, event);
  const tally = new Tally();
  if (status !== 'CANCELLED') tally.add(task, status === 'DONE' ? 'RunsDone' : 'RunsFailed', 1);
  tally.publish();
  if (status === 'DONE') logger.info('run done', { task, run, ...counts });
  else if (status === 'CANCELLED') logger.info('run cancelled', { task, run, ...counts });
  else logger.error('run failed', { task, run, reason });
  if (counts.markers !== undefined) {
    logger.warn('folder markers that equal a prefix have no key on the other side; they are left alone', {
      ...{ task, run, markers: counts.markers },
    });
  }
  if (counts.incomplete !== undefined) {
    logger.warn('copies of the task lack something of their source; npm run audit names them', {
      ...{ task, run, incomplete: counts.incomplete },
    });
  }
  return counts;
};
