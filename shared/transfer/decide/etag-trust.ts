import { traitsOf, type StoreHint } from '../../model/stores/stores.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/**
 * Whose ETags are MD5s. S3's are, unless encryption makes them something else, which its answers say. Another store's
 * may be any digest of the same form: of what an encrypting gateway stores, of an object that was appended to. There,
 * an equal MD5 is proof, and a different one calls for another proof (docs/decisions, "What a foreign ETag proves").
 */

/** What was seen of a store's ETags of MD5 form in this process. */
interface Seen {
  /** of bytes whose MD5 they were */
  md5s: number;
  /** of bytes whose MD5 they provably were not */
  others: number;
}

/** So many ETags of a store must be something other than MD5s, and none may be one, before none is compared. */
const othersNeeded = 3;

const seenOf = new WeakMap<ObjectStore, Seen>();

/** Notes what an ETag of MD5 form turned out to be. */
export function noteEtag(store: ObjectStore, kind: 'md5' | 'other'): void {
  const seen = seenOf.get(store) ?? { md5s: 0, others: 0 };
  if (kind === 'md5') seen.md5s++;
  else seen.others++;
  seenOf.set(store, seen);
}

/**
 * What it means that an ETag of MD5 form is not the MD5 of the bytes: `damage` where it would be one (S3); `doubt` at
 * another store, until another proof is found; `nothing` at one whose ETags are, or were shown to be, something else.
 */
export function meaningOfDifference(side: StoreHint, store: ObjectStore): 'damage' | 'doubt' | 'nothing' {
  const known = traitsOf(side).putEtag.is;
  if (known !== 'maybe') return known === 'md5' ? 'damage' : 'nothing';
  const { md5s, others } = seenOf.get(store) ?? { md5s: 0, others: 0 };
  return md5s === 0 && others >= othersNeeded ? 'nothing' : 'doubt';
}

/** Are a store's ETags of MD5 form MD5s for certain: because it is S3, or because all that were seen are? */
export function etagsAreMd5s(side: StoreHint, store: ObjectStore): boolean {
  const known = traitsOf(side).putEtag.is;
  if (known !== 'maybe') return known === 'md5';
  const { md5s, others } = seenOf.get(store) ?? { md5s: 0, others: 0 };
  return md5s > 0 && others === 0;
}
