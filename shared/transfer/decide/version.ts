import { createHash } from 'node:crypto';
import { sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { Task } from '../../model/config/task.ts';

/**
 * What identifies a version of an object, as far as HEAD shows: its bytes by ETag and size, and the content headers and
 * user metadata that the task copies. The same bytes with other metadata are another version. Tags are not part of it,
 * because HEAD only counts them.
 */

/** Do both describe the same version? */
export function sameVersion(task: Task, one: ObjectInfo, other: ObjectInfo): boolean {
  return sameEtag(one.etag, other.etag) && one.size === other.size && sameAttributes(task, one, other);
}

/** Are the headers and metadata the same? */
export function sameAttributes(task: Task, one: ObjectInfo, other: ObjectInfo): boolean {
  return attributesDigest(task, one) === attributesDigest(task, other);
}

/** A digest of an object's headers and metadata, 32 characters. */
export function attributesDigest(task: Pick<Task, 'metadata'>, { headers, metadata }: ObjectInfo): string {
  const parts = [sorted(headers), task.metadata ? sorted(metadata) : []];
  return createHash('md5').update(JSON.stringify(parts)).digest('hex');
}

function sorted(values: object): [string, unknown][] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
}
