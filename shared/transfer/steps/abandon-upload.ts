import { asciiJson, encodeJob, isJob, unknownTask } from '../../model/job.ts';
import { causeText, type AbandonUploadInput } from '../../model/messages/payloads.ts';
import { asFault, type Fault } from '../../model/faults.ts';
import { destinationKey, type Task } from '../../model/config/task.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/job-queue.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { reasonOf, recordFailed } from '../record.ts';

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
  if (!isJob(job)) {
    // An execution that somebody started with something else; the first step refused it.
    await recordFailed(context, { task: unknownTask, key: `execution:${input.execution}` }, fault);
    await context.deadLetters.bury(asciiJson({ job }), reasonOf(fault));
    return;
  }
  await recordFailed(context, job, fault, { aborted: await abort(context, input) });
  await context.deadLetters.bury(encodeJob(job), reasonOf(fault));
}

/** @returns the upload that was aborted; undefined where there was none, or it could not be */
async function abort(context: AbandonContext, { job }: AbandonUploadInput): Promise<string | undefined> {
  const entry = await context.ledger.get(job.task, job.key);
  if (!entry?.upload) return undefined;
  try {
    const { task, destination } = await context.destination();
    await destination.abortUpload(destinationKey(task, job.key), entry.upload.uploadId);
    return entry.upload.uploadId;
  } catch (error) {
    context.onLeftover(asFault(error));
    return undefined;
  }
}
