import type { Job } from '../model/job.ts';
import type { LedgerEntry, RouteKind } from '../model/ledger-entry.ts';
import type { ObjectInfo } from '../model/object.ts';
import type { UploadTarget } from '../model/payloads.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Stored } from '../ports/object-store.ts';

/** Reasons in the ledger are cut here, in characters. */
const maxReason = 1000;

interface Books {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** The object was brought over: this version of the source is that object of the destination. */
export async function recordDone(
  { ledger, clock }: Books,
  job: Job,
  done: { route: RouteKind; source: ObjectInfo; stored: Stored; startedAt?: number | undefined },
): Promise<void> {
  const { route, source, stored, startedAt } = done;
  await ledger.put({
    ...entryOf(job, clock),
    status: 'DONE',
    route,
    size: source.size,
    sourceEtag: source.etag,
    ...(stored.etag !== '' && { destinationEtag: stored.etag }),
    ...(startedAt !== undefined && { startedAt }),
  });
}

/** All parts are there and agree; the object is about to be made of them and will have this ETag. */
export async function recordCompleting(
  { ledger, clock }: Books,
  job: Job,
  target: UploadTarget,
  destinationEtag: string,
): Promise<void> {
  const { sourceEtag, plan } = target;
  await ledger.put(
    { ...entryOf(job, clock), status: 'STARTED', route: 'multipart', size: plan.size, sourceEtag, destinationEtag },
    { keepUpload: true },
  );
}

/** Nothing was to be done. `same` is given where the two sides were found to be the same. */
export async function recordSkipped(
  { ledger, clock }: Books,
  job: Job,
  reason: string,
  same?: { source: ObjectInfo; destination: ObjectInfo },
): Promise<void> {
  const versions = same && {
    size: same.source.size,
    sourceEtag: same.source.etag,
    destinationEtag: same.destination.etag,
  };
  await ledger.put(
    { ...entryOf(job, clock), status: 'SKIPPED', route: 'skip', reason, ...versions },
    { keepUpload: true },
  );
}

/** The object was deleted at the destination. */
export async function recordDeleted({ ledger, clock }: Books, job: Job, reason: string): Promise<void> {
  await ledger.put({ ...entryOf(job, clock), status: 'DELETED', route: 'delete', reason });
}

/**
 * The job failed for good, or for now.
 * @param options.uploadEnded the recorded upload was aborted and is not to be resumed
 */
export async function recordFailed(
  { ledger, clock }: Books,
  job: Pick<Job, 'task' | 'key' | 'run'>,
  fault: { readonly name: string; readonly message: string },
  options: { attempts?: number; uploadEnded?: boolean } = {},
): Promise<void> {
  await ledger.put(
    {
      ...entryOf(job, clock),
      status: 'FAILED',
      reason: reasonOf(fault),
      ...(options.attempts !== undefined && { attempts: options.attempts }),
    },
    { keepUpload: options.uploadEnded !== true },
  );
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
