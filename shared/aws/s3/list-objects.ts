import {
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsCommandOutput,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { Fault, isFault } from '../../model/faults.ts';
import { listedPageKeys } from '../../model/limits.ts';
import type { ListedObject } from '../../model/object.ts';
import type { FirstPage, ListedPage, ListOptions } from '../../ports/object-store.ts';
import { quoted } from '../../model/text.ts';
import type { ScannedListing, ScannedObject } from '../http/answer-listing.ts';
import { listingIn } from '../http/answers.ts';
import { pages, type Page } from '../pages.ts';
import type { S3Bucket } from './bucket.ts';
import { listedKey } from './listing.ts';
import { checkedEtag, checkedSize } from './object-info.ts';
import { decodedKey } from './quirks.ts';

/** Where a page begins: at the store's own token, or after a key. */
type Place = { readonly token: string } | { readonly after: string };

type ObjectPage = Page<ListedObject, Place> & { readonly items: ListedPage };

/** Lists objects, a page at a time. @throws Fault */
export function listObjects(bucket: S3Bucket, options: ListOptions): AsyncGenerator<ListedPage> {
  const what = bucket.what('ListObjectsV2', undefined);
  return pages(what, (place: Place | undefined) => ask(bucket, options, place), Infinity);
}

/** The first page of a listing. @throws Fault */
export async function listFirstPage(bucket: S3Bucket, options: ListOptions): Promise<FirstPage> {
  const { items, truncated } = await ask(bucket, options, undefined);
  return { objects: items, more: truncated };
}

/**
 * One page. Stores with the first version of ListObjects alone ignore what they do not know: they list from the start
 * again where they should go on. They state no KeyCount, and understand a marker. What one bucket's store understands
 * is remembered.
 */
async function ask(bucket: S3Bucket, options: ListOptions, from: Place | undefined): Promise<ObjectPage> {
  const place = from ?? startOf(options);
  if (bucket.known.of('listVersion') === 1 && !(place && 'token' in place))
    return askByMarker(bucket, options, place?.after);
  const after = place && 'after' in place ? place.after : undefined;
  let repeats = false;
  try {
    const { page, isSecondVersion } = await askSecondVersion(bucket, options, place);
    if (isSecondVersion) bucket.known.learn({ listVersion: 2 });
    repeats = !isSecondVersion && after !== undefined && !goesOn(page, after);
    if (!repeats) return page;
  } catch (error) {
    if (!isFault(error, 'NotSupported') || (place && 'token' in place)) throw error;
  }
  try {
    const page = await askByMarker(bucket, options, after);
    bucket.known.learn({ listVersion: 1 });
    return page;
  } catch (error) {
    if (!repeats || !isFault(error)) throw error;
    const what = `${bucket.what('ListObjectsV2', undefined)}: the listing does not go on after ${quoted(after ?? '')}`;
    throw new Fault('Unavailable', `${what}, and the store does not list by marker (${error.message})`, {
      cause: error,
    });
  }
}

function startOf({ after, token }: ListOptions): Place | undefined {
  if (token !== undefined) return { token };
  return after === undefined ? undefined : { after };
}

async function askSecondVersion(
  bucket: S3Bucket,
  options: ListOptions,
  place: Place | undefined,
): Promise<{ page: ObjectPage; isSecondVersion: boolean }> {
  const operation = 'ListObjectsV2';
  const after = place && 'after' in place ? place.after : undefined;
  const start = place && ('token' in place ? { ContinuationToken: place.token } : { StartAfter: place.after });
  const command = new ListObjectsV2Command({ ...common(bucket, options), ...start });
  const answer = await bucket.call(operation, undefined, () => bucket.client.send(command));
  const { objects, encoding, token, keyCount, ...stated } = listingOf(answer);
  const items = itemsAfter(after, itemsOf(objects, keysOf(bucket, options, operation, encoding)));
  // A store that names a next page has one, also if it does not say so twice.
  const truncated = stated.truncated ?? token !== undefined;
  return {
    page:
      token === undefined
        ? { items, truncated, next: afterLast(items) }
        : { items: truncated ? Object.assign(items, { next: token }) : items, truncated, next: { token } },
    isSecondVersion: keyCount !== undefined || token !== undefined,
  };
}

async function askByMarker(bucket: S3Bucket, options: ListOptions, after: string | undefined): Promise<ObjectPage> {
  const operation = 'ListObjects';
  const what = bucket.what(operation, undefined);
  const command = new ListObjectsCommand({ ...common(bucket, options), ...(after !== undefined && { Marker: after }) });
  const answer = await bucket.call(operation, undefined, () => bucket.client.send(command));
  const { objects, encoding, truncated, nextMarker } = listingOf(answer);
  const items = itemsAfter(after, itemsOf(objects, keysOf(bucket, options, operation, encoding)));
  // S3 names the next marker only if it was asked for a delimiter: it is the last key.
  const named = nextMarker === undefined || nextMarker === '' ? undefined : nextMarker;
  const next = named === undefined ? afterLast(items) : { after: decodedKey(named, encoding, what) };
  return { items, truncated: truncated ?? named !== undefined, next };
}

/** The page in an answer, by either reader of its document. */
function listingOf(answer: ListObjectsV2CommandOutput | ListObjectsCommandOutput): ScannedListing {
  return (
    listingIn(answer) ?? {
      objects: (answer.Contents ?? []).map(({ Key, ETag, Size, LastModified, StorageClass, RestoreStatus }) => ({
        key: Key,
        etag: ETag,
        size: Size,
        modified: LastModified?.getTime(),
        storageClass: StorageClass,
        restore: RestoreStatus && {
          inProgress: RestoreStatus.IsRestoreInProgress === true,
          hasExpiry: RestoreStatus.RestoreExpiryDate !== undefined,
        },
      })),
      encoding: answer.EncodingType,
      truncated: answer.IsTruncated,
      token: 'NextContinuationToken' in answer ? answer.NextContinuationToken : undefined,
      nextMarker: 'NextMarker' in answer ? answer.NextMarker : undefined,
      keyCount: 'KeyCount' in answer ? answer.KeyCount : undefined,
    }
  );
}

type ListInput = S3Bucket['common'] &
  Pick<ListObjectsV2CommandInput, 'Prefix' | 'EncodingType' | 'MaxKeys' | 'OptionalObjectAttributes'>;

/** Pages of S3's size: Aliyun OSS lists 100 keys if nothing is asked for (OSS: ListObjectsV2, max-keys). */
function common(bucket: S3Bucket, { prefix, pageSize = listedPageKeys }: ListOptions): ListInput {
  return {
    ...bucket.common,
    Prefix: prefix,
    EncodingType: 'url' as const,
    MaxKeys: pageSize,
    // What other stores make of it is not known; they leave out what they do not know, or refuse it.
    ...(statesRestores(bucket) && { OptionalObjectAttributes: ['RestoreStatus' as const] }),
  };
}

interface Keys {
  readonly statesRestores: boolean;
  readonly encoding: string | undefined;
  readonly prefix: string;
  readonly what: string;
}

function keysOf(bucket: S3Bucket, { prefix }: ListOptions, operation: string, encoding: string | undefined): Keys {
  return { statesRestores: statesRestores(bucket), encoding, prefix, what: bucket.what(operation, undefined) };
}

function statesRestores(bucket: S3Bucket): boolean {
  return bucket.known.traits.listsRestores.is === 'yes';
}

function itemsOf(objects: readonly ScannedObject[], { statesRestores, encoding, prefix, what }: Keys): ListedObject[] {
  return objects.map((object) => {
    const archived = object.storageClass === 'STANDARD' ? undefined : archivedState(object, statesRestores);
    return {
      key: listedKey(object.key, encoding, prefix, what),
      size: checkedSize(object.size ?? 0, what),
      etag: checkedEtag(object.etag, what),
      modified: object.modified ?? 0,
      ...(archived && { archived }),
    };
  });
}

/** Some stores list the key that a page is to start after once more. Without it, no page repeats the one before. */
function itemsAfter(after: string | undefined, items: ListedObject[]): ListedObject[] {
  return items[0] !== undefined && items[0].key === after ? items.slice(1) : items;
}

function afterLast(items: readonly ListedObject[]): Place | undefined {
  const last = items.at(-1);
  return last && { after: last.key };
}

/** Does the page go on after the key? Its order may be another than that of UTF-8 bytes; then a marker is no worse. */
function goesOn({ items }: ObjectPage, after: string): boolean {
  const [first, last] = [items[0], items.at(-1)];
  return !first || !last || (compareBytes(first.key, after) >= 0 && compareBytes(last.key, after) > 0);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Is the object archived? S3 states RestoreStatus only for objects that are being or were restored (S3 API reference:
 * "Object", "RestoreStatus"). GLACIER_IR is read like any other class.
 */
function archivedState(
  { storageClass, restore }: ScannedObject,
  statesRestores: boolean,
): ListedObject['archived'] | undefined {
  if (storageClass === 'INTELLIGENT_TIERING') return 'unseen';
  if (storageClass !== 'GLACIER' && storageClass !== 'DEEP_ARCHIVE') return undefined;
  if (!statesRestores && restore === undefined) return 'maybe';
  const isRestored = restore?.inProgress === false && restore.hasExpiry;
  return isRestored ? undefined : 'yes';
}
