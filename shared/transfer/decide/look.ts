import type { Job } from '../../model/job.ts';
import { missingTrustedMillis, missingTrustedMaxBytes } from '../../model/limits.ts';
import type { LedgerEntry } from '../../model/ledger-entry.ts';
import { etagPartCount, type ObjectInfo } from '../../model/object.ts';
import type { OpenObject } from '../../ports/object-store.ts';
import type { CopyContext } from '../context.ts';
import type { ObjectPair } from '../object-pair.ts';
import { canCopyInside, needsLedger } from './choose-route.ts';

/** Both sides of an object as they are now. */
export interface BothSides {
  readonly source: ObjectInfo | undefined;
  readonly destination: ObjectInfo | undefined;
  readonly entry: LedgerEntry | undefined;
  /** the source's body, if it was opened; the caller reads or destroys it */
  readonly opened?: OpenObject;
}

/**
 * Looks at both sides. If a small object is missing at the destination, its body is opened at once: one GET returns
 * everything that a HEAD would.
 */
export async function lookAtBothSides(context: CopyContext, pair: ObjectPair, job: Job): Promise<BothSides> {
  const { task, ledger } = context;
  const lookAtDestination = (): Promise<ObjectInfo | undefined> => context.destination.head(pair.destinationKey);
  const trusted =
    job.missingAt !== undefined &&
    // The absolute value covers a finder whose clock is ahead of this one.
    Math.abs(context.clock.now() - job.missingAt) < missingTrustedMillis &&
    (job.size ?? Infinity) <= missingTrustedMaxBytes;
  const destination = trusted ? undefined : await lookAtDestination();
  if (!destination && likelyPut(context, job)) {
    const opened = await context.source.get(pair.key);
    if (opened) return { source: opened.info, destination, entry: undefined, opened };
    // The source is gone: whether there is something to delete must not rest on the finder's word.
    return { source: undefined, destination: trusted ? await lookAtDestination() : destination, entry: undefined };
  }
  const checksum = (job.size ?? Infinity) > task.largeObjectThreshold;
  const source = await context.source.head(pair.key, { checksum });
  if (!source && trusted) return { source, destination: await lookAtDestination(), entry: undefined };
  const entry = needsLedger(task, source, destination) ? await ledger.get(task.name, pair.key) : undefined;
  return { source, destination, entry };
}

/** Will the job, going by its own fields, end as one GET and one PUT? */
function likelyPut({ task }: CopyContext, job: Job): boolean {
  return (
    job.action === 'copy' &&
    job.size !== undefined &&
    job.size <= task.largeObjectThreshold &&
    (job.etag === undefined || etagPartCount(job.etag) === undefined) &&
    !canCopyInside(task)
  );
}
