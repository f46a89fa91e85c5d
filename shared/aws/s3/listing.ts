import { ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand } from '@aws-sdk/client-s3';
import * as v from 'valibot';
import { Fault } from '../../model/faults.ts';
import { keySchema } from '../../model/job.ts';
import { maxParts } from '../../model/limits.ts';
import type { ChecksumAlgorithm, ListedObject } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { ListedPart, PartRange } from '../../model/part-plan.ts';
import type { ListedUpload, ListOptions } from '../../ports/object-store.ts';
import { checkedEtag, checkedSize } from './object-info.ts';
import { pages, type Page } from '../pages.ts';
import type { S3Bucket } from './bucket.ts';
import { partChecksum } from './inputs.ts';

export function listObjects(
  bucket: S3Bucket,
  { prefix, after, pageSize }: ListOptions,
): AsyncGenerator<readonly ListedObject[]> {
  const operation = 'ListObjectsV2';
  const what = bucket.what(operation, undefined);
  return pages(what, async (token: string | undefined) => {
    const input = {
      ...bucket.common,
      Prefix: prefix,
      EncodingType: 'url' as const,
      ...(pageSize !== undefined && { MaxKeys: pageSize }),
      ...(token !== undefined ? { ContinuationToken: token } : after !== undefined && { StartAfter: after }),
    };
    const page = await bucket.call(operation, undefined, () => bucket.client.send(new ListObjectsV2Command(input)));
    const items = (page.Contents ?? []).map((object) => ({
      key: listedKey(object.Key, page.EncodingType, prefix, what),
      size: checkedSize(object.Size ?? 0, what),
      etag: checkedEtag(object.ETag, what),
      modified: object.LastModified?.getTime() ?? 0,
    }));
    return { items, truncated: page.IsTruncated === true, next: page.NextContinuationToken };
  });
}

/** @param within only parts with these numbers */
export async function listParts(
  bucket: S3Bucket,
  key: string,
  uploadId: string,
  [first, last]: PartRange = [1, Infinity],
): Promise<ListedPart[]> {
  const operation = 'ListParts';
  const what = bucket.what(operation, key);
  const ask = async (marker = first > 1 ? String(first - 1) : undefined): Promise<Page<ListedPart, string>> => {
    const input = {
      ...bucket.common,
      Key: key,
      UploadId: uploadId,
      ...(marker !== undefined && { PartNumberMarker: marker }),
    };
    const page = await bucket.callUpload(operation, key, () => bucket.client.send(new ListPartsCommand(input)));
    const items = (page.Parts ?? []).map((part) => ({
      number: part.PartNumber ?? 0,
      size: checkedSize(part.Size ?? 0, what),
      etag: checkedEtag(part.ETag, what),
      modified: part.LastModified?.getTime() ?? 0,
      ...partChecksum(part, page.ChecksumAlgorithm as ChecksumAlgorithm | undefined),
    }));
    const next = page.NextPartNumberMarker;
    return { items, truncated: page.IsTruncated === true && !(Number(next) >= last), next };
  };
  const parts: ListedPart[] = [];
  for await (const some of pages(what, ask)) {
    // A store may know nothing of markers.
    parts.push(...some.filter(({ number }) => number >= first && number <= last));
    if (parts.length > maxParts) throw new Fault('Unavailable', `${what}: more than ${maxParts} parts are listed`);
  }
  return parts;
}

export function listUploads(bucket: S3Bucket, prefix: string): AsyncGenerator<readonly ListedUpload[]> {
  const operation = 'ListMultipartUploads';
  type Marker = { KeyMarker: string; UploadIdMarker: string };
  const what = bucket.what(operation, undefined);
  return pages(what, async (marker: Marker | undefined) => {
    const input = { ...bucket.common, Prefix: prefix, EncodingType: 'url' as const, ...marker };
    const page = await bucket.call(operation, undefined, () =>
      bucket.client.send(new ListMultipartUploadsCommand(input)),
    );
    const items = (page.Uploads ?? []).map((upload) => ({
      key: listedKey(upload.Key, page.EncodingType, prefix, what),
      uploadId: upload.UploadId ?? '',
      initiated: upload.Initiated?.getTime() ?? 0,
    }));
    const { NextKeyMarker = '', NextUploadIdMarker = '' } = page;
    const next = { KeyMarker: decodedKey(NextKeyMarker, page.EncodingType, what), UploadIdMarker: NextUploadIdMarker };
    return { items, truncated: page.IsTruncated === true, next: NextKeyMarker === '' ? undefined : next };
  });
}

/**
 * A key of a listing.
 * @throws Fault `Unavailable` where it is none, or not one of those that were asked for: what a listing names is what
 *   is copied, deleted and aborted
 */
function listedKey(listed: string | undefined, encoding: string | undefined, prefix: string, what: string): string {
  const key = decodedKey(listed, encoding, what);
  if (!v.is(keySchema, key)) throw new Fault('Unavailable', `${what}: ${quoted(key)} is listed, which is no key`);
  if (key.startsWith(prefix)) return key;
  throw new Fault('Unavailable', `${what}: asked to list keys with prefix ${quoted(prefix)}, got ${quoted(key)}`);
}

/** A key as a listing has it: encoded where the store does as it was asked. */
function decodedKey(key = '', encoding: string | undefined, what: string): string {
  if (encoding !== 'url') return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new Fault('Unavailable', `${what}: ${quoted(key)} is listed, which is not URL-encoded UTF-8`);
  }
}
