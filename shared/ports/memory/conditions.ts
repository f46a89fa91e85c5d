import { Fault } from '../../model/faults.ts';
import type { Replaces } from '../object-store.ts';
import type { MemoryBucket, MemoryStorage } from './storage.ts';

/** Fails if a write or a deletion names something else than what is under the key, and the store compares that. */
export function requireReplaced(
  { features }: MemoryStorage,
  bucket: MemoryBucket,
  key: string,
  replaces: Replaces | undefined,
): void {
  if (replaces === undefined || !features.conditionalWrites) return;
  const found = bucket.get(key)?.etag;
  const expected = replaces === 'nothing' ? undefined : replaces.etag;
  if (found === expected) return;
  const what = `${bucket.name}: ${JSON.stringify(key)}`;
  throw new Fault('DestinationConflict', `${what}: expected ${expected ?? 'no object'}, found ${found ?? 'none'}`);
}
