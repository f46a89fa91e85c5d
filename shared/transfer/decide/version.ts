import { createHash } from 'node:crypto';
import type { ObjectInfo } from '../../model/object.ts';
import type { Task } from '../../model/config/task.ts';

/**
 * What makes an object the version it is, as far as HEAD tells: its bytes by ETag and size, and the content headers and
 * user metadata that the task brings over. Who writes the same bytes with other metadata makes another version. Tags
 * have no part in it: HEAD only counts them.
 */

/** Is it the same version? */
export function sameVersion(task: Task, one: ObjectInfo, other: ObjectInfo): boolean {
  return one.etag === other.etag && one.size === other.size && sameAttributes(task, one, other);
}

/** Are the headers and metadata the same? */
export function sameAttributes(task: Task, one: ObjectInfo, other: ObjectInfo): boolean {
  return attributesDigest(task, one) === attributesDigest(task, other);
}

/** A name for the headers and metadata of an object, 32 characters; others have another. */
export function attributesDigest(task: Pick<Task, 'metadata'>, { headers, metadata }: ObjectInfo): string {
  const parts = [sorted(headers), task.metadata ? sorted(metadata) : []];
  return createHash('md5').update(JSON.stringify(parts)).digest('hex');
}

function sorted(values: object): [string, unknown][] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
}
