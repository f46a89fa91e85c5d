import type { ObjectInfo } from '../../model/object.ts';
import type { ObjectStore, Replaces } from '../../ports/object-store.ts';

/**
 * A write takes place only if it replaces what was seen at the destination before its source was looked at. A request
 * that its caller gave up, and that takes effect later, then cannot undo a newer copy (docs/decisions, "Write only over
 * what was seen").
 */

/** @returns what a write replaces; undefined, for any object, if what was seen has no ETag */
export function replacing(seen: Pick<ObjectInfo, 'etag'> | undefined): Replaces | undefined {
  if (!seen) return 'nothing';
  return seen.etag === '' ? undefined : { etag: seen.etag };
}

/** So many jobs look at the destination after a write found an object there that a run had found missing. */
const looksAfterSurprise = 20;

const looksLeft = new WeakMap<ObjectStore, number>();

/** Notes that a write found an object where none was expected. */
export function noteSurprise(store: ObjectStore): void {
  looksLeft.set(store, looksAfterSurprise);
}

/**
 * May a job rely on the run, however long ago, that it replaces nothing? A write that fails costs as much as thirteen
 * looks, and a source whose runs overlap has many: after one, the next jobs look.
 */
export function mayExpectNothing(store: ObjectStore): boolean {
  const left = looksLeft.get(store) ?? 0;
  if (left > 0) looksLeft.set(store, left - 1);
  return store.conditionalWrites && left === 0;
}
