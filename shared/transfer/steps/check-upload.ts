import { asFault, Fault, isFault } from '../../model/faults.ts';
import { maxIdleRounds, maxUploadRounds } from '../../model/limits.ts';
import type { BatchOutcome, CheckUploadInput, UploadState } from '../../model/messages/payloads.ts';
import { completeUpload } from '../upload/complete-upload.ts';
import type { CopyContext } from '../context.ts';
import { countParts } from '../plan-parts.ts';
import { sendState } from './plan-upload.ts';
import { recordDone } from '../record.ts';
import { settled } from '../decide/settle.ts';
import { attributesDigest } from '../decide/version.ts';
import { quoted } from '../../model/text.ts';

/**
 * The step after every map, and after every minute's wait: completes the upload when all parts are there, and says
 * what is to be done otherwise.
 *
 * | parts   | the source | came from | next                                            |
 * |---------|------------|-----------|-------------------------------------------------|
 * | all     | unchanged  | any       | finished                                        |
 * | all     | changed    | any       | replan                                          |
 * | missing | changed    | any       | replan                                          |
 * | none: the upload was ended by others | unchanged | any | replan, counted apart   |
 * | missing | unchanged  | the map   | waiting: a minute, then another look            |
 * | missing | unchanged  | the wait  | uploading: only what is missing                 |
 * | missing | unchanged  | the wait, too many rounds | fault `UploadStuck`             |
 */
export async function checkUpload(context: CopyContext, input: CheckUploadInput): Promise<UploadState> {
  const { job, attempt, ended = 0, startedAt } = input;
  const common = { job, attempt, ended, ...(startedAt !== undefined && { startedAt }) };
  const again: UploadState = { state: 'replan', ...common };
  if (input.state === 'finished' || input.state === 'replan') return { state: input.state, ...common };
  const { target } = input;
  try {
    const source = await context.source.head(job.key);
    if (source?.etag !== target.sourceEtag) return again;
    if (attributesDigest(context.task, source) !== target.attributes) return again;
    const completion = await completeUpload(context, job, target);
    if (completion.kind === 'completed') {
      if (!(await settled(context, job.key, source))) return again;
      await recordDone(context, job, {
        route: 'multipart',
        source,
        stored: completion.stored,
        startedAt,
        uploadId: target.uploadId,
      });
      const outcome = {
        task: job.task,
        key: job.key,
        route: 'multipart',
        bytes: source.size,
        reason: 'all parts are there',
      } as const;
      context.progress({ type: 'finished', outcome });
      return { state: 'finished', ...common };
    }
    const left = countParts(completion.missing);
    // `missing` is what was missing at the last look: an equal number means that nothing came in the meantime.
    const idleRounds = left < input.missing ? 0 : input.idleRounds + 1;
    const position = { ...common, round: input.round + 1, idleRounds };
    if (position.round > maxUploadRounds || idleRounds > maxIdleRounds) {
      throw new Fault(
        'UploadStuck',
        `${context.destination.bucket}: ${left} of ${target.plan.partCount} parts of ${quoted(job.key)} are missing after ` +
          `${position.round} rounds, ${idleRounds} of them without a new part (${summary(input.outcomes)})`,
      );
    }
    const next = sendState(context, position, target, completion.missing);
    return input.state === 'waiting' ? next : { ...next, state: 'waiting' };
  } catch (error) {
    const fault = asFault(error);
    if (fault.retry !== 'restart') throw fault;
    context.progress({ type: 'retry', key: job.key, fault: fault.name, message: fault.message });
    return isFault(fault, 'UploadGone') ? { ...again, ended: ended + 1 } : again;
  }
}

/** How the batches ended, each name once with its number. */
function summary(outcomes: readonly BatchOutcome[] = []): string {
  const numbers = new Map<string, number>();
  for (const { outcome } of outcomes) numbers.set(outcome, (numbers.get(outcome) ?? 0) + 1);
  return [...numbers].map(([name, number]) => `${name}: ${number}`).join(', ') || 'no batch ended';
}
