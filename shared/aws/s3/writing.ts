import { CopyObjectCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isFault } from '../../model/faults.ts';
import type { ObjectAttributes } from '../../model/object.ts';
import type { Body, CopySource, Stored } from '../../ports/object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { bodyInput, copyInput, creationInput } from './inputs.ts';
import { impossibleEtag } from './pinned-copies.ts';
import { storedObject } from './object-info.ts';
import { expectBucket } from './reading.ts';

/** @throws Fault */
export async function putObject(
  bucket: S3Bucket,
  key: string,
  body: Body,
  attributes: ObjectAttributes,
): Promise<Stored> {
  const input = { ...bucket.object(key), ...creationInput(bucket.side, attributes), ...bodyInput(body) };
  const answer = await bucket.call('PutObject', key, () => bucket.client.send(new PutObjectCommand(input)));
  return storedObject(answer.ETag, answer);
}

/** Returns without a fault if there is no such object. @throws Fault */
export async function deleteObject(bucket: S3Bucket, key: string): Promise<void> {
  const command = new DeleteObjectCommand(bucket.object(key));
  try {
    await bucket.call('DeleteObject', key, () => bucket.client.send(command));
  } catch (error) {
    if (!isFault(error, 'SourceGone')) throw error;
    await expectBucket(bucket, error);
  }
}

/**
 * Copies a whole object inside the store, pinned to the source's ETag.
 * @throws Fault; `NotSupported` if the store ignores what the copy is pinned to
 */
export async function copyObject(
  bucket: S3Bucket,
  source: CopySource,
  key: string,
  attributes: ObjectAttributes,
): Promise<Stored> {
  const input = {
    ...bucket.object(key),
    ...copyInput(source),
    MetadataDirective: 'REPLACE' as const,
    TaggingDirective: 'REPLACE' as const,
    // Annotations are not replicated, and copying them needs additional permissions.
    AnnotationDirective: 'EXCLUDE' as const,
    ...creationInput(bucket.side, attributes),
  };
  await expectPinnedObjects(bucket, source, key);
  const answer = await bucket.call('CopyObject', key, () => bucket.client.send(new CopyObjectCommand(input)));
  return storedObject(answer.CopyObjectResult?.ETag, answer);
}

/**
 * S3 itself (no `endpoint`) is not asked. The question is a copy with everything that the source has: if the store
 * makes it, the destination shows one whole version, and the caller then sends the wanted one.
 * @throws Fault `NotSupported` if the store ignores the version
 */
async function expectPinnedObjects(bucket: S3Bucket, source: CopySource, key: string): Promise<void> {
  if (bucket.side.endpoint === undefined) return;
  const probe = {
    ...bucket.object(key),
    ...copyInput(source),
    CopySourceIfMatch: impossibleEtag,
    MetadataDirective: 'COPY' as const,
    TaggingDirective: 'COPY' as const,
    ...creationInput(bucket.side, { headers: {}, metadata: {}, tags: {} }),
  };
  await bucket.pinnedObjects.expect(bucket.what('CopyObject', key), () =>
    bucket.call('CopyObject', key, () => bucket.client.send(new CopyObjectCommand(probe))),
  );
}
