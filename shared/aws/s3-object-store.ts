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
import { Fault, isFault } from '../model/faults.ts';
import type { ListedObject, ObjectAttributes, ObjectInfo, ChecksumAlgorithm } from '../model/object.ts';
import { maxParts } from '../model/limits.ts';
import type { PartRange, StoredPart } from '../model/part-plan.ts';
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
import { isOpaque, objectInfo, unquoted } from './object-info.ts';
import { bodyInput, copySourceHeader, creationInput, partChecksum } from './s3-inputs.ts';
import { quoteKey } from '../model/object.ts';

/** Milliseconds for which a bucket that was there is taken to be there still. */
const bucketFreshFor = 60_000;

/** S3: parts in one answer. */
const listedParts = 1000;

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
    let token: string | undefined;
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
        key: listedKey(object.Key, page.EncodingType),
        size: object.Size ?? 0,
        etag: unquoted(object.ETag),
        modified: object.LastModified?.getTime() ?? 0,
      }));
      const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      if (page.IsTruncated === true && (next === undefined || next === token)) {
        throw new Fault('Unavailable', `${this.#what('ListObjectsV2', undefined)}: the listing does not go on`);
      }
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
    return Object.fromEntries((answer.TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
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
    if (answer.UploadId === undefined || answer.UploadId === '') {
      throw new Fault('Unavailable', `${this.#what(operation, key)}: the answer names no upload ID`);
    }
    return { uploadId: answer.UploadId, opaqueEtag: isOpaque(answer) };
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

  async listParts(key: string, uploadId: string, range?: PartRange): Promise<StoredPart[]> {
    const parts: StoredPart[] = [];
    const [first, last] = range ?? [1, maxParts];
    let marker = first > 1 ? String(first - 1) : undefined;
    for (;;) {
      const input = {
        ...this.#common,
        Key: key,
        UploadId: uploadId,
        ...(range && { MaxParts: Math.min(last - first + 1, listedParts) }),
        ...(marker !== undefined && { PartNumberMarker: marker }),
      };
      const page = await this.#callUpload('ListParts', key, () => this.#client.send(new ListPartsCommand(input)));
      for (const part of page.Parts ?? []) {
        parts.push({
          number: part.PartNumber ?? 0,
          size: part.Size ?? 0,
          etag: unquoted(part.ETag),
          ...partChecksum(part, page.ChecksumAlgorithm as ChecksumAlgorithm | undefined),
        });
      }
      // Some stores take no marker, and tell of all.
      const wanted = parts.filter(({ number }) => first <= number && number <= last);
      if (page.IsTruncated !== true || (parts.at(-1)?.number ?? 0) >= last) return wanted;
      const next = page.NextPartNumberMarker;
      if (next === undefined || next === marker) {
        throw new Fault('Unavailable', `${this.#what('ListParts', key)}: the listing does not go on`);
      }
      marker = next;
    }
  }

  async *listUploads(prefix: string): AsyncGenerator<ListedUpload[]> {
    const operation = 'ListMultipartUploads';
    let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
    for (;;) {
      const input = { ...this.#common, Prefix: prefix, EncodingType: 'url' as const, ...marker };
      const page = await this.#call(operation, undefined, () =>
        this.#client.send(new ListMultipartUploadsCommand(input)),
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
        throw new Fault('Unavailable', `${this.#what(operation, undefined)}: the listing does not go on`);
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

/** A key as a listing has it: encoded where the store does as it was asked. */
function listedKey(key: string | undefined, encoding: string | undefined): string {
  return encoding === 'url' ? decodeURIComponent((key ?? '').replaceAll('+', ' ')) : (key ?? '');
}
