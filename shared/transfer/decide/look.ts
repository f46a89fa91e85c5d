import type { Job } from '../../model/job.ts';
import { missingTrustedMillis, missingTrustedMaxBytes } from '../../model/limits.ts';
import { statesChecksums } from '../../model/stores/stores.ts';
import { isFault } from '../../model/faults.ts';
import { isRecorded, type LedgerEntry } from '../../model/ledger-entry.ts';
import { etagPartCount, sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { ObjectStore, OpenObject } from '../../ports/object-store.ts';
import type { CopyContext } from '../context.ts';
import { pinOf, type ObjectPair } from '../object-pair.ts';
import { needsLedger } from './choose-route.ts';
import { mayCopyInside } from './inside-copies.ts';
import { mayExpectNothing } from './replaces.ts';

/** Both sides of an object as they are now. */
export interface BothSides {
  readonly source: ObjectInfo | undefined;
  readonly destination: ObjectInfo | undefined;
  readonly entry: LedgerEntry | undefined;
  /** the source's body, if it was opened; the caller reads or destroys it */
  readonly opened?: OpenObject;
}

/**
 * Looks at both sides. If a small object is missing at the destination, its body is opened immediately: one GET returns
 * everything that a HEAD would.
 */
export async function lookAtBothSides(context: CopyContext, pair: ObjectPair, job: Job): Promise<BothSides> {
  const { task, ledger } = context;
  const lookAtDestination = (): Promise<ObjectInfo | undefined> => context.destination.head(pair.destinationKey);
  const trusted =
    job.missingAt !== undefined &&
    (job.size ?? Infinity) <= missingTrustedMaxBytes &&
    // The absolute value covers a finder whose clock is ahead of this one.
    (Math.abs(context.clock.now() - job.missingAt) < missingTrustedMillis || mayExpectNothing(context.destination));
  const destination = trusted ? undefined : await lookAtDestination();
  if (!destination && likelyPut(context, job)) {
    const opened = await context.source.get(pair.key, { checksum: statesChecksums(task.source) });
    if (opened) return { source: opened.info, destination, entry: undefined, opened };
    // The source is gone: whether there is something to delete must not rest on the finder's word.
    return { source: undefined, destination: trusted ? await lookAtDestination() : destination, entry: undefined };
  }
  // Complete compares the checksum of an object that goes in parts.
  const inParts = job.etag !== undefined && etagPartCount(job.etag) !== undefined;
  const checksum = inParts || (job.size ?? Infinity) > task.largeObjectThreshold;
  const source = await context.source.head(pair.key, { checksum });
  if (!source && trusted) return { source, destination: await lookAtDestination(), entry: undefined };
  if (!source || !destination || !needsLedger(task, source, destination)) {
    return { source, destination, entry: undefined };
  }
  const entry = await ledger.get(task.name, pair.key);
  if (isRecorded(source, destination, entry)) return { source, destination, entry };
  return { ...(await withChecksums(context, { source, destination })), entry };
}

/**
 * Adds the stored checksums of both sides if they may save the copy of an object that is large or in parts: one that
 * another tool copied, or whose record the ledger no longer keeps.
 */
async function withChecksums(
  context: CopyContext,
  seen: { readonly source: ObjectInfo; readonly destination: ObjectInfo },
): Promise<{ readonly source: ObjectInfo; readonly destination: ObjectInfo }> {
  const { source, destination } = seen;
  if (source.size <= context.task.largeObjectThreshold && etagPartCount(source.etag) === undefined) return seen;
  const checked = source.checksum ? source : await checksummed(context.source, source);
  if (checked.checksum?.algorithm !== 'CRC64NVME') return { source: checked, destination };
  return { source: checked, destination: await checksummed(context.destination, destination) };
}

/** The object with its checksum; as it was seen if it changed since, or if its checksum may not be read (KMS). */
export async function checksummed(store: ObjectStore, seen: ObjectInfo): Promise<ObjectInfo> {
  try {
    const now = await store.head(seen.key, { checksum: true, ...pinOf(seen) });
    return now?.checksum && sameEtag(now.etag, seen.etag) ? { ...seen, checksum: now.checksum } : seen;
  } catch (error) {
    if (!isFault(error, 'AccessDenied', 'NotSupported', 'Refused', 'SourceGone')) throw error;
    return seen;
  }
}

/** Will the job, going by its own fields, end as one GET and one PUT? */
function likelyPut(context: CopyContext, job: Job): boolean {
  const { task } = context;
  return (
    job.action === 'copy' &&
    job.size !== undefined &&
    job.size <= task.largeObjectThreshold &&
    (job.etag === undefined || etagPartCount(job.etag) === undefined) &&
    !mayCopyInside(context, 'copy')
  );
}
