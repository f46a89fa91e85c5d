import fc from 'fast-check';
import { objectKey, type ObjectKey } from '../../shared/model/object-key.ts';
import type { ListedObject } from '../../shared/model/object.ts';
import { maxKeyBytes } from '../../shared/model/limits.ts';

/** Any legal key: 1 to 1,024 bytes of well-formed Unicode. */
export const keyArbitrary = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((key) => key.isWellFormed() && Buffer.byteLength(key) <= maxKeyBytes)
  .map((key) => objectKey(key));

/** Few characters, so that keys collide, are prefixes of each other, and sort differently as UTF-16 and as UTF-8. */
export const smallKeyArbitrary = fc.string({
  unit: fc.constantFrom('a', 'b', '/', ' ', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
  minLength: 1,
  maxLength: 4,
});

/** Sorts as S3 does; the reference is the bytes themselves. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Cuts a list into pages, some of them empty. */
export function pagesOf<Item>(items: readonly Item[], cuts: readonly number[]): Item[][] {
  const pages: Item[][] = [];
  let rest = [...items];
  for (const cut of cuts) {
    pages.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  return [...pages, rest];
}

export async function* streamOf<Item>(pages: readonly Item[][]): AsyncGenerator<Item[]> {
  for (const page of pages) {
    await Promise.resolve();
    yield page;
  }
}

/** Text as a key that nothing has checked: for tests of what refuses it. */
export function unchecked(text: string): ObjectKey {
  return text as ObjectKey;
}

export function object(key: string, more: Partial<ListedObject> = {}): ListedObject {
  return { key: objectKey(key), size: 1, etag: 'e', modified: 0, ...more };
}
