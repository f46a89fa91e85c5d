import { Fault } from '../../model/faults.ts';
import type { Job } from '../../model/job.ts';
import {
  copyBatchBytes,
  maxEndedUploads,
  maxRestarts,
  maxUploadDays,
  uploadBatchBytes,
  wavesPerRound,
} from '../../model/limits.ts';
import type { PartRange } from '../../model/part-plan.ts';
import type { PlanUploadInput, UploadState, UploadTarget } from '../../model/messages/payloads.ts';
import { free } from '../../run/standing.ts';
import type { StepContext } from '../context.ts';
import { chooseRoute } from '../decide/choose-route.ts';
import { lookAtBothSides } from '../decide/look.ts';
import { pairOf } from '../object-pair.ts';
import { countParts, cutBatches, missingParts } from '../plan-parts.ts';
import { recordCancelled } from '../record.ts';
import { transferObject } from '../transfer-object.ts';
import { openUpload } from '../upload/open-upload.ts';
import { daysSince, waitingFor } from './rounds.ts';

/**
 * This folder holds the steps of the UPLOAD machine (infra/machines/upload.ts), one file for each Lambda function. The
 * machine plans the upload of one large object, sends its parts in batches, then checks: the check completes the
 * upload, asks for another round with the missing parts, or sends the machine back to planning because the source
 * changed. An execution that fails ends in abandon-upload. The steps pass their state as JSON
 * (shared/model/messages/payloads.ts).
 */

/**
 * The first step of an execution, repeated whenever the source changed during the upload: looks at both sides, opens or
 * resumes the multipart upload and divides what is missing into batches. If the object turns out not to need parts (it
 * shrank, it was deleted, it is already there), this step finishes it.
 * @throws Fault `UploadStuck` if the object keeps changing, if other callers keep ending its uploads, or after too long
 */
export async function planUpload(context: StepContext, input: PlanUploadInput): Promise<UploadState> {
  const { job, ended = 0, startedAt = context.clock.now() } = input;
  const standing = (await context.standing?.()) ?? free;
  if (standing.kind === 'cancelled') {
    await recordCancelled(context, job);
    return { state: 'finished', job, attempt: input.attempt, ended };
  }
  const attempt = input.attempt + 1;
  const pair = pairOf(context.task, job);
  if (attempt - ended > maxRestarts) {
    const times = input.attempt - ended;
    throw new Fault('UploadStuck', `${pair.sourceName} changed ${times} times while it was copied`);
  }
  if (ended > maxEndedUploads) {
    const what = `${pair.destinationName}: other callers ended ${ended} uploads of it one after another`;
    throw new Fault('UploadStuck', what);
  }
  const days = daysSince(startedAt, context.clock.now());
  if (days > maxUploadDays) {
    throw new Fault('UploadStuck', `${pair.destinationName}: its copy was begun ${days.toFixed(1)} days ago`);
  }
  // The job's size is what was listed; the HEAD decides. Without it no body is opened, which may be huge.
  const unsized: Job = {
    task: job.task,
    key: job.key,
    action: job.action,
    ...(job.run !== undefined && { run: job.run }),
  };
  const { source, destination, entry, opened } = await lookAtBothSides(context, pair, unsized);
  opened?.body.destroy();
  // What could be copied in one request did not become an execution, or the store refused that.
  const route = chooseRoute({ task: context.task, pair, source, destination, entry, refusesCopies: true });
  if (route.kind !== 'multipart') {
    await transferObject(context, unsized);
    return { state: 'finished', job, attempt, ended };
  }
  const { target, stored } = await openUpload(context, pair, route.source);
  const position = { job, attempt, ended, startedAt, round: 0, idleRounds: 0 };
  const sending = await sendState(context, position, target, missingParts(target.plan, stored));
  return standing.kind === 'held' ? waitingFor(sending, standing, context.clock.now()) : sending;
}

/** Where an execution stands: its attempts and its rounds. */
type Position = Pick<
  Extract<UploadState, { round: number }>,
  'job' | 'attempt' | 'ended' | 'startedAt' | 'round' | 'idleRounds'
>;

/**
 * The state in which the missing parts are sent, or as many of them as a round has batches for. If none are missing,
 * the map is empty and the check completes.
 */
export async function sendState(
  context: StepContext,
  position: Position,
  target: UploadTarget,
  missing: readonly PartRange[],
): Promise<Extract<UploadState, { round: number }>> {
  const { uploadConcurrency } = context.task;
  const concurrency = Math.min(uploadConcurrency, (await context.callsAtOnce?.()) ?? uploadConcurrency);
  const batches = cutBatches(target.plan, missing, target.method === 'relay' ? uploadBatchBytes : copyBatchBytes);
  return {
    state: 'uploading',
    ...position,
    target,
    batches: batches.slice(0, concurrency * wavesPerRound),
    concurrency,
    missing: countParts(missing),
  };
}
