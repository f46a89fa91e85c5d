import type { BatchOutcome, UploadPartsInput } from '../../shared/model/messages/payloads.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';
import { readEnvironment } from '../environment.ts';
import { TaskWiring, withTally, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);

/** Sends the missing parts of one batch. Parts that do not fit into the time of the call stay for the next round. */
export const handler = async (event: UploadPartsInput, invocation: Invocation): Promise<BatchOutcome> => {
  const { job } = event;
  return withTally(async (tally) => {
    const context = await wiring.partContext(job.task, invocation, tally.progress(job.task));
    return { outcome: await sendBatch(context, event) };
  });
};
