import { CopyObjectCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectAttributes } from '../../model/object.ts';
import type { Body, CopySource, Stored } from '../../ports/object-store.ts';
import { isOpaque, unquoted } from './object-info.ts';
import type { S3Bucket } from './bucket.ts';
import { bodyInput, copySourceHeader, creationInput } from './inputs.ts';

export async function putObject(
  bucket: S3Bucket,
  key: string,
  body: Body,
  attributes: ObjectAttributes,
): Promise<Stored> {
  const input = { ...bucket.common, Key: key, ...creationInput(bucket.side, attributes), ...bodyInput(body) };
  const answer = await bucket.call('PutObject', key, () => bucket.client.send(new PutObjectCommand(input)));
  return { etag: unquoted(answer.ETag), opaqueEtag: isOpaque(answer) };
}

export async function deleteObject(bucket: S3Bucket, key: string): Promise<void> {
  await bucket.call('DeleteObject', key, () =>
    bucket.client.send(new DeleteObjectCommand({ ...bucket.common, Key: key })),
  );
}

export async function copyObject(
  bucket: S3Bucket,
  source: CopySource,
  key: string,
  attributes: ObjectAttributes,
): Promise<Stored> {
  const input = {
    ...bucket.common,
    Key: key,
    CopySource: copySourceHeader(source),
    CopySourceIfMatch: `"${source.etag}"`,
    MetadataDirective: 'REPLACE' as const,
    TaggingDirective: 'REPLACE' as const,
    // Annotations are no part of what is replicated, and copying them needs permissions of its own.
    AnnotationDirective: 'EXCLUDE' as const,
    ...creationInput(bucket.side, attributes),
  };
  const answer = await bucket.call('CopyObject', key, () => bucket.client.send(new CopyObjectCommand(input)));
  return { etag: unquoted(answer.CopyObjectResult?.ETag), opaqueEtag: isOpaque(answer) };
}
