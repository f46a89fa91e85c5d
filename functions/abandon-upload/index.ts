import { createQueueClient } from '../../shared/aws/service-clients.ts';
import { SqsDeadLetters } from '../../shared/aws/sqs/job-queue.ts';
import { isJob, unknownTask } from '../../shared/model/job.ts';
import type { AbandonUploadInput } from '../../shared/model/messages/payloads.ts';
import type { Fault } from '../../shared/model/faults.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { abandonUpload } from '../../shared/transfer/steps/abandon-upload.ts';
import { readEnvironment } from '../environment.ts';
import { faultDetails } from '../../shared/observing/fault-details.ts';
import { keyHash, logger, Tally } from '../../shared/observing/tally.ts';
import { CountedLedger, TaskWiring, type Invocation } from '../wiring.ts';
import { countEnded, createOpenUploads } from '../open-uploads.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const counted = new CountedLedger(environment.LEDGER_TABLE);
const { ledger } = counted;
const openUploads = createOpenUploads(environment.LEDGER_TABLE);
const deadLetters = new SqsDeadLetters(createQueueClient(), environment.DEAD_LETTER_QUEUE_URL);

/** The last step of a failed execution: records the reason and buries the job; aborts what cannot be resumed. */
export const handler = async (event: AbandonUploadInput, invocation: Invocation): Promise<void> => {
  const { job, error } = event;
  // A person can start an execution with any input.
  const subject = isJob(job) ? { task: job.task, keyHash: keyHash(job.key) } : { task: unknownTask };
  const context = {
    destination: () => wiring.partContext(job.task, invocation, noProgress),
    ledger,
    deadLetters,
    clock: systemClock,
    onLeftover: (fault: Fault) => {
      logger.warn('the upload was not aborted', { ...subject, ...faultDetails(fault) });
    },
  };
  await counted.counted(() => abandonUpload(context, event));
  await countEnded(openUploads);
  const tally = new Tally();
  tally.add(subject.task, 'ObjectsFailed', 1);
  tally.publish();
  logger.error('upload abandoned', { ...subject, execution: event.execution, fault: error.Error });
};
