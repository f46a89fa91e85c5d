import { ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand } from '@aws-sdk/client-s3';
import { Fault } from '../model/faults.ts';
import type { ChecksumAlgorithm, ListedObject } from '../model/object.ts';
import type { StoredPart } from '../model/part-plan.ts';
import type { ListedUpload, ListOptions } from '../ports/object-store.ts';
import { unquoted } from './object-info.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { partChecksum } from './s3-inputs.ts';

export async function* listObjects(
  bucket: S3Bucket,
  { prefix, after, pageSize }: ListOptions,
): AsyncGenerator<ListedObject[]> {
  let token: string | undefined;
  do {
    const input = {
      ...bucket.common,
      Prefix: prefix,
      EncodingType: 'url' as const,
      ...(pageSize !== undefined && { MaxKeys: pageSize }),
      ...(token !== undefined ? { ContinuationToken: token } : after !== undefined && { StartAfter: after }),
    };
    const page = await bucket.call('ListObjectsV2', undefined, () =>
      bucket.client.send(new ListObjectsV2Command(input)),
    );
    yield (page.Contents ?? []).map((object) => ({
      key: listedKey(object.Key, page.EncodingType),
      size: object.Size ?? 0,
      etag: unquoted(object.ETag),
      modified: object.LastModified?.getTime() ?? 0,
    }));
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (page.IsTruncated === true && (next === undefined || next === token)) {
      throw new Fault('Unavailable', `${bucket.what('ListObjectsV2', undefined)}: the listing does not go on`);
    }
    token = next;
  } while (token !== undefined);
}

export async function listParts(bucket: S3Bucket, key: string, uploadId: string): Promise<StoredPart[]> {
  const parts: StoredPart[] = [];
  let marker: string | undefined;
  for (;;) {
    const input = {
      ...bucket.common,
      Key: key,
      UploadId: uploadId,
      ...(marker !== undefined && { PartNumberMarker: marker }),
    };
    const page = await bucket.callUpload('ListParts', key, () => bucket.client.send(new ListPartsCommand(input)));
    for (const part of page.Parts ?? []) {
      parts.push({
        number: part.PartNumber ?? 0,
        size: part.Size ?? 0,
        etag: unquoted(part.ETag),
        ...partChecksum(part, page.ChecksumAlgorithm as ChecksumAlgorithm | undefined),
      });
    }
    if (page.IsTruncated !== true) return parts;
    const next = page.NextPartNumberMarker;
    if (next === undefined || next === marker) {
      throw new Fault('Unavailable', `${bucket.what('ListParts', key)}: the listing does not go on`);
    }
    marker = next;
  }
}

export async function* listUploads(bucket: S3Bucket, prefix: string): AsyncGenerator<ListedUpload[]> {
  const operation = 'ListMultipartUploads';
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
  for (;;) {
    const input = { ...bucket.common, Prefix: prefix, EncodingType: 'url' as const, ...marker };
    const page = await bucket.call(operation, undefined, () =>
      bucket.client.send(new ListMultipartUploadsCommand(input)),
    );
    yield (page.Uploads ?? []).map((upload) => ({
      key: listedKey(upload.Key, page.EncodingType),
      uploadId: upload.UploadId ?? '',
      initiated: upload.Initiated?.getTime() ?? 0,
    }));
    if (page.IsTruncated !== true) return;
    const { NextKeyMarker, NextUploadIdMarker = '' } = page;
    const next = { KeyMarker: listedKey(NextKeyMarker, page.EncodingType), UploadIdMarker: NextUploadIdMarker };
    if (next.KeyMarker === '' || JSON.stringify(next) === JSON.stringify(marker)) {
      throw new Fault('Unavailable', `${bucket.what(operation, undefined)}: the listing does not go on`);
    }
    marker = next;
  }
}

/** A key as a listing has it: encoded where the store does as it was asked. */
function listedKey(key: string | undefined, encoding: string | undefined): string {
  return encoding === 'url' ? decodeURIComponent((key ?? '').replaceAll('+', ' ')) : (key ?? '');
}
