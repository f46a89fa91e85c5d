import type { CheckDeletesInput, CheckedDeletes } from '../../shared/model/messages/payloads.ts';
import { checkDeletes } from '../../shared/find/check-deletes.ts';
import { readEnvironment } from '../environment.ts';
import { logger } from '../../shared/observing/tally.ts';
import { createLedger } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const ledger = createLedger(environment.LEDGER_TABLE);

/** The step of the SYNC machine between finding and deleting: fails the run if it would delete too much. */
export const handler = async (event: CheckDeletesInput): Promise<CheckedDeletes> => {
  const { task, run } = event.plan;
  const checked = await checkDeletes({ ledger }, event);
  const { results, refusal } = checked;
  logger.info('deletes checked', {
    task,
    run,
    deletes: results[0]?.counts.deletes,
    ...(refusal !== '' && { refusal }),
  });
  return checked;
};
