import { asFault, isFault } from '../../model/faults.ts';
import { sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { CheckUploadInput, UploadState, UploadTarget } from '../../model/messages/payloads.ts';
import type { Outcome } from '../../ports/progress.ts';
import { free } from '../../run/standing.ts';
import type { CopyContext, StepContext } from '../context.ts';
import { replacing } from '../decide/replaces.ts';
import { isStillCurrent } from '../decide/still-current.ts';
import { attributesDigest } from '../decide/version.ts';
import { pairOf, type ObjectPair } from '../object-pair.ts';
import { countParts } from '../plan-parts.ts';
import { recordCancelled, recordDone } from '../record.ts';
import { completeUpload, type Completion } from '../upload/complete-upload.ts';
import { sendState } from './plan-upload.ts';
import { nextStep, waitingFor, type Underway } from './rounds.ts';

/** How long the surroundings may fail all batches before an upload is given up, if the stack does not say. */
const defaultGiveUpSeconds = 24 * 3600;

/**
 * The step after every map and after every wait: completes the upload if all parts are there, and otherwise returns
 * what to do next.
 *
 * A paused task, or run, waits; an execution of a cancelled run ends, and leaves its upload to a later one. Otherwise:
 *
 * | parts   | the source | came from | next                                            |
 * |---------|------------|-----------|-------------------------------------------------|
 * | all     | unchanged  | any       | finished                                        |
 * | all     | changed    | any       | replan                                          |
 * | missing | changed    | any       | replan                                          |
 * | none: another caller ended the upload | unchanged | any | replan, counted separately |
 * | missing | unchanged  | any       | as {@link nextStep} says: waiting, or uploading |
 * | all, not all proven | unchanged | any | the same: time ran short, and the proof goes on |
 *
 * @throws Fault `UploadStuck` after too many rounds
 */
export async function checkUpload(context: StepContext, input: CheckUploadInput): Promise<UploadState> {
  const { job, attempt, ended = 0, startedAt } = input;
  const common = { job, attempt, ended, ...(startedAt !== undefined && { startedAt }) };
  const replan: UploadState = { state: 'replan', ...common };
  if (input.state === 'finished' || input.state === 'replan') return { state: input.state, ...common };
  const standing = (await context.standing?.()) ?? free;
  if (standing.kind === 'cancelled') {
    await recordCancelled(context, job);
    return { state: 'finished', ...common };
  }
  if (standing.kind === 'held') return waitingFor(input, standing, context.clock.now());
  try {
    const pair = pairOf(context.task, job);
    const result = await complete(context, pair, input);
    if (result === 'changed') return replan;
    if (result === 'completed') return { state: 'finished', ...common };
    return await underway(context, { ...input, target: result.target }, result);
  } catch (error) {
    const fault = asFault(error);
    if (fault.retry !== 'restart') throw fault;
    context.progress({ type: 'retry', key: job.key, fault: fault.name, message: fault.message });
    return isFault(fault, 'UploadGone') ? { ...replan, ended: ended + 1 } : replan;
  }
}

/** What an upload still lacks: parts, or the proof of some. */
type Lacking = Pick<Extract<Completion, { kind: 'missing' }>, 'missing' | 'proven'>;

/** Completes and records the upload, unless the source changed, or parts are missing or not proven. */
async function complete(
  context: CopyContext,
  pair: ObjectPair,
  { target, startedAt, proven }: Underway,
): Promise<'changed' | 'completed' | (Lacking & { readonly target: UploadTarget })> {
  // The destination first: a write over what was seen before the source cannot undo a newer copy.
  const { destination } = context;
  const replaced = destination.conditionalWrites ? await destination.head(pair.destinationKey) : undefined;
  const source = await context.source.head(pair.key);
  if (!source || !sameEtag(source.etag, target.sourceEtag)) return 'changed';
  if (attributesDigest(context.task, source) !== target.attributes) return 'changed';
  const replaces = replacing(replaced);
  const completion = await completeUpload(context, pair, target, { source, replaces, proven });
  if (completion.kind === 'missing') return { ...completion, target: pinnedTo(target, source) };
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

/** The state in which the missing parts are waited for, or sent; without missing parts, the proof of them goes on. */
async function underway(context: StepContext, input: Underway, { missing, proven = 0 }: Lacking): Promise<UploadState> {
  const { job, attempt, ended = 0, startedAt, target } = input;
  const { giveUpAfterSeconds = defaultGiveUpSeconds, clock } = context;
  const what = pairOf(context.task, job).destinationName;
  const step = nextStep(input, { what, now: clock.now(), left: countParts(missing), proven, giveUpAfterSeconds });
  const { round, idleRounds, faultsSince } = step;
  const position = { job, attempt, ended, ...(startedAt !== undefined && { startedAt }), round, idleRounds };
  const sending = {
    ...(await sendState(context, position, target, missing)),
    ...(faultsSince !== undefined && { faultsSince }),
    ...(proven > 0 && { proven }),
  };
  if (step.state === 'waiting') return { ...sending, state: 'waiting', waitSeconds: step.waitSeconds };
  return step.trial ? { ...sending, batches: sending.batches.slice(0, 1) } : sending;
}
