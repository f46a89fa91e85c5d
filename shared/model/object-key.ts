import * as v from 'valibot';
import { maxKeyBytes } from './limits.ts';
import { parseWith } from './parse.ts';

/** What S3 allows as the key of an object (S3 user guide: Naming Amazon S3 objects), and as the beginning of one. */
export const keyTextSchema = v.pipe(
  v.string(),
  v.minLength(1, 'a key has at least one character'),
  v.check((key) => Buffer.byteLength(key) <= maxKeyBytes, `a key has at most ${maxKeyBytes} UTF-8 bytes`),
  v.check((key) => key.isWellFormed(), 'a key is well-formed Unicode'),
);

/**
 * The key of an object, byte for byte. A request without a key is about the bucket: a PUT creates it, a DELETE deletes
 * it.
 */
export const keySchema = v.pipe(keyTextSchema, v.brand('ObjectKey'));

/**
 * A string that {@link keySchema} has checked. Other strings do not compile where a key is expected: prefixes, names of
 * buckets, and text from outside.
 */
export type ObjectKey = v.InferOutput<typeof keySchema>;

/** Checks a key. @param what names it in the message. @throws Fault `InvalidInput` */
export function objectKey(text: string, what = 'a key'): ObjectKey {
  return parseWith(keySchema, text, what);
}

/** Is it a key of an object? */
export function isObjectKey(text: string): text is ObjectKey {
  // The schema's checks, for millions of keys. No character takes more than three bytes for each unit of a string.
  const fits = text.length <= maxKeyBytes / 3 || Buffer.byteLength(text) <= maxKeyBytes;
  return text !== '' && fits && text.isWellFormed();
}
