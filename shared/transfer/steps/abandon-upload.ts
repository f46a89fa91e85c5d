import { asciiJson, encodeJob, isJob, unknownTask } from '../../model/job.ts';
import { causeText, type AbandonUploadInput } from '../../model/messages/payloads.ts';
import { asFault, endsUpload, type Fault } from '../../model/faults.ts';
import { sameEtag } from '../../model/object.ts';
import { destinationKey, type Task } from '../../model/config/task.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/job-queue.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { reasonOf, recordFailed } from '../record.ts';

export interface AbandonContext {
  /** Returns the task and its destination. Throws if the task was removed, which may be why the execution failed. */
  destination(): Promise<{ readonly task: Task; readonly destination: ObjectStore }>;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  /** Called if the upload could not be aborted. It stays in the ledger, to be resumed or swept. */
  onLeftover(fault: Fault): void;
}

/**
 * The last step of a failed execution: records the reason in the ledger and sends the job to the dead-letter queue,
 * from where it can be redriven. An upload that can never become the copy is aborted before; if that fails, the other
 * two happen all the same. Any other upload stays in the ledger: the redriven job, or a later run, sends only what is
 * missing, and the sweep ends it if neither comes.
 */
export async function abandonUpload(context: AbandonContext, input: AbandonUploadInput): Promise<void> {
  const { job, error } = input;
  const fault = { name: error.Error, message: causeText(error.Cause) };
  if (!isJob(job)) {
    // The execution was started by hand with something other than a job; the first step refused it.
    await recordFailed(context, { task: unknownTask, key: `execution:${input.execution}` }, fault);
    await context.deadLetters.bury(asciiJson({ job }), reasonOf(fault));
    return;
  }
  await recordFailed(context, job, fault, { aborted: await abort(context, input), final: true });
  await context.deadLetters.bury(encodeJob(job), reasonOf(fault));
}

/**
 * Aborts the upload of the job's own version, if the error is a verdict about it. One for another version belongs to
 * another execution, which may be sending its parts. A job without a version, of an execution that was started by hand,
 * has none of its own.
 * @returns the upload that was aborted; undefined if there was none, or if it could not be aborted
 */
async function abort(context: AbandonContext, { job, error }: AbandonUploadInput): Promise<string | undefined> {
  if (!endsUpload(error.Error) || job.etag === undefined) return undefined;
  const entry = await context.ledger.get(job.task, job.key);
  if (!entry?.upload || !sameEtag(job.etag, entry.upload.sourceEtag)) return undefined;
  try {
    const { task, destination } = await context.destination();
    await destination.abortUpload(destinationKey(task, job.key), entry.upload.uploadId);
    return entry.upload.uploadId;
  } catch (error) {
    context.onLeftover(asFault(error));
    return undefined;
  }
}
