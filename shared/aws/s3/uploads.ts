import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Fault, isFault } from '../../model/faults.ts';
import { maxUploadIdLength } from '../../model/limits.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../../model/object.ts';
import type { StoredPart } from '../../model/part-plan.ts';
import type { Body, CopySource, CreatedUpload, ExpectedObject, PartAddress, Stored } from '../../ports/object-store.ts';
import { isOpaque, unquoted } from './object-info.ts';
import type { S3Bucket } from './bucket.ts';
import { bodyInput, copySourceHeader, creationInput, partChecksum } from './inputs.ts';

export async function createUpload(
  bucket: S3Bucket,
  key: string,
  attributes: ObjectAttributes,
  checksum?: ChecksumAlgorithm,
): Promise<CreatedUpload> {
  const input = {
    ...bucket.common,
    Key: key,
    ...creationInput(bucket.side, attributes),
    ...(checksum && { ChecksumAlgorithm: checksum, ChecksumType: 'FULL_OBJECT' as const }),
  };
  const operation = 'CreateMultipartUpload';
  const answer = await bucket.call(operation, key, () => bucket.client.send(new CreateMultipartUploadCommand(input)));
  const { UploadId: uploadId = '' } = answer;
  if (!/^[\x21-\x7e]+$/.test(uploadId) || uploadId.length > maxUploadIdLength) {
    throw new Fault('Unavailable', `${bucket.what(operation, key)}: the answer names no upload ID`);
  }
  return { uploadId, opaqueEtag: isOpaque(answer) };
}

export async function uploadPart(bucket: S3Bucket, part: PartAddress, body: Body): Promise<StoredPart> {
  const { key, uploadId, number, checksum } = part;
  const input = {
    ...bucket.common,
    Key: key,
    UploadId: uploadId,
    PartNumber: number,
    ...bodyInput(body),
    // The checksum of a stream follows it in a trailer.
    ...(checksum && !body.checksum && { ChecksumAlgorithm: checksum }),
  };
  const answer = await bucket.callUpload('UploadPart', key, () => bucket.client.send(new UploadPartCommand(input)));
  return { number, size: body.size, etag: unquoted(answer.ETag), ...partChecksum(answer, checksum) };
}

export async function copyPart(
  bucket: S3Bucket,
  part: PartAddress,
  source: CopySource,
  start: number,
  end: number,
): Promise<StoredPart> {
  const { key, uploadId, number, checksum } = part;
  const input = {
    ...bucket.common,
    Key: key,
    UploadId: uploadId,
    PartNumber: number,
    CopySource: copySourceHeader(source),
    CopySourceIfMatch: `"${source.etag}"`,
    CopySourceRange: `bytes=${start}-${end - 1}`,
  };
  const answer = await bucket.call('UploadPartCopy', key, () => bucket.client.send(new UploadPartCopyCommand(input)));
  const result = answer.CopyPartResult ?? {};
  return { number, size: end - start, etag: unquoted(result.ETag), ...partChecksum(result, checksum) };
}

export async function completeUpload(
  bucket: S3Bucket,
  key: string,
  uploadId: string,
  parts: readonly StoredPart[],
  expected: ExpectedObject,
): Promise<Stored> {
  const { algorithm, checksum, size } = expected;
  const input = {
    ...bucket.common,
    Key: key,
    UploadId: uploadId,
    MpuObjectSize: size,
    ...(algorithm && { ChecksumType: 'FULL_OBJECT' as const }),
    ...(algorithm && checksum !== undefined && { [`Checksum${algorithm}`]: checksum }),
    MultipartUpload: {
      Parts: parts.map((part) => ({
        PartNumber: part.number,
        ETag: `"${part.etag}"`,
        ...(algorithm && part.checksum !== undefined && { [`Checksum${algorithm}`]: part.checksum }),
      })),
    },
  };
  const operation = 'CompleteMultipartUpload';
  const command = new CompleteMultipartUploadCommand(input);
  const answer = await bucket
    .callUpload(operation, key, () => bucket.client.send(command))
    .catch((error: unknown) => {
      // A size or a kind of checksum that is not what was announced.
      const mismatch = isFault(error) && error.cause instanceof Error && error.cause.name === 'InvalidRequest';
      throw mismatch ? new Fault('VerificationFailed', error.message, { cause: error }) : error;
    });
  return { etag: unquoted(answer.ETag), opaqueEtag: isOpaque(answer) };
}

export async function abortUpload(bucket: S3Bucket, key: string, uploadId: string): Promise<void> {
  const input = { ...bucket.common, Key: key, UploadId: uploadId };
  try {
    await bucket.callUpload('AbortMultipartUpload', key, () =>
      bucket.client.send(new AbortMultipartUploadCommand(input)),
    );
  } catch (error) {
    if (!isFault(error, 'UploadGone')) throw error;
  }
}
