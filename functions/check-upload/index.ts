import type { CheckUploadInput, UploadState } from '../../shared/model/messages/payloads.ts';
import { checkUpload } from '../../shared/transfer/steps/check-upload.ts';
import { readEnvironment } from '../environment.ts';
import { keyHash, logger } from '../../shared/observing/tally.ts';
import { CountedLedger, createGovernor, TaskWiring, type Invocation } from '../wiring.ts';
import { callsOf, countEnded, createOpenUploads } from '../open-uploads.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const governor = createGovernor(environment.LEDGER_TABLE);
const wiring = new TaskWiring(environment.TASKS_PATH, { governor });
const counted = new CountedLedger(environment.LEDGER_TABLE);
const { ledger } = counted;
const openUploads = createOpenUploads(environment.LEDGER_TABLE);
const callsAtOnce = callsOf(openUploads, environment.PARTS_AT_ONCE);
const giveUpAfterSeconds = Number(environment.GIVE_UP_AFTER_SECONDS);

/** Completes the upload if every part has arrived; otherwise returns the batches that are still to be sent. */
export const handler = async (event: CheckUploadInput, invocation: Invocation): Promise<UploadState> => {
  const { job } = event;
  return counted.withTally(async (tally) => {
    const parts = await wiring.partContext(job.task, invocation, tally.progress(job.task));
    const state = await checkUpload(
      { ...parts, ledger, giveUpAfterSeconds, callsAtOnce, standing: () => governor.standing(job) },
      event,
    );
    if (state.state === 'finished') await countEnded(openUploads);
    logger.info('upload checked', { task: job.task, keyHash: keyHash(job.key), state: state.state });
    return state;
  });
};
