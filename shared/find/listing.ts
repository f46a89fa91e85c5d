import { Fault } from '../model/faults.ts';
import type { ListPlace } from '../model/messages/payloads.ts';
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
  /** where an earlier listing of the range stopped; keys up to `after` that follow there are left out */
  readonly place?: ListPlace | undefined;
}

/** An object whose key is relative to a prefix: the rest of a key, which is empty for a "folder". */
export interface RelativeObject extends Omit<ListedObject, 'key'> {
  readonly key: string;
}

/** A page, and where the listing goes on after it, if the store says so. */
export interface RelativePage extends ReadonlyArray<RelativeObject> {
  readonly next?: ListPlace;
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
export async function* listSorted(store: ObjectStore, range: ListingRange): AsyncGenerator<RelativePage> {
  const { prefix, after, until, place } = range;
  // If a prefix is beyond the end, so are its keys.
  const prefixes = range.prefixes.filter((some) => until === undefined || compareKeys(some, until) <= 0);
  let last = after;
  // A page that is read again begins with keys that were processed.
  let again = place !== undefined;
  for await (const page of listRelative(store, { prefix, prefixes, after, place })) {
    const inside: RelativeObject[] = [];
    for (const object of page) {
      if (last !== undefined && compareKeys(object.key, last) <= 0) {
        // Some stores repeat the key to start after. Anything else is a different order.
        if ((again || object.key === after) && inside.length === 0) continue;
        throw new UnsortedListing(`${store.bucket}: ${quoted(object.key)} is listed after ${quoted(last)}`);
      }
      last = object.key;
      if (until !== undefined && compareKeys(object.key, until) > 0) {
        yield Object.assign(inside, { next: atEnd });
        return;
      }
      inside.push(object);
    }
    if (page.length > 0) again = false;
    yield page.next ? Object.assign(inside, { next: page.next }) : inside;
  }
}

/** The place behind everything. */
const atEnd: ListPlace = { ended: true };

/** Lists one prefix after another, each in the store's own order, with keys relative to the range's prefix. */
export async function* listRelative(
  store: ObjectStore,
  { prefix, prefixes, after, place }: Omit<ListingRange, 'until'>,
): AsyncGenerator<RelativePage> {
  if (place?.ended === true) return;
  const resumed = place ? prefixes.indexOf(place.prefix ?? '') : -1;
  const within = after === undefined ? -1 : prefixes.findIndex((some) => after.startsWith(some));
  const first = resumed >= 0 ? resumed : within;
  const rest =
    first >= 0 ? prefixes.slice(first) : prefixes.filter((some) => after === undefined || compareKeys(some, after) > 0);
  for (const [index, some] of rest.entries()) {
    const start = index > 0 || first < 0 ? {} : { ...(within === first && { after }), token: place?.token };
    let empty = true;
    for await (const page of listOne(store, prefix, some, start)) {
      empty = page.length === 0;
      yield page;
    }
    // The stretch without keys ends here, which no token says.
    const following = rest[index + 1];
    if (empty) yield Object.assign([], { next: following === undefined ? atEnd : { prefix: following } });
  }
}

async function* listOne(
  store: ObjectStore,
  base: string,
  more: string,
  { after, token }: { readonly after?: string | undefined; readonly token?: string | undefined },
): AsyncGenerator<RelativePage> {
  const prefix = base + more;
  const options = {
    prefix,
    ...(after !== undefined && { after: base + after }),
    ...(token !== undefined && { token }),
  };
  for await (const page of store.list(options)) {
    const relative = page.map((object) => {
      if (!object.key.startsWith(prefix)) {
        throw new Fault(
          'Unavailable',
          `${store.bucket}: asked to list keys with prefix ${quoted(prefix)}, got ${quoted(object.key)}`,
        );
      }
      // The key that equals the prefix (a "folder") becomes an empty relative key. It is an object like any other.
      return { ...object, key: object.key.slice(base.length) };
    });
    // A state of the machine may keep the token.
    const next = page.next !== undefined && page.next.length <= maxTokenLength ? page.next : undefined;
    yield next === undefined ? relative : Object.assign(relative, { next: { prefix: more, token: next } });
  }
}

/** The longest token that is kept: S3's have about 100 characters. Without it, the stretch is listed from its start. */
const maxTokenLength = 2048;
