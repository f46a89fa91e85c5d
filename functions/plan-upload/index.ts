import { jobSchema } from '../../shared/model/job.ts';
import { parseWith } from '../../shared/model/parse.ts';
import type { PlanUploadInput, UploadState } from '../../shared/model/messages/payloads.ts';
import { planUpload } from '../../shared/transfer/steps/plan-upload.ts';
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

/**
 * The first step of the UPLOAD machine: opens or resumes the multipart upload, and puts its missing parts into batches.
 */
export const handler = async (event: PlanUploadInput, invocation: Invocation): Promise<UploadState> => {
  const job = parseWith(jobSchema, event.job, 'input of the upload machine');
  return counted.withTally(async (tally) => {
    const parts = await wiring.partContext(job.task, invocation, tally.progress(job.task));
    const context = { ...parts, ledger, callsAtOnce, standing: () => governor.standing(job) };
    const state = await planUpload(context, event);
    if (state.state === 'finished') await countEnded(openUploads);
    const plan = state.state === 'uploading' ? { parts: state.target.plan.partCount, missing: state.missing } : {};
    logger.info('upload planned', { task: job.task, keyHash: keyHash(job.key), state: state.state, ...plan });
    return state;
  });
};
