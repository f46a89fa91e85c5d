import type { ObjectInfo } from '../../model/object.ts';
import { replicatesDeletes } from './choose-route.ts';
import type { PartContext } from '../context.ts';
import { sameVersion } from './version.ts';

/**
 * The look at the source after a write, which makes copies converge without a lock: events come late, twice and out of
 * order, but whoever writes last has looked last.
 * @param written the version that was written; undefined where the destination was deleted
 * @returns false where the source is another by now and the object has to be looked at anew
 */
export async function settled(context: PartContext, key: string, written: ObjectInfo | undefined): Promise<boolean> {
  const now = await context.source.head(key);
  if (!written) return now === undefined;
  if (!now) return !replicatesDeletes(context.task);
  return sameVersion(context.task, now, written);
}
