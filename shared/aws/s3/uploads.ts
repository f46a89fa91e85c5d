import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompleteMultipartUploadCommandOutput,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { Fault, isFault } from '../../model/faults.ts';
import { maxUploadIdLength } from '../../model/limits.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../../model/object.ts';
import type { StoredPart } from '../../model/part-plan.ts';
import type { Body, CopySource, CreatedUpload, ExpectedObject, PartAddress, Stored } from '../../ports/object-store.ts';
import type { S3Bucket, UploadName } from './bucket.ts';
import { bodyInput, copyInput, creationInput, partChecksum, quotedEtag } from './inputs.ts';
import { hasOpaqueEtag, storedObject } from './object-info.ts';
import { impossibleEtag } from './pinned-copies.ts';
import { asConflict, asFailedVerification, bareEtag, storeCode } from './quirks.ts';
import type { ObjectKey } from '../../model/object-key.ts';

/** @throws Fault; `Unavailable` if the answer does not contain an upload ID */
export async function createUpload(
  bucket: S3Bucket,
  key: ObjectKey,
  attributes: ObjectAttributes,
  checksum?: ChecksumAlgorithm,
): Promise<CreatedUpload> {
  const input = {
    ...bucket.object(key),
    ...creationInput(bucket.side, attributes),
    ...(checksum && { ChecksumAlgorithm: checksum, ChecksumType: 'FULL_OBJECT' as const }),
  };
  const operation = 'CreateMultipartUpload';
  const answer = await bucket.call(operation, key, () => bucket.client.send(new CreateMultipartUploadCommand(input)));
  const { UploadId: uploadId = '' } = answer;
  if (!/^[\x21-\x7e]+$/.test(uploadId) || uploadId.length > maxUploadIdLength) {
    throw new Fault('Unavailable', `${bucket.what(operation, key)}: the answer names no upload ID`);
  }
  return { uploadId, opaqueEtag: hasOpaqueEtag(answer) };
}

/** @throws Fault; `UploadGone` if the upload does not exist */
export async function uploadPart(bucket: S3Bucket, part: PartAddress, body: Body): Promise<StoredPart> {
  const { key, number, checksum } = part;
  const input = {
    ...bucket.upload(part),
    PartNumber: number,
    ...bodyInput(body),
    // The checksum of a stream follows it in a trailer.
    ...(checksum && !body.checksum && { ChecksumAlgorithm: checksum }),
  };
  const answer = await bucket.callUpload('UploadPart', key, () => bucket.client.send(new UploadPartCommand(input)));
  return { number, size: body.size, etag: bareEtag(answer.ETag), ...partChecksum(answer, checksum) };
}

/**
 * Copies bytes [start, end) of the source as a part, pinned to the source's ETag.
 * @throws Fault; `NotSupported` if the store ignores what the copy is pinned to
 */
export async function copyPart(
  bucket: S3Bucket,
  part: PartAddress,
  source: CopySource,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<StoredPart> {
  const { key, number, checksum } = part;
  const input = {
    ...bucket.upload(part),
    PartNumber: number,
    ...copyInput(source),
    CopySourceRange: `bytes=${start}-${end - 1}`,
  };
  await expectPinnedParts(bucket, input, end - start);
  const answer = await bucket.call('UploadPartCopy', key, () => bucket.client.send(new UploadPartCopyCommand(input)));
  const result = answer.CopyPartResult ?? {};
  return { number, size: end - start, etag: bareEtag(result.ETag), ...partChecksum(result, checksum) };
}

/**
 * A store that is known to compare it (S3) is not asked. The question is one byte of the wanted part: if the store
 * copies it, ListParts shows a part of the wrong size, which no caller takes for the planned one.
 * @param bytes the part's size
 * @throws Fault `NotSupported` if the store ignores the version, or cannot be asked about a part of one byte
 */
async function expectPinnedParts(bucket: S3Bucket, input: UploadPartCopyCommandInput, bytes: number): Promise<void> {
  if (bucket.known.traits.partCopies.is === 'yes') return;
  const key = input.Key ?? '';
  const what = bucket.what('UploadPartCopy', key);
  if (bytes === 1 && !bucket.pinnedParts.isAsked) {
    throw new Fault('NotSupported', `${what}: a part of one byte cannot show whether the store compares the version`);
  }
  const probe = { ...input, CopySourceIfMatch: impossibleEtag, CopySourceRange: 'bytes=0-0' };
  await bucket.pinnedParts.expect(what, () =>
    bucket.callUpload('UploadPartCopy', key, () => bucket.client.send(new UploadPartCopyCommand(probe))),
  );
}

/**
 * @throws Fault; `UploadGone` if the upload does not exist or has to be begun again, `VerificationFailed` if the object
 *   is not as expected, `DestinationConflict` if something else is there than what it replaces
 */
export async function completeUpload(
  bucket: S3Bucket,
  upload: UploadName,
  parts: readonly StoredPart[],
  { algorithm, checksum, size, replaces }: ExpectedObject,
): Promise<Stored> {
  const input = {
    ...bucket.upload(upload),
    ...bucket.condition('complete', replaces),
    ...(algorithm && { ChecksumType: 'FULL_OBJECT' as const }),
    ...(algorithm && checksum !== undefined && { [`Checksum${algorithm}`]: checksum }),
    MultipartUpload: {
      Parts: parts.map((part) => ({
        PartNumber: part.number,
        ETag: quotedEtag(part.etag),
        ...(algorithm && part.checksum !== undefined && { [`Checksum${algorithm}`]: part.checksum }),
      })),
    },
  };
  const complete = (more: { MpuObjectSize?: number }): Promise<CompleteMultipartUploadCommandOutput> => {
    const command = new CompleteMultipartUploadCommand({ ...input, ...more });
    return bucket.callUpload('CompleteMultipartUpload', upload.key, () => bucket.client.send(command));
  };
  const answer = await complete(bucket.completesWithoutSize ? {} : { MpuObjectSize: size })
    .catch(async (error: unknown) => {
      // The caller looks at the size afterwards in any case.
      if (!isFault(error, 'NotSupported') || bucket.completesWithoutSize) throw error;
      const withoutSize = await complete({});
      bucket.completesWithoutSize = true;
      return withoutSize;
    })
    .catch((error: unknown) => {
      // Without a condition on an ETag, "no such key" is about the upload.
      const known = asFailedVerification(input.IfMatch === undefined ? error : asConflict(error));
      throw asUploadToBeginAgain(known);
    });
  return storedObject(answer.ETag, answer);
}

/** Returns without a fault if the upload is gone already. @throws Fault */
export async function abortUpload(bucket: S3Bucket, upload: UploadName): Promise<void> {
  const command = new AbortMultipartUploadCommand(bucket.upload(upload));
  try {
    await bucket.callUpload('AbortMultipartUpload', upload.key, () => bucket.client.send(command));
  } catch (error) {
    if (!isFault(error, 'UploadGone')) throw error;
  }
}

/**
 * After "conditional request conflict", an upload has to be begun again, with all of its parts (S3 API Reference,
 * CompleteMultipartUpload, "If-Match").
 */
function asUploadToBeginAgain(error: unknown): unknown {
  const conflicted = isFault(error, 'DestinationConflict') && storeCode(error) === 'ConditionalRequestConflict';
  return conflicted ? new Fault('UploadGone', error.message, { cause: error.cause }) : error;
}
