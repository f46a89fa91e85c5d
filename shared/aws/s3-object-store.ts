import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { Fault, isFault } from '../model/faults.ts';
import { keySchema } from '../model/job.ts';
import { maxEmptyPages, maxParts, maxUploadId } from '../model/limits.ts';
import type { ListedObject, ObjectAttributes, ObjectInfo, ChecksumAlgorithm } from '../model/object.ts';
import type { StoredPart } from '../model/part-plan.ts';
import type { DestinationSide, Side } from '../model/task.ts';
import type {
  Body,
  CopySource,
  CreatedUpload,
  ExpectedObject,
  GetOptions,
  HeadOptions,
  ListedUpload,
  ListOptions,
  ObjectStore,
  OpenObject,
  PartAddress,
  Stored,
} from '../ports/object-store.ts';
import { faultOf } from './faults.ts';
import { checkedEtag, checkedSize, isOpaque, objectInfo, unquoted } from './object-info.ts';
import { bodyInput, copySourceHeader, creationInput, partChecksum } from './s3-inputs.ts';
import { quoteKey } from '../model/object.ts';

/** Milliseconds for which a bucket that was there is taken to be there still. */
const bucketFreshFor = 60_000;

/** A bucket behind the S3 API. The side's settings (payer, owner, storage class, encryption) go with every call. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #side: Side | DestinationSide;
  #bucketSeenAt = -Infinity;

  constructor(client: S3Client, side: Side | DestinationSide) {
    this.#client = client;
    this.#side = side;
  }

  get bucket(): string {
    return this.#side.bucket;
  }

  /** What every call names. */
  get #common(): { Bucket: string; ExpectedBucketOwner?: string; RequestPayer?: 'requester' } {
    const { bucket, expectedBucketOwner, requestPayer } = this.#side;
    return {
      Bucket: bucket,
      ...(expectedBucketOwner !== undefined && { ExpectedBucketOwner: expectedBucketOwner }),
      ...(requestPayer && { RequestPayer: 'requester' }),
    };
  }

  async #call<Result>(operation: string, key: string | undefined, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      throw faultOf(error, this.#what(operation, key));
    }
  }

  /** A call that names an upload and no other object: some stores say "no such key" of an upload that is gone. */
  async #callUpload<Result>(operation: string, key: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#call(operation, key, call);
    } catch (error) {
      throw isFault(error, 'SourceGone') ? new Fault('UploadGone', error.message, { cause: error.cause }) : error;
    }
  }

  #what(operation: string, key: string | undefined): string {
    return `${operation} ${this.bucket}${key === undefined ? '' : `: ${quoteKey(key)}`}`;
  }

  async checkBucket(): Promise<void> {
    try {
      await this.#call('HeadBucket', undefined, () => this.#client.send(new HeadBucketCommand(this.#common)));
    } catch (error) {
      if (!isFault(error, 'SourceGone')) throw error;
      throw new Fault('BucketNotFound', `bucket "${this.bucket}" does not exist`, { cause: error });
    }
  }

  /**
   * The answer to HEAD has no body, so a missing bucket looks like a missing key, and every object of it like one that
   * was deleted: before that is believed, the bucket is asked for, once a minute at most.
   */
  async #expectBucket(): Promise<void> {
    if (Date.now() - this.#bucketSeenAt < bucketFreshFor) return;
    try {
      await this.checkBucket();
    } catch (error) {
      // Whoever may look at objects need not be allowed to look at the bucket.
      if (!isFault(error, 'AccessDenied', 'NotSupported')) throw error;
    }
    this.#bucketSeenAt = Date.now();
  }

  async *list({ prefix, after, pageSize }: ListOptions): AsyncGenerator<ListedObject[]> {
    const what = this.#what('ListObjectsV2', undefined);
    let token: string | undefined;
    let emptyPages = 0;
    do {
      const input = {
        ...this.#common,
        Prefix: prefix,
        EncodingType: 'url' as const,
        ...(pageSize !== undefined && { MaxKeys: pageSize }),
        ...(token !== undefined ? { ContinuationToken: token } : after !== undefined && { StartAfter: after }),
      };
      const page = await this.#call('ListObjectsV2', undefined, () =>
        this.#client.send(new ListObjectsV2Command(input)),
      );
      yield (page.Contents ?? []).map((object) => ({
        key: listedKey(object.Key, page.EncodingType, prefix, what),
        size: checkedSize(object.Size ?? 0, what),
        etag: checkedEtag(object.ETag, what),
        modified: object.LastModified?.getTime() ?? 0,
      }));
      const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      emptyPages = page.Contents?.length ? 0 : emptyPages + 1;
      const stands = next === undefined || next === token || emptyPages > maxEmptyPages;
      if (page.IsTruncated === true && stands) throw new Fault('Unavailable', `${what}: the listing does not go on`);
      token = next;
    } while (token !== undefined);
  }

  async head(key: string, options: HeadOptions = {}): Promise<ObjectInfo | undefined> {
    const { versionId, partNumber, checksum } = options;
    try {
      return await this.#call('HeadObject', key, async () => {
        const answer = await this.#client.send(
          new HeadObjectCommand({
            ...this.#common,
            Key: key,
            ...(versionId !== undefined && { VersionId: versionId }),
            ...(partNumber !== undefined && { PartNumber: partNumber }),
            ...(checksum === true && { ChecksumMode: 'ENABLED' }),
          }),
        );
        // Of a part, Content-Range would tell the whole object's size; the part's is asked for.
        const own = partNumber === undefined ? answer : { ...answer, ContentRange: undefined };
        return objectInfo(key, own, this.#what('HeadObject', key));
      });
    } catch (error) {
      if (!isFault(error, 'SourceGone')) throw error;
      await this.#expectBucket();
      return undefined;
    }
  }

  async get(key: string, { ifMatch, versionId, range }: GetOptions = {}): Promise<OpenObject | undefined> {
    try {
      return await this.#call('GetObject', key, async () => {
        const answer = await this.#client.send(
          new GetObjectCommand({
            ...this.#common,
            Key: key,
            ...(ifMatch !== undefined && { IfMatch: `"${ifMatch}"` }),
            ...(versionId !== undefined && { VersionId: versionId }),
            ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
          }),
        );
        const info = objectInfo(key, answer, this.#what('GetObject', key));
        // GET names the number of tags where there are some.
        return { info: { ...info, tagCount: info.tagCount ?? 0 }, body: answer.Body as Readable };
      });
    } catch (error) {
      if (isFault(error, 'SourceGone') && ifMatch === undefined) return undefined;
      throw error;
    }
  }

  async tags(key: string, { versionId }: { versionId?: string } = {}): Promise<Record<string, string>> {
    const input = { ...this.#common, Key: key, ...(versionId !== undefined && { VersionId: versionId }) };
    const answer = await this.#call('GetObjectTagging', key, () =>
      this.#client.send(new GetObjectTaggingCommand(input)),
    );
    const tags = (answer.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
    if (tags.flat().every((text) => text.isWellFormed())) return Object.fromEntries(tags);
    throw new Fault('Unavailable', `${this.#what('GetObjectTagging', key)}: the tags are no well-formed Unicode`);
  }

  async put(key: string, body: Body, attributes: ObjectAttributes): Promise<Stored> {
    const input = { ...this.#common, Key: key, ...creationInput(this.#side, attributes), ...bodyInput(body) };
    const answer = await this.#call('PutObject', key, () => this.#client.send(new PutObjectCommand(input)));
    return { etag: unquoted(answer.ETag), opaqueEtag: isOpaque(answer) };
  }

  async delete(key: string): Promise<void> {
    await this.#call('DeleteObject', key, () =>
      this.#client.send(new DeleteObjectCommand({ ...this.#common, Key: key })),
    );
  }

  async copy(source: CopySource, key: string, attributes: ObjectAttributes): Promise<Stored> {
    const input = {
      ...this.#common,
      Key: key,
      CopySource: copySourceHeader(source),
      CopySourceIfMatch: `"${source.etag}"`,
      MetadataDirective: 'REPLACE' as const,
      TaggingDirective: 'REPLACE' as const,
      // Annotations are no part of what is replicated, and copying them needs permissions of its own.
      AnnotationDirective: 'EXCLUDE' as const,
      ...creationInput(this.#side, attributes),
    };
    const answer = await this.#call('CopyObject', key, () => this.#client.send(new CopyObjectCommand(input)));
    return { etag: unquoted(answer.CopyObjectResult?.ETag), opaqueEtag: isOpaque(answer) };
  }

  async createUpload(key: string, attributes: ObjectAttributes, checksum?: ChecksumAlgorithm): Promise<CreatedUpload> {
    const input = {
      ...this.#common,
      Key: key,
      ...creationInput(this.#side, attributes),
      ...(checksum && { ChecksumAlgorithm: checksum, ChecksumType: 'FULL_OBJECT' as const }),
    };
    const operation = 'CreateMultipartUpload';
    const answer = await this.#call(operation, key, () => this.#client.send(new CreateMultipartUploadCommand(input)));
    const { UploadId: uploadId = '' } = answer;
    if (!/^[\x21-\x7e]+$/.test(uploadId) || uploadId.length > maxUploadId) {
      throw new Fault('Unavailable', `${this.#what(operation, key)}: the answer names no upload ID`);
    }
    return { uploadId, opaqueEtag: isOpaque(answer) };
  }

  async uploadPart(part: PartAddress, body: Body): Promise<StoredPart> {
    const { key, uploadId, number, checksum } = part;
    const input = {
      ...this.#common,
      Key: key,
      UploadId: uploadId,
      PartNumber: number,
      ...bodyInput(body),
      // The checksum of a stream follows it in a trailer.
      ...(checksum && !body.checksum && { ChecksumAlgorithm: checksum }),
    };
    const answer = await this.#callUpload('UploadPart', key, () => this.#client.send(new UploadPartCommand(input)));
    return { number, size: body.size, etag: unquoted(answer.ETag), ...partChecksum(answer, checksum) };
  }

  async copyPart(part: PartAddress, source: CopySource, start: number, end: number): Promise<StoredPart> {
    const { key, uploadId, number, checksum } = part;
    const input = {
      ...this.#common,
      Key: key,
      UploadId: uploadId,
      PartNumber: number,
      CopySource: copySourceHeader(source),
      CopySourceIfMatch: `"${source.etag}"`,
      CopySourceRange: `bytes=${start}-${end - 1}`,
    };
    const answer = await this.#call('UploadPartCopy', key, () => this.#client.send(new UploadPartCopyCommand(input)));
    const result = answer.CopyPartResult ?? {};
    return { number, size: end - start, etag: unquoted(result.ETag), ...partChecksum(result, checksum) };
  }

  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const what = this.#what('ListParts', key);
    const parts: StoredPart[] = [];
    let marker: string | undefined;
    for (;;) {
      const input = {
        ...this.#common,
        Key: key,
        UploadId: uploadId,
        ...(marker !== undefined && { PartNumberMarker: marker }),
      };
      const page = await this.#callUpload('ListParts', key, () => this.#client.send(new ListPartsCommand(input)));
      for (const part of page.Parts ?? []) {
        parts.push({
          number: part.PartNumber ?? 0,
          size: checkedSize(part.Size ?? 0, what),
          etag: checkedEtag(part.ETag, what),
          ...partChecksum(part, page.ChecksumAlgorithm as ChecksumAlgorithm | undefined),
        });
      }
      // Parts are told by number, and there are 10,000 numbers: a listing that goes on by them comes to its end.
      if (parts.length > maxParts) throw new Fault('Unavailable', `${what}: more than ${maxParts} parts are listed`);
      if (page.IsTruncated !== true) return parts;
      const next = page.NextPartNumberMarker;
      if (!(Number(next) > Number(marker ?? 0) && Number(next) <= maxParts)) {
        throw new Fault('Unavailable', `${what}: the listing does not go on`);
      }
      marker = next;
    }
  }

  async *listUploads(prefix: string): AsyncGenerator<ListedUpload[]> {
    const operation = 'ListMultipartUploads';
    const what = this.#what(operation, undefined);
    let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
    for (;;) {
      const input = { ...this.#common, Prefix: prefix, EncodingType: 'url' as const, ...marker };
      const page = await this.#call(operation, undefined, () =>
        this.#client.send(new ListMultipartUploadsCommand(input)),
      );
      yield (page.Uploads ?? []).map((upload) => ({
        key: listedKey(upload.Key, page.EncodingType, prefix, what),
        uploadId: upload.UploadId ?? '',
        initiated: upload.Initiated?.getTime() ?? 0,
      }));
      if (page.IsTruncated !== true) return;
      const { NextKeyMarker, NextUploadIdMarker = '' } = page;
      const next = {
        KeyMarker: decodedKey(NextKeyMarker, page.EncodingType, what),
        UploadIdMarker: NextUploadIdMarker,
      };
      if (next.KeyMarker === '' || JSON.stringify(next) === JSON.stringify(marker)) {
        throw new Fault('Unavailable', `${what}: the listing does not go on`);
      }
      marker = next;
    }
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    expected: ExpectedObject,
  ): Promise<Stored> {
    const { algorithm, checksum, size } = expected;
    const input = {
      ...this.#common,
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
    const answer = await this.#callUpload(operation, key, () => this.#client.send(command)).catch((error: unknown) => {
      // A size or a kind of checksum that is not what was announced.
      const mismatch = isFault(error) && error.cause instanceof Error && error.cause.name === 'InvalidRequest';
      throw mismatch ? new Fault('VerificationFailed', error.message, { cause: error }) : error;
    });
    return { etag: unquoted(answer.ETag), opaqueEtag: isOpaque(answer) };
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    const input = { ...this.#common, Key: key, UploadId: uploadId };
    try {
      await this.#callUpload('AbortMultipartUpload', key, () =>
        this.#client.send(new AbortMultipartUploadCommand(input)),
      );
    } catch (error) {
      if (!isFault(error, 'UploadGone')) throw error;
    }
  }
}

/**
 * A key of a listing.
 * @throws Fault `Unavailable` where it is none, or not one of those that were asked for: what a listing names is what
 *   is copied, deleted and aborted
 */
function listedKey(listed: string | undefined, encoding: string | undefined, prefix: string, what: string): string {
  const key = decodedKey(listed, encoding, what);
  if (!v.is(keySchema, key)) throw new Fault('Unavailable', `${what}: ${quoteKey(key)} is listed, which is no key`);
  if (key.startsWith(prefix)) return key;
  throw new Fault('Unavailable', `${what}: asked to list keys with prefix ${quoteKey(prefix)}, got ${quoteKey(key)}`);
}

/** A key as a listing has it: encoded where the store does as it was asked. */
function decodedKey(key = '', encoding: string | undefined, what: string): string {
  if (encoding !== 'url') return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new Fault('Unavailable', `${what}: ${quoteKey(key)} is listed, which is not URL-encoded UTF-8`);
  }
}
