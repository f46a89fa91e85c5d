import type { Readable } from 'node:stream';
import type {
  ChecksumAlgorithm,
  EtagForm,
  ListedObject,
  ObjectAttributes,
  ObjectChecksum,
  ObjectInfo,
} from '../model/object.ts';
import type { ListedPart, PartRange, StoredPart } from '../model/part-plan.ts';

/**
 * One bucket of one store, seen with one set of credentials. Keys are the bucket's own, byte for byte.
 *
 * Obligations of every implementation:
 * - only a real "no such key" is `undefined`; every other failure is a Fault (shared/model/faults.ts) that names the
 *   bucket and the key;
 * - a read that is pinned (`ifMatch`) fails with `SourceChanged` when the object is another version by now, and with
 *   `SourceGone` when it is no longer there;
 * - a write is atomic: the object shows the old bytes or the new, whole;
 * - wire faults of calls whose body is buffered are retried inside, with backoff; streamed bodies are not.
 */
export interface ObjectStore {
  /** the bucket's name, for messages */
  readonly bucket: string;
  /** Bytes of the smallest part that the store takes, unless it is an upload's last. */
  readonly minPartBytes: number;

  /** @throws Fault `BucketNotFound` or `AccessDenied` */
  checkBucket(): Promise<void>;

  /** Keys k with `prefix` and after < k, in the store's order, a page at a time. Pages may be empty. */
  list(options: ListOptions): AsyncIterable<readonly ListedObject[]>;

  /** What the object is; undefined where there is none. With `partNumber`, `size` is that part's. */
  head(key: string, options?: HeadOptions): Promise<ObjectInfo | undefined>;

  /**
   * Opens the object's bytes, all or [start, end). The body must be read to its end or destroyed.
   * @returns undefined where there is no such object and nothing was pinned
   */
  get(key: string, options?: GetOptions): Promise<OpenObject | undefined>;

  /** The object's tags; empty where the store has no tags. */
  tags(key: string, options?: { versionId?: string }): Promise<Record<string, string>>;

  /** Writes a whole object. @returns what the store says it stored */
  put(key: string, body: Body, attributes: ObjectAttributes): Promise<Stored>;

  /** Deletes the object; no fault where there is none. */
  delete(key: string): Promise<void>;

  /**
   * Copies a whole object inside the store, pinned to `source.etag`.
   * @throws Fault `NotSupported` or `AccessDenied` where the store or the credentials cannot; the caller relays then
   */
  copy(source: CopySource, key: string, attributes: ObjectAttributes): Promise<Stored>;

  createUpload(key: string, attributes: ObjectAttributes, checksum?: ChecksumAlgorithm): Promise<CreatedUpload>;

  uploadPart(part: PartAddress, body: Body): Promise<StoredPart>;

  /** Copies [start, end) of the source as a part inside the store, pinned to `source.etag`. */
  copyPart(part: PartAddress, source: CopySource, start: number, end: number): Promise<StoredPart>;

  /**
   * The parts the upload has, by number: every one, or those whose numbers lie in a range.
   * @throws Fault `UploadGone`
   */
  listParts(key: string, uploadId: string, within?: PartRange): Promise<ListedPart[]>;

  /**
   * Makes the object of the parts. The store checks the size, and the whole object's checksum where one is given.
   * @throws Fault `UploadGone` where the upload is unknown (it may be complete: look at the object),
   *   `VerificationFailed` where the store refuses the checksum or the size
   */
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    expected: ExpectedObject,
  ): Promise<Stored>;

  /** Every open upload whose key has `prefix`, whoever began it, by key, a page at a time. Pages may be empty. */
  listUploads(prefix: string): AsyncIterable<readonly ListedUpload[]>;

  /** No fault where the upload is gone already. */
  abortUpload(key: string, uploadId: string): Promise<void>;
}

export interface ListOptions {
  readonly prefix: string;
  /** only keys after this one, exclusive; the whole key, prefix included */
  readonly after?: string;
  /** keys a page at most (S3: 1,000) */
  readonly pageSize?: number;
}

export interface HeadOptions {
  readonly versionId?: string;
  readonly partNumber?: number;
  /** ask for the stored checksum too (needs kms:Decrypt on encrypted objects) */
  readonly checksum?: boolean;
}

export interface GetOptions {
  /** pins the read: an ETag, without quotes */
  readonly ifMatch?: string;
  readonly versionId?: string;
  /** bytes [start, end) */
  readonly range?: { readonly start: number; readonly end: number };
}

export interface OpenObject {
  /** `size` is the whole object's, also for a range */
  readonly info: ObjectInfo;
  readonly body: Readable;
}

/**
 * What is sent: bytes in memory, or a stream of exactly `size` bytes. `md5` and `checksum` are sent along where they
 * are known, so that the store refuses what was damaged on the way.
 */
export interface Body {
  readonly data: Uint8Array | Readable;
  /** bytes */
  readonly size: number;
  /** base64 */
  readonly md5?: string;
  readonly checksum?: ObjectChecksum;
}

/** What a store answers to a write. */
export interface Stored extends EtagForm {
  /** empty where the store does not say (Ceph's Complete) */
  readonly etag: string;
}

/** `opaqueEtag` is about the ETags that its parts will have. */
export interface CreatedUpload extends EtagForm {
  readonly uploadId: string;
}

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly versionId?: string;
}

export interface ListedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** milliseconds since the epoch */
  readonly initiated: number;
}

export interface PartAddress {
  readonly key: string;
  readonly uploadId: string;
  readonly number: number;
  /** the algorithm the upload was created with */
  readonly checksum?: ChecksumAlgorithm;
}

export interface ExpectedObject {
  /** bytes */
  readonly size: number;
  /** the algorithm the upload was created with */
  readonly algorithm?: ChecksumAlgorithm;
  /** full-object checksum of that algorithm, base64 */
  readonly checksum?: string;
}
