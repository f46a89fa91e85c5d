import type { Job } from '../../model/job.ts';
import { missingTrustedMillis, missingTrustedMaxBytes } from '../../model/limits.ts';
import type { LedgerEntry } from '../../model/ledger-entry.ts';
import { etagPartCount, type ObjectInfo } from '../../model/object.ts';
import { destinationKey } from '../../model/config/task.ts';
import type { OpenObject } from '../../ports/object-store.ts';
import { canCopyInside, needsLedger } from './choose-route.ts';
import type { CopyContext } from '../context.ts';

/** Both sides of a job as they are now. */
export interface Sight {
  readonly source: ObjectInfo | undefined;
  readonly destination: ObjectInfo | undefined;
  readonly entry: LedgerEntry | undefined;
  /** the source, opened already; whoever gets it reads or destroys it */
  readonly opened?: OpenObject;
}

/**
 * Looks at both sides. A small object that is missing at the destination is opened at once: one GET tells all that a
 * HEAD would.
 */
export async function lookAtBothSides(context: CopyContext, job: Job): Promise<Sight> {
  const { task, ledger } = context;
  const lookAtDestination = (): Promise<ObjectInfo | undefined> =>
    context.destination.head(destinationKey(task, job.key));
  const trusted =
    job.missingAt !== undefined &&
    // Also where the finder's clock is ahead of this one.
    Math.abs(context.clock.now() - job.missingAt) < missingTrustedMillis &&
    (job.size ?? Infinity) <= missingTrustedMaxBytes;
  const destination = trusted ? undefined : await lookAtDestination();
  if (!destination && likelyPut(context, job)) {
    const opened = await context.source.get(job.key);
    if (opened) return { source: opened.info, destination, entry: undefined, opened };
    // Gone at the source: whether there is something to delete is not a matter of trust.
    return { source: undefined, destination: trusted ? await lookAtDestination() : destination, entry: undefined };
  }
  const source = await context.source.head(job.key, { checksum: (job.size ?? Infinity) > task.largeObjectThreshold });
  if (!source && trusted) return { source, destination: await lookAtDestination(), entry: undefined };
  const entry = needsLedger(task, source, destination) ? await ledger.get(task.name, job.key) : undefined;
  return { source, destination, entry };
}

/** Will the job, by what it says itself, end as one GET and one PUT? */
function likelyPut({ task }: CopyContext, job: Job): boolean {
  return (
    job.action === 'copy' &&
    job.size !== undefined &&
    job.size <= task.largeObjectThreshold &&
    (job.etag === undefined || etagPartCount(job.etag) === undefined) &&
    !canCopyInside(task)
  );
}
