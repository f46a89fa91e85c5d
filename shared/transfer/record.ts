import { Fault } from '../model/faults.ts';
import type { Job } from '../model/job.ts';
import type { LedgerEntry, RouteKind } from '../model/ledger-entry.ts';
import { maxRestarts } from '../model/limits.ts';
import type { ObjectInfo } from '../model/object.ts';
import { quoted } from '../model/text.ts';
import type { UploadTarget } from '../model/messages/payloads.ts';
import type { Clock } from '../ports/clock.ts';
import { destinationKey, type Task } from '../model/config/task.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore, Stored } from '../ports/object-store.ts';

/** Reasons in the ledger are cut here, in characters. */
const maxReason = 1000;

interface Books {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** Where an object's way ends, an upload that is still open for it is ended too. */
interface Ends extends Books {
  readonly task: Task;
  readonly destination: ObjectStore;
}

export interface Done {
  readonly route: RouteKind;
  readonly source: ObjectInfo;
  readonly stored: Stored;
  /** milliseconds since the epoch */
  readonly startedAt?: number | undefined;
  /** the upload that was completed */
  readonly uploadId?: string | undefined;
}

/** The object was brought over: this version of the source is that object of the destination. */
export async function recordDone(ends: Ends, job: Job, done: Done): Promise<void> {
  const { route, source, stored, startedAt } = done;
  const entry: LedgerEntry = {
    ...entryOf(job, ends.clock),
    status: 'DONE',
    route,
    size: source.size,
    sourceEtag: source.etag,
    ...(stored.etag !== '' && { destinationEtag: stored.etag }),
    ...(startedAt !== undefined && { startedAt }),
  };
  await close(ends, entry, done.uploadId);
}

/**
 * Writes the last word on an object. An upload that somebody opened for another version is of no use any more; whoever
 * is still sending its parts learns that from the store, and looks at the object anew.
 */
async function close({ ledger, task, destination }: Ends, entry: LedgerEntry, completed?: string): Promise<void> {
  let open = await ledger.close(entry, completed);
  for (let aborted = 0; open; aborted++) {
    if (aborted >= maxRestarts) {
      const what = `${destination.bucket}: ${quoted(entry.key)}`;
      throw new Fault('DestinationConflict', `${what}: others begin one upload of it after another`);
    }
    await destination.abortUpload(destinationKey(task, entry.key), open.uploadId);
    open = await ledger.close(entry, open.uploadId);
  }
}

/** All parts are there and agree; the object is about to be made of them and will have this ETag. */
export async function recordCompleting(
  { ledger, clock }: Books,
  job: Job,
  target: UploadTarget,
  destinationEtag: string,
): Promise<void> {
  const { sourceEtag, plan } = target;
  await ledger.put({
    ...entryOf(job, clock),
    status: 'STARTED',
    route: 'multipart',
    size: plan.size,
    sourceEtag,
    destinationEtag,
  });
}

/** Nothing was to be done. `same` is given where the two sides were found to be the same. */
export async function recordSkipped(
  ends: Ends,
  job: Job,
  reason: string,
  same?: { source: ObjectInfo; destination: ObjectInfo },
): Promise<void> {
  const versions = same && {
    size: same.source.size,
    sourceEtag: same.source.etag,
    destinationEtag: same.destination.etag,
  };
  await close(ends, { ...entryOf(job, ends.clock), status: 'SKIPPED', route: 'skip', reason, ...versions });
}

/** The object was deleted at the destination. */
export async function recordDeleted(ends: Ends, job: Job, reason: string): Promise<void> {
  await close(ends, { ...entryOf(job, ends.clock), status: 'DELETED', route: 'delete', reason });
}

/**
 * The job failed for good, or for now.
 * @param options.aborted the recorded upload, which was aborted and is not to be resumed
 */
export async function recordFailed(
  { ledger, clock }: Books,
  job: Pick<Job, 'task' | 'key' | 'run'>,
  fault: { readonly name: string; readonly message: string },
  options: { attempts?: number; aborted?: string | undefined } = {},
): Promise<void> {
  const entry: LedgerEntry = {
    ...entryOf(job, clock),
    status: 'FAILED',
    reason: reasonOf(fault),
    ...(options.attempts !== undefined && { attempts: options.attempts }),
  };
  const closed = options.aborted !== undefined && !(await ledger.close(entry, options.aborted));
  // Another upload than the one that was aborted may be in use; it stays.
  if (!closed) await ledger.put(entry);
}

/** A fault as the ledger and the dead-letter queue tell it. */
export function reasonOf(fault: { readonly name: string; readonly message: string }): string {
  return `${fault.name}: ${fault.message}`.slice(0, maxReason);
}

function entryOf(
  job: Pick<Job, 'task' | 'key' | 'run'>,
  clock: Clock,
): Pick<LedgerEntry, 'task' | 'key' | 'run' | 'updatedAt'> {
  return { task: job.task, key: job.key, ...(job.run !== undefined && { run: job.run }), updatedAt: clock.now() };
}
