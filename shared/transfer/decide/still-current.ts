import type { ObjectInfo } from '../../model/object.ts';
import type { PartContext } from '../context.ts';
import { replicatesDeletes } from './choose-route.ts';
import { sameVersion } from './version.ts';
import type { ObjectKey } from '../../model/object-key.ts';

/**
 * Looks at the source again after a write. This makes copies converge without a lock: events arrive late, twice and out
 * of order, but the last writer also looks last.
 * @param written the version that was written; undefined if the destination was deleted
 * @returns false if the source has changed since, so that the object must be processed again
 */
export async function isStillCurrent(
  context: PartContext,
  key: ObjectKey,
  written: ObjectInfo | undefined,
): Promise<boolean> {
  const now = await context.source.head(key);
  if (!written) return now === undefined;
  if (!now) return !replicatesDeletes(context.task);
  return sameVersion(context.task, now, written);
}
