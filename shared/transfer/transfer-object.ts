import { asFault, assertNever, Fault } from '../model/faults.ts';
import { withoutHints, type Job } from '../model/job.ts';
import { maxRestarts } from '../model/limits.ts';
import type { Loss } from '../model/losses.ts';
import type { RouteKind } from '../model/ledger-entry.ts';
import { isS3Itself } from '../model/config/s3-itself.ts';
import { traitsOf } from '../model/stores/stores.ts';
import { etagIsMd5, sameEtag, type ObjectInfo } from '../model/object.ts';
import type { PartRange } from '../model/part-plan.ts';
import type { Replaces, Stored } from '../ports/object-store.ts';
import type { Outcome } from '../ports/progress.ts';
import { free, heldBy } from '../run/standing.ts';
import { readAttributes } from './bytes/attributes.ts';
import { writeOver } from './bytes/own-write.ts';
import { putObject, type Copy } from './bytes/put-object.ts';
import { sendParts } from './bytes/send-parts.ts';
import type { CopyContext, TransferContext } from './context.ts';
import { chooseRoute, type Route } from './decide/choose-route.ts';
import { copiedInside, mayCopyInside } from './decide/inside-copies.ts';
import { expectKept, noteLacking, noteUnkept, sentOf } from './decide/kept-attributes.ts';
import { checksummed, lookAtBothSides, type BothSides } from './decide/look.ts';
import { replacing } from './decide/replaces.ts';
import { isStillCurrent } from './decide/still-current.ts';
import { sameVersion } from './decide/version.ts';
import { Losses } from './losses.ts';
import { copySourceOf, pairOf, type ObjectPair } from './object-pair.ts';
import { missingParts } from './plan-parts.ts';
import { recordDeleted, recordDone, recordSkipped } from './record.ts';
import { completeUpload } from './upload/complete-upload.ts';
import { openUpload } from './upload/open-upload.ts';

/** Rounds of sending missing parts in this process before the job goes back to the queue. */
const maxSendRounds = 4;

/**
 * Copies one object to its destination, or deletes it there: looks at both sides, chooses a route (decide/), executes
 * it (bytes/ and upload/, or an execution whose steps are in steps/), looks at the source again, and records the
 * outcome. The last look makes the destination converge on the source. Several processes may call it at the same time
 * for the same object.
 * @returns the outcome, which is already recorded in the ledger and reported to `progress`
 * @throws Fault for the layer that retries the caller. Nothing partial is visible at the destination, and unfinished
 *   uploads are in the ledger, to be resumed.
 */
export async function transferObject(context: TransferContext, job: Job): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      const outcome = await attemptTransfer(context, attempt === 1 ? job : withoutHints(job));
      if (outcome) {
        context.progress({ type: 'finished', outcome });
        return outcome;
      }
      if (attempt >= maxRestarts) {
        throw new Fault('SourceChanged', `the source changed ${attempt} times while it was copied`);
      }
    } catch (error) {
      const fault = asFault(error);
      if (fault.retry !== 'restart' || attempt >= maxRestarts) throw fault;
      context.progress({ type: 'retry', key: job.key, fault: fault.name, message: fault.message });
    }
  }
}

/** @returns undefined if the source changed meanwhile, so that the copy must restart */
async function attemptTransfer(context: TransferContext, job: Job): Promise<Outcome | undefined> {
  const startedAt = context.clock.now();
  const pair = pairOf(context.task, job);
  const sides = await lookAtBothSides(context, pair, job);
  return carryOut(context, { job, pair, sides, startedAt }, routeOf(context, pair, sides));
}

/** One attempt at a job: what was seen, and when it began, in milliseconds since the epoch. */
interface Attempt {
  readonly job: Job;
  readonly pair: ObjectPair;
  readonly sides: BothSides;
  readonly startedAt: number;
}

/** @returns undefined if the source changed meanwhile */
async function carryOut(context: TransferContext, attempt: Attempt, route: Route): Promise<Outcome | undefined> {
  const { job, pair, sides, startedAt } = attempt;
  const { source, destination, opened } = sides;
  const end = (route: RouteKind, bytes: number, reason: string): Outcome => ({
    task: pair.task,
    key: pair.key,
    route,
    bytes,
    reason,
  });
  const replaces = replacing(destination);
  if (route.kind !== 'put') opened?.body.destroy();

  switch (route.kind) {
    case 'skip': {
      const same = source && destination && { source, destination };
      const losses = new Losses(context, pair);
      if (same) await noteLacking(context, pair, same, losses);
      await recordSkipped(context, pair, route.reason, same && { ...same, lost: losses.kinds });
      return end('skip', 0, route.reason);
    }
    case 'delete':
      await context.destination.delete(pair.destinationKey, replaces);
      if (!(await isStillCurrent(context, pair.key, undefined))) return undefined;
      await recordDeleted(context, pair, route.reason);
      return end('delete', 0, route.reason);
    case 'execution': {
      const { size, etag } = route.source;
      const { execution, started } = await route.uploads.start({ ...withoutHints(job), action: 'copy', size, etag });
      // It was started for another job, and ends in that one's run.
      if (!started && job.run !== undefined) {
        await context.ledger.countEnd({ task: pair.task, key: pair.key, run: job.run }, { kind: 'skip', bytes: 0 });
      }
      return end('execution', 0, started ? `execution ${execution} was started` : `execution ${execution} is running`);
    }
    case 'server-side copy':
    case 'put':
    case 'multipart': {
      const written = await write(context, pair, route, { opened, replaces });
      if (!written) {
        const { opened: _closed, ...seen } = sides;
        const other = { ...routeOf(context, pair, seen, refused), reason: refused };
        return carryOut(context, { ...attempt, sides: seen }, other);
      }
      if (!(await isStillCurrent(context, pair.key, route.source))) return undefined;
      await recordDone(context, pair, { source: route.source, ...written, startedAt });
      const { lost } = written;
      return { ...end(route.kind, route.source.size, route.reason), ...(lost.length > 0 && { lost }) };
    }
    default:
      return assertNever(route);
  }
}

/** Why an object takes another route than a copy inside the store. */
const refused = 'the store refuses to copy inside itself';

/**
 * The route; a fault of the decision leaves no body open.
 * @param copies `refused` if the store just refused to copy the object
 */
function routeOf(context: TransferContext, pair: ObjectPair, sides: BothSides, copies?: typeof refused): Route {
  const { task, uploads } = context;
  const { source, destination, entry, opened } = sides;
  const refusesCopies = copies === refused || !mayCopyInside(context, 'copy');
  const copyBytes = context.destination.copySizes.object;
  try {
    return chooseRoute({ task, pair, source, destination, entry, uploads, refusesCopies, copyBytes });
  } catch (error) {
    opened?.body.destroy();
    throw error;
  }
}

type WriteRoute = Extract<Route, { kind: 'server-side copy' | 'put' | 'multipart' }>;

/** What a write starts from. */
interface Start {
  readonly opened?: BothSides['opened'];
  readonly replaces: Replaces | undefined;
}

interface Written {
  readonly route: WriteRoute['kind'];
  readonly stored: Stored;
  readonly lost: readonly Loss[];
  /** the upload that was completed */
  readonly uploadId?: string;
}

/** @returns undefined if the store refuses to copy inside itself */
async function write(
  context: CopyContext,
  pair: ObjectPair,
  { kind, source }: WriteRoute,
  { opened, replaces }: Start,
): Promise<Written | undefined> {
  const copy: Copy = { pair, source, replaces, losses: new Losses(context, pair) };
  switch (kind) {
    case 'put':
      return put(context, copy, opened);
    case 'server-side copy':
      return copyInside(context, copy);
    case 'multipart':
      return sendWhole(context, copy);
    default:
      return assertNever(kind);
  }
}

async function put(context: CopyContext, copy: Copy, opened?: BothSides['opened']): Promise<Written> {
  const stored = await putObject(context, copy, opened);
  return { route: 'put', stored, lost: copy.losses.list };
}

/**
 * Copies inside the store. On S3, headers, metadata and tags are copied with the bytes, from one version, where the
 * task copies all of them.
 * @returns undefined if the store or its permissions rule that out
 */
async function copyInside(context: CopyContext, copy: Copy): Promise<Written | undefined> {
  const { pair, source, replaces, losses } = copy;
  const { task, destination } = context;
  const whole = task.metadata && task.tags && isS3Itself(task.destination);
  const from = { ...copySourceOf(task, pair.key, source), whole };
  if (whole) losses.noteUncarried(context, source);
  const attributes = whole
    ? { headers: source.headers, metadata: source.metadata, tags: {} }
    : await readAttributes(context, pair, source, losses);
  const sent = sentOf(attributes);
  expectKept(context, losses, 'copy', sent);
  const md5 = etagIsMd5(source) ? source.etag : undefined;
  const copied = await copiedInside(context, 'copy', () =>
    writeOver(context, pair, { source, md5, replaces }, () =>
      destination.copy(from, pair.destinationKey, attributes, replaces),
    ),
  );
  if (!copied) return undefined;
  const stored = await confirmCopy(context, pair, source, copied);
  context.progress({ type: 'sent', key: pair.key, bytes: source.size });
  await noteUnkept(context, pair, { call: 'copy', sent, stored }, losses);
  return { route: 'server-side copy', stored, lost: losses.list };
}

/**
 * Confirms a copy that the store made: by its ETag if both are MD5s, else by its size.
 * @throws Fault `VerificationFailed` if it is not the source's bytes
 */
async function confirmCopy(
  { task, destination }: CopyContext,
  pair: ObjectPair,
  source: ObjectInfo,
  stored: Stored,
): Promise<Stored> {
  if (etagIsMd5(source) && etagIsMd5(stored)) {
    if (sameEtag(source.etag, stored.etag)) return stored;
    if (traitsOf(task.destination).putEtag.is === 'md5') {
      const what = `${pair.destinationName}: the store's copy has ETag ${stored.etag}, the source has ${source.etag}`;
      throw new Fault('VerificationFailed', what);
    }
  }
  const object = await destination.head(pair.destinationKey);
  // Another writer may have replaced or deleted it since; the look at the source that follows covers that.
  if (!object || (stored.etag !== '' && !sameEtag(object.etag, stored.etag))) return stored;
  if (object.size === source.size) return object;
  const what = `${pair.destinationName}: the store's copy has ${object.size} bytes, the source has ${source.size}`;
  throw new Fault('VerificationFailed', what);
}

/** A whole multipart upload in this process. */
async function sendWhole(context: CopyContext, { pair, source: seen, replaces }: Copy): Promise<Written> {
  // A small object may have been looked at without its checksum, which Complete compares: it is requested now.
  const source = seen.checksum ? seen : await checksummed(context.source, seen);
  if (!sameVersion(context.task, source, seen)) throw new Fault('SourceChanged', `${pair.sourceName} changed`);
  const { target, stored: parts } = await openUpload(context, pair, source);
  let missing: readonly PartRange[] = missingParts(target.plan, parts);
  let proven: number | undefined;
  for (let round = 1; round <= maxSendRounds; round++) {
    if ((await sendParts(context, pair, target, missing)) === 'left' || (round > 1 && missing.length === 0)) {
      const standing = (await context.standing?.()) ?? free;
      if (standing.kind !== 'free') throw heldBy(standing, context.clock.now());
      throw new Fault('OutOfTime', `${pair.sourceName}: time ran short; the next delivery resumes the upload`);
    }
    const completion = await completeUpload(context, pair, target, { source, replaces, proven });
    if (completion.kind === 'completed') {
      const { stored, lost } = completion;
      return { route: 'multipart', stored, lost, uploadId: target.uploadId };
    }
    ({ missing, proven } = completion);
  }
  throw new Fault('Unavailable', `${pair.destinationName}: the store does not keep the parts it was sent`);
}
