import { createHash } from 'node:crypto';
import type { ObjectAttributes } from '../../shared/model/object.ts';

/** The objects that tests write: their bytes and their attributes. */

/** An object without headers, metadata and tags. */
export const noAttributes: ObjectAttributes = { headers: {}, metadata: {}, tags: {} };

/** Distance in bytes between two places where a body says its own offset. */
const markEvery = 512;

/**
 * The body of an object: bytes that look random, the same for the same seed. Each block but the first begins with its
 * offset, so a test sees parts that are exchanged, repeated or shifted.
 */
export function bytesOf(size: number, seed: string | number = 'a'): Buffer {
  const bytes = Buffer.alloc(size, createHash('sha512').update(String(seed)).digest());
  for (let offset = markEvery; offset + 8 <= size; offset += markEvery) bytes.writeDoubleLE(offset, offset);
  return bytes;
}
