import {
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { Fault } from '../../model/faults.ts';
import { isObjectKey, type ObjectKey } from '../../model/object-key.ts';
import { listedPageKeys, maxParts } from '../../model/limits.ts';
import type { ChecksumAlgorithm } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { ListedPart, PartRange } from '../../model/part-plan.ts';
import type { ListedUpload } from '../../ports/object-store.ts';
import { pages, type Page } from '../pages.ts';
import type { S3Bucket, UploadName } from './bucket.ts';
import { partChecksum } from './inputs.ts';
import { checkedEtag, checkedSize } from './object-info.ts';
import { decodedKey, looksEncoded, partsWithin } from './quirks.ts';

/** Lists an upload's parts, by default all of them. @throws Fault; `UploadGone` if the upload does not exist */
export async function listParts(
  bucket: S3Bucket,
  upload: UploadName,
  [first, last]: PartRange = [1, Infinity],
): Promise<ListedPart[]> {
  const operation = 'ListParts';
  const what = bucket.what(operation, upload.key);
  const ask = async (marker = first > 1 ? String(first - 1) : undefined): Promise<Page<ListedPart, string>> => {
    const input = {
      ...bucket.upload(upload),
      MaxParts: listedPageKeys,
      ...(marker !== undefined && { PartNumberMarker: marker }),
    };
    const page = await bucket.callUpload(operation, upload.key, () => bucket.client.send(new ListPartsCommand(input)));
    const items = (page.Parts ?? []).map((part) => ({
      number: part.PartNumber ?? 0,
      size: checkedSize(part.Size ?? 0, what),
      etag: checkedEtag(part.ETag, what),
      modified: part.LastModified?.getTime() ?? 0,
      ...partChecksum(part, page.ChecksumAlgorithm as ChecksumAlgorithm | undefined),
    }));
    // Without a marker, the list goes on after its last part.
    const next = page.NextPartNumberMarker ?? items.at(-1)?.number.toString();
    return { items, truncated: page.IsTruncated === true && !(Number(next) >= last), next };
  };
  const parts: ListedPart[] = [];
  for await (const some of pages(what, ask)) {
    parts.push(...partsWithin(some, first, last));
    if (parts.length > maxParts) throw new Fault('Unavailable', `${what}: more than ${maxParts} parts are listed`);
  }
  return parts;
}

/** Lists the open uploads, a page at a time. @throws Fault */
export function listUploads(bucket: S3Bucket, prefix: string): AsyncGenerator<readonly ListedUpload[]> {
  const operation = 'ListMultipartUploads';
  type Marker = { KeyMarker: string; UploadIdMarker: string };
  const what = bucket.what(operation, undefined);
  return pages(what, async (marker: Marker | undefined) => {
    const ask = (encoding: { EncodingType?: 'url' }): Promise<ListMultipartUploadsCommandOutput> => {
      const command = new ListMultipartUploadsCommand({
        ...bucket.common,
        Prefix: prefix,
        MaxUploads: listedPageKeys,
        ...encoding,
        ...marker,
      });
      return bucket.call(operation, undefined, () => bucket.client.send(command));
    };
    const encoded = await ask({ EncodingType: 'url' });
    // Ceph 16 encodes the keys without saying so. An answer that was not asked to encode cannot be misread.
    const isClear = encoded.EncodingType === 'url' || !encoded.Uploads?.some(({ Key }) => looksEncoded(Key));
    const page = isClear ? encoded : await ask({});
    const items = (page.Uploads ?? []).map((upload) => ({
      key: listedKey(upload.Key, page.EncodingType, prefix, what),
      uploadId: upload.UploadId ?? '',
      initiated: upload.Initiated?.getTime() ?? 0,
    }));
    const { NextKeyMarker = '', NextUploadIdMarker = '' } = page;
    const last = items.at(-1);
    const next =
      NextKeyMarker === ''
        ? last && { KeyMarker: last.key, UploadIdMarker: last.uploadId }
        : { KeyMarker: decodedKey(NextKeyMarker, page.EncodingType, what), UploadIdMarker: NextUploadIdMarker };
    return { items, truncated: page.IsTruncated === true, next };
  });
}

/**
 * A key in a listing.
 * @throws Fault `Unavailable` if it is not a legal key, or lacks the prefix that was asked for: keys that a listing
 *   names are copied, deleted and aborted
 */
export function listedKey(
  listed: string | undefined,
  encoding: string | undefined,
  prefix: string,
  what: string,
): ObjectKey {
  const key = decodedKey(listed, encoding, what);
  if (!isObjectKey(key)) throw new Fault('Unavailable', `${what}: ${quoted(key)} is listed, which is not a key`);
  if (key.startsWith(prefix)) return key;
  throw new Fault('Unavailable', `${what}: asked to list keys with prefix ${quoted(prefix)}, got ${quoted(key)}`);
}
