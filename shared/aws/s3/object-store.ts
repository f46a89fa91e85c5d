import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectAttributes, ObjectInfo, ChecksumAlgorithm } from '../../model/object.ts';
import { isS3Itself } from '../../model/config/s3-itself.ts';
import { copiedPartBytes, maxCopiedObjectBytes, minPartBytes } from '../../model/limits.ts';
import type { ListedPart, PartRange, StoredPart } from '../../model/part-plan.ts';
import type { DestinationSide } from '../../model/config/task.ts';
import type {
  Body,
  CopySizes,
  CopySource,
  CreatedUpload,
  ExpectedObject,
  FirstPage,
  GetOptions,
  HeadOptions,
  ListedPage,
  ListedUpload,
  ListOptions,
  ObjectStore,
  OpenObject,
  PartAddress,
  Replaces,
  Stored,
} from '../../ports/object-store.ts';
import type { OnLearned } from '../../model/stores/learned.ts';
import { S3Bucket, type Compares } from './bucket.ts';
import { listFirstPage, listObjects } from './list-objects.ts';
import * as listing from './listing.ts';
import * as reading from './reading.ts';
import * as uploads from './uploads.ts';
import * as writing from './writing.ts';
import type { ObjectKey } from '../../model/object-key.ts';

/**
 * A bucket behind the S3 API: the adapter of the port ObjectStore. Each method delegates to the module of its kind
 * (listing, reading, writing, uploads), which fulfils the port's obligations. A request is put together from the fields
 * of the bucket (bucket.ts) and of the call (inputs.ts), and its answer is checked and translated into the core's terms
 * (object-info.ts). Where stores differ from each other is gathered in quirks.ts. The clients are made in client.ts,
 * and stores.ts keeps one store per side of a task.
 */
export class S3ObjectStore implements ObjectStore {
  readonly minPartBytes = minPartBytes;
  readonly #bucket: S3Bucket;

  /**
   * @param compares by default, what is known of the store (shared/model/stores/)
   * @param onLearned called when answers show something that is not known of the store
   */
  constructor(client: S3Client, side: DestinationSide, compares?: Compares, onLearned?: OnLearned) {
    this.#bucket = new S3Bucket(client, side, compares, onLearned);
  }

  get copySizes(): CopySizes {
    const isS3 = isS3Itself(this.#bucket.side);
    return isS3 ? { object: maxCopiedObjectBytes, part: copiedPartBytes } : { object: 0, part: 0 };
  }

  get conditionalWrites(): boolean {
    return this.#bucket.conditionalWrites;
  }

  get bucket(): string {
    return this.#bucket.side.bucket;
  }

  checkBucket(): Promise<void> {
    return this.#bucket.check();
  }

  list(options: ListOptions): AsyncGenerator<ListedPage> {
    return listObjects(this.#bucket, options);
  }

  firstPage(options: ListOptions): Promise<FirstPage> {
    return listFirstPage(this.#bucket, options);
  }

  head(key: ObjectKey, options?: HeadOptions): Promise<ObjectInfo | undefined> {
    return reading.headObject(this.#bucket, key, options);
  }

  get(key: ObjectKey, options?: GetOptions): Promise<OpenObject | undefined> {
    return reading.getObject(this.#bucket, key, options);
  }

  tags(key: ObjectKey, options?: { versionId?: string }): Promise<Record<string, string>> {
    return reading.objectTags(this.#bucket, key, options);
  }

  put(key: ObjectKey, body: Body, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored> {
    return writing.putObject(this.#bucket, key, body, { attributes, replaces });
  }

  delete(key: ObjectKey, replaces?: Replaces): Promise<void> {
    return writing.deleteObject(this.#bucket, key, replaces);
  }

  copy(source: CopySource, key: ObjectKey, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored> {
    return writing.copyObject(this.#bucket, source, key, { attributes, replaces });
  }

  createUpload(key: ObjectKey, attributes: ObjectAttributes, checksum?: ChecksumAlgorithm): Promise<CreatedUpload> {
    return uploads.createUpload(this.#bucket, key, attributes, checksum);
  }

  uploadPart(part: PartAddress, body: Body): Promise<StoredPart> {
    return uploads.uploadPart(this.#bucket, part, body);
  }

  copyPart(part: PartAddress, source: CopySource, start: number, end: number): Promise<StoredPart> {
    return uploads.copyPart(this.#bucket, part, source, { start, end });
  }

  listParts(key: ObjectKey, uploadId: string, within?: PartRange): Promise<ListedPart[]> {
    return listing.listParts(this.#bucket, { key, uploadId }, within);
  }

  listUploads(prefix: string): AsyncGenerator<readonly ListedUpload[]> {
    return listing.listUploads(this.#bucket, prefix);
  }

  completeUpload(
    key: ObjectKey,
    uploadId: string,
    parts: readonly StoredPart[],
    expected: ExpectedObject,
  ): Promise<Stored> {
    return uploads.completeUpload(this.#bucket, { key, uploadId }, parts, expected);
  }

  abortUpload(key: ObjectKey, uploadId: string): Promise<void> {
    return uploads.abortUpload(this.#bucket, { key, uploadId });
  }
}
