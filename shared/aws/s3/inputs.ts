import type { ChecksumAlgorithm, ObjectAttributes } from '../../model/object.ts';
import type { DestinationSide, Side } from '../../model/config/task.ts';
import type { Body, CopySource } from '../../ports/object-store.ts';
import { rawExpires } from './client.ts';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';

type Creation = Pick<
  PutObjectCommandInput,
  | 'ContentType'
  | 'ContentEncoding'
  | 'ContentLanguage'
  | 'ContentDisposition'
  | 'CacheControl'
  | 'Metadata'
  | 'Tagging'
  | 'StorageClass'
  | 'ACL'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
>;

/** What PutObject, CopyObject and CreateMultipartUpload have in common: the attributes and the task's settings. */
export function creationInput(side: Side | DestinationSide, attributes: ObjectAttributes): Creation {
  const { headers, metadata, tags } = attributes;
  const settings = 'storageClass' in side || 'acl' in side || 'encryption' in side ? side : undefined;
  const encryption = settings?.encryption;
  return {
    ...(headers.contentType !== undefined && { ContentType: headers.contentType }),
    ...(headers.contentEncoding !== undefined && { ContentEncoding: headers.contentEncoding }),
    ...(headers.contentLanguage !== undefined && { ContentLanguage: headers.contentLanguage }),
    ...(headers.contentDisposition !== undefined && { ContentDisposition: headers.contentDisposition }),
    ...(headers.cacheControl !== undefined && { CacheControl: headers.cacheControl }),
    ...(headers.expires !== undefined && { [rawExpires]: headers.expires }),
    ...(Object.keys(metadata).length > 0 && { Metadata: { ...metadata } }),
    ...(Object.keys(tags).length > 0 && { Tagging: tagHeader(tags) }),
    ...(settings?.storageClass && { StorageClass: settings.storageClass }),
    ...(settings?.acl && { ACL: settings.acl }),
    ...(encryption && { ServerSideEncryption: encryption.type }),
    ...(encryption?.type === 'aws:kms' && encryption.keyId !== undefined && { SSEKMSKeyId: encryption.keyId }),
  };
}

/** A body with what is known of it. */
export function bodyInput(body: Body): Pick<PutObjectCommandInput, 'Body' | 'ContentLength' | 'ContentMD5'> {
  return {
    Body: body.data,
    ContentLength: body.size,
    ...(body.md5 !== undefined && { ContentMD5: body.md5 }),
    ...(body.checksum && { [`Checksum${body.checksum.algorithm}`]: body.checksum.value }),
  };
}

/** `bucket/key` as the copy-source header wants it: URL-encoded, slashes kept. */
export function copySourceHeader({ bucket, key, versionId }: CopySource): string {
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

/** The checksum of a part in an answer, under the name of the upload's algorithm. */
export function partChecksum(
  answer: { readonly [Key in `Checksum${ChecksumAlgorithm}`]?: string | undefined },
  algorithm: ChecksumAlgorithm | undefined,
): { checksum?: string } {
  const value = algorithm && answer[`Checksum${algorithm}`];
  return value === undefined ? {} : { checksum: value };
}

function tagHeader(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}
