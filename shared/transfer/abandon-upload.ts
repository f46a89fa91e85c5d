import { encodeJob } from '../model/job.ts';
import { causeText, type AbandonUploadInput } from '../model/payloads.ts';
import { asFault, type Fault } from '../model/faults.ts';
import { destinationKey, type Task } from '../model/task.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters } from '../ports/job-queue.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { reasonOf, recordFailed } from './record.ts';

export interface AbandonContext {
  /** the task and its destination; throws where the task is no longer there, which may be why the execution failed */
  destination(): Promise<{ readonly task: Task; readonly destination: ObjectStore }>;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  /** told where the parts could not be given up: the upload stays in the ledger, to be resumed or swept */
  onLeftover(fault: Fault): void;
}

/**
 * The last step of an execution that failed: the upload's parts are given up, the reason goes into the ledger, and the
 * job to the dead-letter queue, where a redrive finds it. The last two happen even where the first cannot.
 */
export async function abandonUpload(context: AbandonContext, input: AbandonUploadInput): Promise<void> {
  const { job, error } = input;
  const fault = { name: error.Error, message: causeText(error.Cause) };
  const uploadEnded = await abort(context, input);
  await recordFailed(context, job, fault, { uploadEnded });
  await context.deadLetters.bury(encodeJob(job), reasonOf(fault));
}

/** @returns whether the object has no open upload any more */
async function abort(context: AbandonContext, { job }: AbandonUploadInput): Promise<boolean> {
  const entry = await context.ledger.get(job.task, job.key);
  if (!entry?.upload) return true;
  try {
    const { task, destination } = await context.destination();
    await destination.abortUpload(destinationKey(task, job.key), entry.upload.uploadId);
    return true;
  } catch (error) {
    context.onLeftover(asFault(error));
    return false;
  }
}
