import { Fault } from '../../model/faults.ts';
import type { Job } from '../../model/job.ts';
import { maxEndedUploads, maxRestarts } from '../../model/limits.ts';
import type { PartRange } from '../../model/part-plan.ts';
import type { PlanUploadInput, UploadState, UploadTarget } from '../../model/messages/payloads.ts';
import { chooseRoute } from '../decide/choose-route.ts';
import type { CopyContext } from '../context.ts';
import { lookAtBothSides } from '../decide/look.ts';
import { openUpload } from '../upload/open-upload.ts';
import { countParts, cutBatches, missingParts } from '../plan-parts.ts';
import { transferObject } from '../transfer-object.ts';
import { quoted } from '../../model/text.ts';

/**
 * The first step of an upload's execution, and again whenever the source changed under it: looks at both sides, opens
 * or resumes the multipart upload and shares out what is missing. An object that turns out to need no parts (it shrank,
 * it is gone, it is there already) is dealt with here and now.
 * @throws Fault `SourceChanged` where the object changes faster than it can be copied
 */
export async function planUpload(context: CopyContext, input: PlanUploadInput): Promise<UploadState> {
  const { job, ended = 0, startedAt = context.clock.now() } = input;
  const attempt = input.attempt + 1;
  if (attempt - ended > maxRestarts) {
    throw new Fault(
      'UploadStuck',
      `${context.source.bucket}: ${quoted(job.key)} changed ${input.attempt - ended} times while it was copied`,
    );
  }
  if (ended > maxEndedUploads) {
    throw new Fault(
      'UploadStuck',
      `${context.destination.bucket}: others ended ${ended} uploads of ${quoted(job.key)} one after another`,
    );
  }
  // The size in the job is what was listed; the HEAD decides. No body is opened for an object that may be huge.
  const unsized: Job = {
    task: job.task,
    key: job.key,
    action: job.action,
    ...(job.run !== undefined && { run: job.run }),
  };
  const { source, destination, entry, opened } = await lookAtBothSides(context, unsized);
  opened?.body.destroy();
  const route = chooseRoute({ task: context.task, job, source, destination, entry });
  if (route.kind !== 'multipart') {
    await transferObject(context, unsized);
    return { state: 'finished', job, attempt, ended };
  }
  const upload = await openUpload(context, job, route.source);
  const missing = missingParts(upload.target.plan, upload.stored);
  return sendState(context, { job, attempt, ended, startedAt, round: 0, idleRounds: 0 }, upload.target, missing);
}

type Position = Pick<
  Extract<UploadState, { round: number }>,
  'job' | 'attempt' | 'ended' | 'startedAt' | 'round' | 'idleRounds'
>;

/** The state in which the missing parts are sent; with nothing missing the map is empty and the check completes. */
export function sendState(
  context: CopyContext,
  position: Position,
  target: UploadTarget,
  missing: readonly PartRange[],
): Extract<UploadState, { round: number }> {
  return {
    state: 'uploading',
    ...position,
    target,
    batches: cutBatches(target.plan, missing),
    concurrency: context.task.uploadConcurrency,
    missing: countParts(missing),
  };
}
