import { Fault } from '../model/faults.ts';
import type { ListedObject } from '../model/object.ts';
import { quoted } from '../model/text.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { compareKeys } from './order.ts';

/**
 * A part of a listing: the keys k with the prefix and after < k <= until. All fields but `prefix` are relative to it.
 */
export interface ListingRange {
  readonly prefix: string;
  /** only keys that begin with one of these; in order, and none begins with another */
  readonly prefixes: readonly string[];
  readonly after?: string | undefined;
  readonly until?: string | undefined;
}

/** Thrown inside the finder if a store lists keys in an order other than that of UTF-8 bytes. */
export class UnsortedListing extends Error {
  override readonly name = 'UnsortedListing';
}

/**
 * Lists the objects of a range, a page at a time, with keys relative to the prefix. Checks their order.
 * @throws UnsortedListing as soon as a key does not follow the one before it
 * @throws Fault `Unavailable` if the store lists keys outside the prefix: the finder would compare the wrong objects
 */
export async function* listSorted(store: ObjectStore, range: ListingRange): AsyncGenerator<ListedObject[]> {
  const { prefix, after, until } = range;
  // If a prefix is beyond the end, so are its keys.
  const prefixes = range.prefixes.filter((some) => until === undefined || compareKeys(some, until) <= 0);
  let last = after;
  for await (const page of listRelative(store, { prefix, prefixes, after })) {
    const inside: ListedObject[] = [];
    for (const object of page) {
      if (last !== undefined && compareKeys(object.key, last) <= 0) {
        // Some stores repeat the key to start after. Anything else is a different order.
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

/** Lists one prefix after another, each in the store's own order, with keys relative to the range's prefix. */
export async function* listRelative(
  store: ObjectStore,
  { prefix, prefixes, after }: Omit<ListingRange, 'until'>,
): AsyncGenerator<ListedObject[]> {
  const within = after === undefined ? -1 : prefixes.findIndex((some) => after.startsWith(some));
  // No prefix begins with another, so a key belongs to exactly one. The store's order matters only within that one.
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
      // The key that equals the prefix (a "folder") becomes an empty relative key. It is an object like any other.
      return [{ ...object, key: object.key.slice(base.length) }];
    });
  }
}
