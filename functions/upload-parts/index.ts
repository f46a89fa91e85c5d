import type { BatchOutcome, UploadPartsInput } from '../../shared/model/messages/payloads.ts';
import { sendBatch } from '../../shared/transfer/steps/send-batch.ts';
import { readEnvironment } from '../environment.ts';
import { Tally } from '../../shared/observing/tally.ts';
import { TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);

/** Sends what is missing of one batch of parts; what time does not allow is left to the next round. */
export const handler = async (event: UploadPartsInput, invocation: Invocation): Promise<BatchOutcome> => {
  const { job } = event;
  const tally = new Tally();
  try {
    const context = await wiring.partContext(job.task, invocation, tally.progress(job.task));
    return { outcome: await sendBatch(context, event) };
  } finally {
    tally.publish();
  }
};
