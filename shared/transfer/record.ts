import { Fault } from '../model/faults.ts';
import type { Job } from '../model/job.ts';
import { lastingFaults, type LedgerEntry, type RouteKind } from '../model/ledger-entry.ts';
import { maxRestarts } from '../model/limits.ts';
import type { Loss, LossKind } from '../model/losses.ts';
import type { ObjectInfo } from '../model/object.ts';
import type { UploadTarget } from '../model/messages/payloads.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore, Stored } from '../ports/object-store.ts';
import type { ObjectPair } from './object-pair.ts';

/** What an object's ledger entry says at each stage of its transfer. */

/** Characters of a reason that the ledger keeps. */
const maxReasonLength = 1000;

interface LedgerContext {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** The last entry of a transfer also ends an upload that is still open for the object. */
interface ClosingContext extends LedgerContext {
  readonly destination: ObjectStore;
}

/** What an entry is about. Its `key` also names what is no object: a message, an execution. */
type Subject = Pick<Job, 'task' | 'run'> & { readonly key: string };

export interface CompletedCopy {
  readonly route: RouteKind;
  readonly source: ObjectInfo;
  readonly stored: Stored;
  /** what the copy lacks */
  readonly lost?: readonly Loss[];
  /** milliseconds since the epoch */
  readonly startedAt?: number | undefined;
  /** the upload that was completed */
  readonly uploadId?: string | undefined;
}

/** The object was copied: the destination holds this version of the source. */
export async function recordDone(context: ClosingContext, pair: ObjectPair, copy: CompletedCopy): Promise<void> {
  const { route, source, stored, lost = [], startedAt, uploadId } = copy;
  const entry: LedgerEntry = {
    ...entryOf(pair, context.clock),
    status: 'DONE',
    route,
    size: source.size,
    sourceEtag: source.etag,
    ...(stored.etag !== '' && { destinationEtag: stored.etag }),
    ...(lost.length > 0 && { lost: lost.map(({ kind }) => kind) }),
    ...(startedAt !== undefined && { startedAt }),
  };
  await close(context, pair, entry, uploadId);
}

/**
 * Writes the last entry of a transfer. An upload that another caller opened for another version is now useless, so it
 * is aborted; a caller that is still sending its parts learns that from the store and restarts.
 */
async function close(
  { ledger, destination }: ClosingContext,
  pair: ObjectPair,
  entry: LedgerEntry,
  completed?: string,
): Promise<void> {
  let open = await ledger.close(entry, completed);
  for (let aborted = 0; open; aborted++) {
    if (aborted >= maxRestarts) {
      throw new Fault('DestinationConflict', `${pair.destinationName}: other callers keep opening uploads of it`);
    }
    await destination.abortUpload(pair.destinationKey, open.uploadId);
    open = await ledger.close(entry, open.uploadId);
  }
}

/** All parts are present and agree with the source; the completed object will have this ETag. */
export async function recordCompleting(
  { ledger, clock }: LedgerContext,
  pair: ObjectPair,
  { sourceEtag, plan }: UploadTarget,
  destinationEtag: string,
): Promise<void> {
  await ledger.put({
    ...entryOf(pair, clock),
    status: 'STARTED',
    route: 'multipart',
    size: plan.size,
    sourceEtag,
    destinationEtag,
  });
}

/** Both sides of an object that were found to be the same, and what the destination lacks all the same. */
export interface SameSides {
  readonly source: ObjectInfo;
  readonly destination: ObjectInfo;
  readonly lost: readonly LossKind[];
}

/** There was nothing to do. */
export async function recordSkipped(
  context: ClosingContext,
  pair: ObjectPair,
  reason: string,
  same?: SameSides,
): Promise<void> {
  const versions = same && {
    size: same.source.size,
    sourceEtag: same.source.etag,
    destinationEtag: same.destination.etag,
    ...(same.lost.length > 0 && { lost: same.lost }),
  };
  const entry = entryOf(pair, context.clock);
  await close(context, pair, { ...entry, status: 'SKIPPED', route: 'skip', reason, ...versions });
}

/** The object was deleted at the destination. */
export async function recordDeleted(context: ClosingContext, pair: ObjectPair, reason: string): Promise<void> {
  await close(context, pair, { ...entryOf(pair, context.clock), status: 'DELETED', route: 'delete', reason });
}

/**
 * The job failed, for good or for now.
 * @param options.aborted the recorded upload, if it was aborted and must not be resumed
 * @param options.final for good: no attempt is left, and its run counts it as failed
 */
export async function recordFailed(
  { ledger, clock }: LedgerContext,
  subject: Subject & Pick<Job, 'etag'>,
  fault: { readonly name: string; readonly message: string },
  options: { attempts?: number; aborted?: string | undefined; final?: true } = {},
): Promise<void> {
  const entry: LedgerEntry = {
    ...entryOf(subject, clock),
    status: 'FAILED',
    reason: reasonOf(fault),
    // The next run finds the same version, and need not try it.
    ...(isLasting(fault.name) && subject.etag !== undefined && { sourceEtag: subject.etag }),
    ...(options.attempts !== undefined && { attempts: options.attempts }),
  };
  const closed = options.aborted !== undefined && !(await ledger.close(entry, options.aborted));
  // An upload other than the aborted one may be in use; it stays in the entry.
  if (!closed) await ledger.put(entry, { final: options.final ?? false });
}

/** The run of the job was cancelled before it: the run counts it so, and the object's entry stays as it is. */
export async function recordCancelled({ ledger }: Pick<LedgerContext, 'ledger'>, job: Job): Promise<void> {
  const { task, key, run } = job;
  if (run !== undefined) await ledger.countEnd({ task, key, run }, { kind: 'cancelled', bytes: 0 });
}

/** Will the same version of the object fail in the same way again? */
function isLasting(name: string): boolean {
  return (lastingFaults as readonly string[]).includes(name);
}

/** A fault as the ledger and the dead-letter queue show it. */
export function reasonOf(fault: { readonly name: string; readonly message: string }): string {
  return `${fault.name}: ${fault.message}`.slice(0, maxReasonLength);
}

function entryOf({ task, key, run }: Subject, clock: Clock): Pick<LedgerEntry, 'task' | 'key' | 'run' | 'updatedAt'> {
  return { task, key, ...(run !== undefined && { run }), updatedAt: clock.now() };
}
