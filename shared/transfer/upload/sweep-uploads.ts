import { forEachConcurrently } from '../../flow/concurrently.ts';
import { accessCheckKey } from '../../model/access-check.ts';
import { isFault } from '../../model/faults.ts';
import type { LedgerEntry } from '../../model/ledger-entry.ts';
import { sourceKey, type Task } from '../../model/config/task.ts';
import type { Clock, Deadline } from '../../ports/clock.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { ListedUpload, ObjectStore } from '../../ports/object-store.ts';

export interface Sweep {
  readonly task: Task;
  readonly destination: ObjectStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** When it is over, the remaining uploads are left to the next sweep. */
  readonly deadline: Deadline;
  /** Uploads are aborted after this time without progress. */
  readonly olderThanMillis: number;
}

/** What a sweep found among the uploads under a task's destination prefix. */
export interface SweepCounts {
  readonly listed: number;
  readonly aborted: number;
  /** old, but not known to the ledger as this task's: left alone */
  readonly foreign: number;
  /** false if time ran out */
  readonly complete: boolean;
  /** the store does not list uploads: a lifecycle rule has to abort them */
  readonly unlisted?: true;
}

/** Ledger look-ups at once. */
const lookupsAtOnce = 10;

/** How far the clocks of callers and stores may differ: S3 accepts requests that are off by 15 minutes. */
const clockDifferenceMillis = 15 * 60_000;
/** How long the call that creates an upload may last, with its retries: as long as a function. */
const longestCallMillis = 15 * 60_000;

/**
 * Aborts the task's own abandoned uploads. The ledger says which are its own: it names the upload, or it announced one
 * of that object at that time (docs/architecture.md, "Uploads that are left behind"). An upload that the ledger does
 * not know belongs to another writer, whatever else suggests otherwise.
 */
export async function sweepUploads(sweep: Sweep): Promise<SweepCounts> {
  const counts = { listed: 0, aborted: 0, foreign: 0, complete: true };
  try {
    return await sweepListed(sweep, counts);
  } catch (error) {
    if (counts.listed > 0 || !isFault(error, 'NotSupported')) throw error;
    return { ...counts, unlisted: true };
  }
}

async function sweepListed(
  sweep: Sweep,
  counts: { -readonly [Name in 'listed' | 'aborted' | 'foreign']: number } & { readonly complete: boolean },
): Promise<SweepCounts> {
  const oldest = sweep.clock.now() - sweep.olderThanMillis;
  for await (const page of sweep.destination.listUploads(sweep.task.destination.prefix)) {
    if (sweep.deadline.remaining() <= 0) return { ...counts, complete: false };
    counts.listed += page.length;
    await forEachConcurrently(
      page.filter(({ initiated }) => initiated < oldest),
      lookupsAtOnce,
      async (upload) => {
        const verdict = await judge(sweep, upload, oldest);
        if (verdict === 'foreign') counts.foreign++;
        if (verdict !== 'abandoned') return;
        // The ledger may still name it: a caller that resumes finds that it is gone and opens another.
        await sweep.destination.abortUpload(upload.key, upload.uploadId);
        counts.aborted++;
      },
    );
  }
  return counts;
}

async function judge(sweep: Sweep, upload: ListedUpload, oldest: number): Promise<'abandoned' | 'in use' | 'foreign'> {
  const owner = await ownerOf(sweep, upload);
  if (owner.kind === 'foreign') return 'foreign';
  // No part was ever sent to an upload that was never claimed.
  if (owner.kind === 'announced') return 'abandoned';
  if (owner.entry.updatedAt >= oldest) return 'in use';
  return (await hasNewParts(sweep, upload, oldest)) ? 'in use' : 'abandoned';
}

/**
 * Did a part arrive lately? A caller that resumes an upload writes nothing to the ledger: only its parts show it. An
 * upload that has ended in the meantime counts as having some.
 */
async function hasNewParts({ destination }: Sweep, { key, uploadId }: ListedUpload, oldest: number): Promise<boolean> {
  try {
    const parts = await destination.listParts(key, uploadId);
    return parts.some(({ modified }) => modified >= oldest);
  } catch (error) {
    if (isFault(error, 'UploadGone')) return true;
    throw error;
  }
}

/** How the ledger knows an upload: by name, by an announcement (its process died before the claim), or not at all. */
export type UploadOwner =
  | { readonly kind: 'named'; readonly entry: LedgerEntry }
  | { readonly kind: 'announced' }
  | { readonly kind: 'foreign' };

/** @param upload at the task's destination, below its prefix */
export async function ownerOf(
  { task, ledger }: { readonly task: Task; readonly ledger: Pick<Ledger, 'get' | 'wasUploadAnnounced'> },
  { key, uploadId, initiated }: ListedUpload,
): Promise<UploadOwner> {
  // A run's check of its permissions died between two calls.
  if (key === accessCheckKey(task)) return { kind: 'announced' };
  const source = sourceKey(task, key);
  if (source === undefined) return { kind: 'foreign' };
  const entry = await ledger.get(task.name, source);
  if (entry?.upload?.uploadId === uploadId) return { kind: 'named', entry };
  // The announcement precedes the upload's creation by the time of the call; the two clocks may differ either way.
  const from = initiated - clockDifferenceMillis - longestCallMillis;
  const announced = await ledger.wasUploadAnnounced(task.name, source, from, initiated + clockDifferenceMillis);
  return { kind: announced ? 'announced' : 'foreign' };
}

/** The tasks in the order of this day: each is the first in its turn, in case a call has no time for all of them. */
export function inTurn<Task>(tasks: readonly Task[], now: number): readonly Task[] {
  const first = Math.floor(now / (24 * 3600 * 1000)) % Math.max(1, tasks.length);
  return [...tasks.slice(first), ...tasks.slice(0, first)];
}
