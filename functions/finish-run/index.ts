import { DynamoLedgerLookup } from '../../shared/aws/dynamodb/ledger-lookup.ts';
import { DynamoRunCounters } from '../../shared/aws/dynamodb/run-counters.ts';
import { createTableClient } from '../../shared/aws/service-clients.ts';
import type { FinishedRun, FinishRunInput } from '../../shared/model/messages/payloads.ts';
import { noticeOf, summaryOf } from '../../shared/model/run-summary.ts';
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
const table = createTableClient();
const lookup = new DynamoLedgerLookup(table, environment.LEDGER_TABLE);
const counters = new DynamoRunCounters(table, environment.LEDGER_TABLE);

/** The last step of the SYNC machine, after success and failure: records the run's counts and its status. */
export const handler = async (event: FinishRunInput): Promise<FinishedRun> => {
  const context = {
    ledger,
    lookup,
    counters,
    clock: systemClock,
    standing: (one: Belonging) => governor.standing(one),
  };
  const record = await finishRun(context, event);
  const { task, run, status, counts, reason } = record;
  const end = summaryOf(record);
  const tally = new Tally();
  if (status !== 'CANCELLED') tally.add(task, status === 'DONE' ? 'RunsDone' : 'RunsFailed', 1);
  tally.publish();
  if (status === 'DONE') logger.info('run done', { ...counts, ...end });
  else if (status === 'CANCELLED') logger.info('run cancelled', { ...counts, ...end });
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
  if (end.unaccounted > 0) {
    logger.warn('jobs of the run are unaccounted for; the next run finds their objects', {
      ...{ task, run, unaccounted: end.unaccounted },
    });
  }
  return { counts, event: end, ...(end.found > 0 && !end.dryRun && { notice: noticeOf(end) }) };
};
