import type { BatchOutcome, UploadPartsInput } from '../../shared/model/messages/payloads.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';
import { readEnvironment } from '../environment.ts';
import { createGovernor, TaskWiring, withTally, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const governor = createGovernor(environment.LEDGER_TABLE);
const wiring = new TaskWiring(environment.TASKS_PATH, { governor });

/**
 * Sends the missing parts of one batch. Parts that do not fit into the time of the call, or may not be sent now, stay
 * for the next round.
 */
export const handler = async (event: UploadPartsInput, invocation: Invocation): Promise<BatchOutcome> => {
  const { job } = event;
  return withTally(async (tally) => {
    const context = await wiring.partContext(job.task, invocation, tally.progress(job.task));
    return { outcome: await sendBatch({ ...context, standing: () => governor.standing(job) }, event) };
  });
};
