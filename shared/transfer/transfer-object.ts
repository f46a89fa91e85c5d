import { asFault, assertNever, Fault, isFault } from '../model/faults.ts';
import { withoutHints, type Job } from '../model/job.ts';
import { maxRestarts } from '../model/limits.ts';
import type { RouteKind } from '../model/ledger-entry.ts';
import type { ObjectInfo } from '../model/object.ts';
import { quoted } from '../model/text.ts';
import { destinationKey } from '../model/config/task.ts';
import type { PartRange } from '../model/part-plan.ts';
import type { Stored } from '../ports/object-store.ts';
import type { Outcome } from '../ports/progress.ts';
import { readAttributes } from './bytes/attributes.ts';
import { chooseRoute, fitsOnePut, type Route } from './decide/choose-route.ts';
import { completeUpload } from './upload/complete-upload.ts';
import type { CopyContext, TransferContext } from './context.ts';
import { lookAtBothSides, type Sight } from './decide/look.ts';
import { openUpload } from './upload/open-upload.ts';
import { missingParts } from './plan-parts.ts';
import { putObject } from './bytes/put-object.ts';
import { recordDeleted, recordDone, recordSkipped } from './record.ts';
import { sendParts } from './bytes/send-parts.ts';
import { settled } from './decide/settle.ts';
import { sameVersion } from './decide/version.ts';

/** Rounds of sending what is missing in one process before the job is put back. */
const maxSendRounds = 4;

/**
 * Brings one object to its destination, or deletes it there, whatever it takes: looks at both sides, chooses a route,
 * goes it, and looks at the source again, so that the destination ends as the source is. May be called twice, at the
 * same time, by several processes.
 * @returns how it ended; told to `progress` and recorded in the ledger before
 * @throws Fault for the caller's retry owner. Nothing partial is visible at the destination, and uploads that were
 *   begun are in the ledger to be resumed.
 */
export async function transferObject(context: TransferContext, job: Job): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      const outcome = await attemptTransfer(context, attempt === 1 ? job : withoutHints(job));
      if (outcome) {
        context.progress({ type: 'finished', outcome });
        return outcome;
      }
      if (attempt >= maxRestarts)
        throw new Fault('SourceChanged', `the source changed ${attempt} times while it was copied`);
    } catch (error) {
      const fault = asFault(error);
      if (fault.retry !== 'restart' || attempt >= maxRestarts) throw fault;
      context.progress({ type: 'retry', key: job.key, fault: fault.name, message: fault.message });
    }
  }
}

/** @returns undefined where the source changed in the meantime: the next attempt looks at it anew */
async function attemptTransfer(context: TransferContext, job: Job): Promise<Outcome | undefined> {
  const startedAt = context.clock.now();
  const sight = await lookAtBothSides(context, job);
  const { source, destination, entry, opened } = sight;
  const end = (route: RouteKind, bytes: number, reason: string): Outcome => ({
    task: job.task,
    key: job.key,
    route,
    bytes,
    reason,
  });
  let route: Route;
  try {
    route = chooseRoute({
      task: context.task,
      job,
      source,
      destination,
      entry,
      uploads: context.uploads,
    });
  } catch (error) {
    opened?.body.destroy();
    throw error;
  }
  if (route.kind !== 'put') opened?.body.destroy();

  switch (route.kind) {
    case 'skip':
      await recordSkipped(context, job, route.reason, source && destination && { source, destination });
      return end('skip', 0, route.reason);
    case 'delete':
      await context.destination.delete(destinationKey(context.task, job.key));
      if (!(await settled(context, job.key, undefined))) return undefined;
      await recordDeleted(context, job, route.reason);
      return end('delete', 0, route.reason);
    case 'execution': {
      const { size, etag } = route.source;
      const { execution, started } = await route.uploads.start({ ...withoutHints(job), action: 'copy', size, etag });
      return end('execution', 0, started ? `execution ${execution} was started` : `execution ${execution} is running`);
    }
    case 'server-side copy':
    case 'put':
    case 'multipart': {
      const written = await write(context, job, route, sight);
      if (!(await settled(context, job.key, route.source))) return undefined;
      await recordDone(context, job, { route: route.kind, source: route.source, ...written, startedAt });
      return end(route.kind, route.source.size, route.reason);
    }
    default:
      return assertNever(route);
  }
}

type Write = Extract<Route, { kind: 'server-side copy' | 'put' | 'multipart' }>;

interface Written {
  readonly stored: Stored;
  /** the upload that was completed */
  readonly uploadId?: string;
}

async function write(context: CopyContext, job: Job, route: Write, sight: Sight): Promise<Written> {
  switch (route.kind) {
    case 'put':
      return { stored: await putObject(context, route.source, sight.opened) };
    case 'server-side copy':
      return copyInside(context, job, route.source);
    case 'multipart':
      return sendWhole(context, job, route.source);
    default:
      return assertNever(route);
  }
}

/** The store copies by itself; where it cannot, or may not, the bytes go through here. */
async function copyInside(context: CopyContext, job: Job, source: ObjectInfo): Promise<Written> {
  const { bucket } = context.source;
  const { key, etag, versionId } = source;
  const from = { bucket, key, etag, ...(versionId !== undefined && { versionId }) };
  try {
    const attributes = await readAttributes(context, source);
    const stored = await context.destination.copy(from, destinationKey(context.task, key), attributes);
    context.progress({ type: 'sent', key, bytes: source.size });
    return { stored };
  } catch (error) {
    if (!isFault(error, 'NotSupported', 'AccessDenied')) throw error;
    return fitsOnePut(source) ? { stored: await putObject(context, source) } : sendWhole(context, job, source);
  }
}

/** A whole multipart upload in this process. */
async function sendWhole(context: CopyContext, job: Job, seen: ObjectInfo): Promise<Written> {
  // The look may have been without checksums (a small object): what Complete is to compare is asked for now.
  const source = seen.checksum ? seen : ((await context.source.head(job.key, { checksum: true })) ?? seen);
  if (!sameVersion(context.task, source, seen))
    throw new Fault('SourceChanged', `${context.source.bucket}: ${quoted(job.key)} changed`);
  const { target, stored } = await openUpload(context, job, source);
  let missing: readonly PartRange[] = missingParts(target.plan, stored);
  for (let round = 1; round <= maxSendRounds; round++) {
    if ((await sendParts(context, job.key, target, missing)) === 'left') {
      throw new Fault(
        'OutOfTime',
        `${context.source.bucket}: ${quoted(job.key)}: time ran short; the upload is resumed`,
      );
    }
    const completion = await completeUpload(context, job, target);
    if (completion.kind === 'completed') return { stored: completion.stored, uploadId: target.uploadId };
    missing = completion.missing;
  }
  throw new Fault('Unavailable', `${context.destination.bucket}: parts of ${quoted(job.key)} do not stay there`);
}
