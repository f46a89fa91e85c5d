import { Fault } from '../model/faults.ts';
import type { ListedObject } from '../model/object.ts';
import { quoted } from '../model/text.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { compareKeys } from './order.ts';

/** Part of a listing: keys with the prefix and after < k <= until, named relative to the prefix. */
export interface ListingRange {
  readonly prefix: string;
  /** only keys that begin with one of these, relative to the prefix; in order, none inside another */
  readonly prefixes: readonly string[];
  readonly after?: string | undefined;
  readonly until?: string | undefined;
}

/** Thrown inside the finder when a store lists keys in another order than UTF-8 bytes. */
export class UnsortedListing extends Error {
  override readonly name = 'UnsortedListing';
}

/**
 * The objects of a range with their keys relative to its prefix, a page at a time, checked to be in order.
 * @throws UnsortedListing as soon as a key is not after the one before it
 * @throws Fault `Unavailable` where the store lists keys outside the prefix (a listing that ignores its parameters
 *   would make the finder compare the wrong objects)
 */
export async function* listSorted(store: ObjectStore, range: ListingRange): AsyncGenerator<ListedObject[]> {
  const { prefix, after, until } = range;
  // Every key under a prefix that is beyond the end is beyond it too.
  const prefixes = range.prefixes.filter((some) => until === undefined || compareKeys(some, until) <= 0);
  let last = after;
  for await (const page of listRelative(store, { prefix, prefixes, after })) {
    const inside: ListedObject[] = [];
    for (const object of page) {
      if (last !== undefined && compareKeys(object.key, last) <= 0) {
        // A store may repeat the key it was told to start after; anything else is another order.
        if (object.key === after && inside.length === 0) continue;
        throw new UnsortedListing(`${store.bucket}: ${quoted(object.key)} is listed after ${quoted(last)}`);
      }
      last = object.key;
      if (until !== undefined && compareKeys(object.key, until) > 0) {
        yield inside;
        return;
      }
      inside.push(object);
    }
    yield inside;
  }
}

/** One prefix after another, each in the store's own order; keys relative to the range's prefix. */
export async function* listRelative(
  store: ObjectStore,
  { prefix, prefixes, after }: Omit<ListingRange, 'until'>,
): AsyncGenerator<ListedObject[]> {
  const within = after === undefined ? -1 : prefixes.findIndex((some) => after.startsWith(some));
  // No prefix lies in another, so a key tells which one it is of. A store's own order counts only inside of that.
  const rest =
    within >= 0
      ? prefixes.slice(within)
      : prefixes.filter((some) => after === undefined || compareKeys(some, after) > 0);
  for (const [index, some] of rest.entries()) {
    yield* listOne(store, prefix, some, within >= 0 && index === 0 ? after : undefined);
  }
}

async function* listOne(
  store: ObjectStore,
  base: string,
  more: string,
  after: string | undefined,
): AsyncGenerator<ListedObject[]> {
  const prefix = base + more;
  const options = { prefix, ...(after !== undefined && { after: base + after }) };
  for await (const page of store.list(options)) {
    yield page.flatMap((object) => {
      if (!object.key.startsWith(prefix)) {
        throw new Fault(
          'Unavailable',
          `${store.bucket}: asked to list keys with prefix ${quoted(prefix)}, got ${quoted(object.key)}`,
        );
      }
      // The key that is the prefix itself (a "folder") has no name of its own below it, but it is an object like any.
      return [{ ...object, key: object.key.slice(base.length) }];
    });
  }
}
