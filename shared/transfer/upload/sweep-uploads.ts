import { forEachConcurrently } from '../../flow/concurrently.ts';
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
  /** the rest is left to the next sweep when it is over */
  readonly deadline: Deadline;
  /** milliseconds for which an upload is left alone */
  readonly olderThan: number;
}

/** What a sweep saw of the uploads under a task's destination prefix. */
export interface SweepCounts {
  readonly listed: number;
  readonly aborted: number;
  /** old, and not begun by this task as far as the ledger knows: left alone */
  readonly foreign: number;
  /** false where time ran out */
  readonly complete: boolean;
}

/** Look-ups in the ledger at once. */
const atOnce = 10;

/**
 * How far the store's time of creation may lie from the time of the announcement before it, in milliseconds: the clocks
 * of callers differ (S3 takes 15 minutes), and a call with its retries may last as long as a function.
 */
const clockDifference = 15 * 60_000;
const longestCall = 15 * 60_000;

/**
 * Aborts the task's own uploads that nobody went on with. Own is what the ledger says: it names the upload, or it
 * announced one to that object at that time (docs/decisions/0003-sweep-only-announced-uploads.md). An upload that the
 * ledger does not know is somebody else's, whatever else speaks for it.
 */
export async function sweepUploads(sweep: Sweep): Promise<SweepCounts> {
  const counts = { listed: 0, aborted: 0, foreign: 0, complete: true };
  const oldest = sweep.clock.now() - sweep.olderThan;
  for await (const page of sweep.destination.listUploads(sweep.task.destination.prefix)) {
    if (sweep.deadline.remaining() <= 0) return { ...counts, complete: false };
    counts.listed += page.length;
    await forEachConcurrently(
      page.filter(({ initiated }) => initiated < oldest),
      atOnce,
      async (upload) => {
        const verdict = await judge(sweep, upload, oldest);
        if (verdict === 'foreign') counts.foreign++;
        if (verdict !== 'abandoned') return;
        // The ledger may go on naming it: whoever resumes finds that it is gone and opens another one.
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
  return owner.kind === 'announced' || owner.entry.updatedAt < oldest ? 'abandoned' : 'in use';
}

/** Whose an upload is: the ledger names it, announced it (a process died before it claimed it), or does not know it. */
export type UploadOwner =
  | { readonly kind: 'named'; readonly entry: LedgerEntry }
  | { readonly kind: 'announced' }
  | { readonly kind: 'foreign' };

/** @param upload at the task's destination, below its prefix */
export async function ownerOf(
  { task, ledger }: { readonly task: Task; readonly ledger: Pick<Ledger, 'get' | 'wasUploadAnnounced'> },
  { key, uploadId, initiated }: ListedUpload,
): Promise<UploadOwner> {
  const source = sourceKey(task, key);
  const entry = await ledger.get(task.name, source);
  if (entry?.upload?.uploadId === uploadId) return { kind: 'named', entry };
  const [from, to] = [initiated - clockDifference - longestCall, initiated + clockDifference];
  const announced = await ledger.wasUploadAnnounced(task.name, source, from, to);
  return { kind: announced ? 'announced' : 'foreign' };
}
