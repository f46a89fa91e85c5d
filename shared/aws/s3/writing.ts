import { CopyObjectCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isFault } from '../../model/faults.ts';
import type { ObjectAttributes } from '../../model/object.ts';
import type { Body, CopySource, Replaces, Stored } from '../../ports/object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { bodyInput, copiedAttributes, copyInput, creationInput, type ConditionInput } from './inputs.ts';
import { impossibleEtag } from './pinned-copies.ts';
import { storedObject } from './object-info.ts';
import { asConflict } from './quirks.ts';
import { expectBucket } from './reading.ts';
import type { ObjectKey } from '../../model/object-key.ts';

/** What becomes of the key: the new object's attributes, and what it replaces. */
interface Creation {
  readonly attributes: ObjectAttributes;
  readonly replaces: Replaces | undefined;
}

/** @throws Fault; `DestinationConflict` if something else is there than what it replaces */
export async function putObject(
  bucket: S3Bucket,
  key: ObjectKey,
  body: Body,
  { attributes, replaces }: Creation,
): Promise<Stored> {
  const input = {
    ...bucket.object(key),
    ...creationInput(bucket.side, attributes),
    ...bodyInput(body),
    ...bucket.condition('put', replaces),
  };
  try {
    const answer = await bucket.call('PutObject', key, () => bucket.client.send(new PutObjectCommand(input)));
    return storedObject(answer.ETag, answer);
  } catch (error) {
    throw asConflict(error);
  }
}

/**
 * Returns without a fault if there is no such object.
 * @throws Fault; `DestinationConflict` if something else is there than what it replaces
 */
export async function deleteObject(bucket: S3Bucket, key: ObjectKey, replaces: Replaces | undefined): Promise<void> {
  const command = new DeleteObjectCommand({ ...bucket.object(key), ...bucket.condition('delete', replaces) });
  try {
    await bucket.call('DeleteObject', key, () => bucket.client.send(command));
  } catch (error) {
    if (!isFault(error, 'SourceGone')) throw asConflict(error);
    await expectBucket(bucket, error);
  }
}

/**
 * Copies a whole object inside the store, pinned to the source's ETag. Its status does not say whether it is the source
 * or the destination that is not as expected: that is `SourceChanged` or `SourceGone`.
 * @throws Fault; `NotSupported` if the store ignores what the copy is pinned to
 */
export async function copyObject(
  bucket: S3Bucket,
  source: CopySource,
  key: ObjectKey,
  { attributes, replaces }: Creation,
): Promise<Stored> {
  const input = {
    ...bucket.object(key),
    ...copyInput(source),
    // Annotations are not replicated, and copying them needs additional permissions.
    AnnotationDirective: 'EXCLUDE' as const,
    ...copiedAttributes(bucket.side, source, attributes),
  };
  await expectPinnedObjects(bucket, source, key);
  const copy = async (condition: ConditionInput): Promise<Stored> => {
    const command = new CopyObjectCommand({ ...input, ...condition });
    const answer = await bucket.call('CopyObject', key, () => bucket.client.send(command));
    return storedObject(answer.CopyObjectResult?.ETag, answer);
  };
  if (bucket.copiesUnconditionally) return copy({});
  try {
    return await copy(bucket.condition('copy', replaces));
  } catch (error) {
    // The S3 API Reference has conditions of CopyObject; the User Guide ("Enforce conditional writes") says that they
    // are answered with "not implemented".
    if (replaces === undefined || !isFault(error, 'NotSupported')) throw error;
    bucket.copiesUnconditionally = true;
    return copy({});
  }
}

/**
 * A store that is known to compare it (S3) is not asked. The question is a copy with everything that the source has: if
 * the store makes it, the destination shows one whole version, and the caller then sends the wanted one.
 * @throws Fault `NotSupported` if the store ignores the version
 */
async function expectPinnedObjects(bucket: S3Bucket, source: CopySource, key: ObjectKey): Promise<void> {
  if (bucket.known.traits.copies.is === 'yes') return;
  const probe = {
    ...bucket.object(key),
    ...copyInput(source),
    CopySourceIfMatch: impossibleEtag,
    ...copiedAttributes(bucket.side, { ...source, whole: true }, { headers: {}, metadata: {}, tags: {} }),
  };
  await bucket.pinnedObjects.expect(bucket.what('CopyObject', key), () =>
    bucket.call('CopyObject', key, () => bucket.client.send(new CopyObjectCommand(probe))),
  );
}
