import { asFault, Fault, isFault } from '../../model/faults.ts';
import { maxIdleRounds, maxUploadDays, maxUploadRounds } from '../../model/limits.ts';
import { sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { BatchOutcome, CheckUploadInput, UploadState, UploadTarget } from '../../model/messages/payloads.ts';
import type { PartRange } from '../../model/part-plan.ts';
import type { Outcome } from '../../ports/progress.ts';
import type { CopyContext } from '../context.ts';
import { replacing } from '../decide/replaces.ts';
import { isStillCurrent } from '../decide/still-current.ts';
import { attributesDigest } from '../decide/version.ts';
import { pairOf, type ObjectPair } from '../object-pair.ts';
import { countParts } from '../plan-parts.ts';
import { recordDone } from '../record.ts';
import { completeUpload } from '../upload/complete-upload.ts';
import { sendState } from './plan-upload.ts';

/** An upload whose parts are being sent. */
type Underway = Extract<CheckUploadInput, { round: number }>;

/**
 * The step after every map and after every wait: completes the upload if all parts are there, and otherwise returns
 * what to do next.
 *
 * | parts   | the source | came from | next                                            |
 * |---------|------------|-----------|-------------------------------------------------|
 * | all     | unchanged  | any       | finished                                        |
 * | all     | changed    | any       | replan                                          |
 * | missing | changed    | any       | replan                                          |
 * | none: another caller ended the upload | unchanged | any | replan, counted separately |
 * | missing | unchanged  | the map   | waiting: one minute, then another check         |
 * | missing | unchanged  | the wait  | uploading: only what is missing                 |
 * | missing | unchanged  | the wait, too many rounds | fault `UploadStuck`             |
 */
export async function checkUpload(context: CopyContext, input: CheckUploadInput): Promise<UploadState> {
  const { job, attempt, ended = 0, startedAt } = input;
  const common = { job, attempt, ended, ...(startedAt !== undefined && { startedAt }) };
  const replan: UploadState = { state: 'replan', ...common };
  if (input.state === 'finished' || input.state === 'replan') return { state: input.state, ...common };
  try {
    const pair = pairOf(context.task, job);
    const result = await complete(context, pair, input);
    if (result === 'changed') return replan;
    if (result === 'completed') return { state: 'finished', ...common };
    const next = nextRound(context, pair, { ...input, target: result.target }, result.missing);
    return input.state === 'waiting' ? next : { ...next, state: 'waiting' };
  } catch (error) {
    const fault = asFault(error);
    if (fault.retry !== 'restart') throw fault;
    context.progress({ type: 'retry', key: job.key, fault: fault.name, message: fault.message });
    return isFault(fault, 'UploadGone') ? { ...replan, ended: ended + 1 } : replan;
  }
}

/** Completes and records the upload, unless the source changed or parts are missing. */
async function complete(
  context: CopyContext,
  pair: ObjectPair,
  { target, startedAt }: Underway,
): Promise<'changed' | 'completed' | { readonly missing: readonly PartRange[]; readonly target: UploadTarget }> {
  // The destination first: a write over what was seen before the source cannot undo a newer copy.
  const { destination } = context;
  const replaced = destination.conditionalWrites ? await destination.head(pair.destinationKey) : undefined;
  const source = await context.source.head(pair.key);
  if (!source || !sameEtag(source.etag, target.sourceEtag)) return 'changed';
  if (attributesDigest(context.task, source) !== target.attributes) return 'changed';
  const completion = await completeUpload(context, pair, target, { source, replaces: replacing(replaced) });
  if (completion.kind === 'missing') return { missing: completion.missing, target: pinnedTo(target, source) };
  if (!(await isStillCurrent(context, pair.key, source))) return 'changed';
  const { uploadId } = target;
  const { stored, lost } = completion;
  await recordDone(context, pair, { route: 'multipart', source, stored, lost, startedAt, uploadId });
  const outcome: Outcome = {
    task: pair.task,
    key: pair.key,
    route: 'multipart',
    bytes: source.size,
    reason: 'all parts are there',
    ...(lost.length > 0 && { lost }),
  };
  context.progress({ type: 'finished', outcome });
  return 'completed';
}

/**
 * The target, whose parts are read from the version that the source has now: it is the same object, but the version
 * that the upload was planned with may expire while its parts are sent.
 */
function pinnedTo({ sourceVersionId: _planned, ...target }: UploadTarget, { versionId }: ObjectInfo): UploadTarget {
  return { ...target, ...(versionId !== undefined && { sourceVersionId: versionId }) };
}

/**
 * @throws Fault `UploadStuck` after too many rounds, or too many without a new part, or before the machine's own time
 *   runs out, which would end the job without a trace
 */
function nextRound(
  context: CopyContext,
  pair: ObjectPair,
  input: Underway,
  missing: readonly PartRange[],
): Extract<UploadState, { round: number }> {
  const { job, attempt, ended = 0, startedAt, target, outcomes } = input;
  const left = countParts(missing);
  // `input.missing` counts what was missing at the last check: an equal number means that no part arrived since.
  const idleRounds = left < input.missing ? 0 : input.idleRounds + 1;
  const round = input.round + 1;
  const now = context.clock.now();
  const days = (now - (startedAt ?? now)) / (24 * 3600 * 1000);
  if (round > maxUploadRounds || idleRounds > maxIdleRounds || days > maxUploadDays) {
    throw new Fault(
      'UploadStuck',
      `${pair.destinationName}: ${left} of ${target.plan.partCount} parts are missing after ${days.toFixed(1)} days, ` +
        `${round} rounds, ${idleRounds} of them without a new part (${summary(outcomes)})`,
    );
  }
  const position = { job, attempt, ended, ...(startedAt !== undefined && { startedAt }), round, idleRounds };
  return sendState(context, position, target, missing);
}

/** The outcomes of the batches, each with its count. */
function summary(outcomes: readonly BatchOutcome[] = []): string {
  const counts = new Map<string, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name}: ${count}`).join(', ') || 'no batch ended';
}
