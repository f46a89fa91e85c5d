import type { Readable } from 'node:stream';
import type {
  ChecksumAlgorithm,
  EtagForm,
  ListedObject,
  ObjectAttributes,
  ObjectChecksum,
  ObjectInfo,
} from '../model/object.ts';
import type { ObjectKey } from '../model/object-key.ts';
import type { ListedPart, PartRange, StoredPart } from '../model/part-plan.ts';

/**
 * This folder declares what the core needs from outside, one file per port, in plain data. shared/aws implements the
 * ports with AWS's services, memory/ implements them for tests, and one contract suite (test/contract) holds both to
 * the obligations written here.
 */

/**
 * One bucket of one store, accessed with one set of credentials. Keys are the bucket's own, byte for byte;
 * what is not a key is no {@link ObjectKey}, because a call without one would be about the bucket.
 *
 * Obligations of every implementation:
 * - only a real "no such key" is `undefined`; every other failure is a Fault (shared/model/faults.ts) that names the
 *   bucket and the key;
 * - a pinned read (`ifMatch`) fails with `SourceChanged` if the object is now another version, and with `SourceGone` if
 *   it no longer exists;
 * - a write is atomic: readers see either all the old bytes or all the new ones;
 * - a write or a deletion that names what it replaces fails with `DestinationConflict`, and changes nothing, if
 *   something else is under the key; a store without `conditionalWrites` makes it nevertheless;
 * - calls with a buffered body are retried inside after wire faults, with backoff; calls with a streamed body are not.
 */
export interface ObjectStore {
  /** the bucket's name, for messages */
  readonly bucket: string;
  /** Bytes of the smallest part that the store accepts, except as an upload's last. */
  readonly minPartBytes: number;
  /**
   * What the store copies inside itself in one request, in bytes: objects up to `object`, whatever is large for the
   * task, and parts of `part`, if the task's are smaller.
   */
  readonly copySizes: CopySizes;
  /** Does the store compare what a write or a deletion says that it replaces? */
  readonly conditionalWrites: boolean;

  /** @throws Fault `BucketNotFound` or `AccessDenied` */
  checkBucket(): Promise<void>;

  /**
   * Keys k with `prefix` and after < k, in the store's order, a page at a time. Pages may be empty, any number in a
   * row: who reads them watches the time.
   */
  list(options: ListOptions): AsyncIterable<ListedPage>;

  /** The first page of such a listing. */
  firstPage(options: ListOptions): Promise<FirstPage>;

  /** Describes the object; undefined if there is none. With `partNumber`, `size` is that part's. */
  head(key: ObjectKey, options?: HeadOptions): Promise<ObjectInfo | undefined>;

  /**
   * Opens the object's bytes, all or [start, end). The body must be read to its end or destroyed.
   * @returns undefined if there is no such object and nothing was pinned
   */
  get(key: ObjectKey, options?: GetOptions): Promise<OpenObject | undefined>;

  /** The object's tags; empty if the store does not support tags. */
  tags(key: ObjectKey, options?: { versionId?: string }): Promise<Record<string, string>>;

  /** Writes a whole object. @returns what the store says it stored */
  put(key: ObjectKey, body: Body, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored>;

  /** Deletes the object; not a fault if there is none. */
  delete(key: ObjectKey, replaces?: Replaces): Promise<void>;

  /**
   * Copies a whole object inside the store, pinned to `source.etag`.
   * @throws Fault `NotSupported`, `Refused` or `AccessDenied` if the store or the credentials cannot; the caller then
   *   relays
   */
  copy(source: CopySource, key: ObjectKey, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored>;

  createUpload(key: ObjectKey, attributes: ObjectAttributes, checksum?: ChecksumAlgorithm): Promise<CreatedUpload>;

  uploadPart(part: PartAddress, body: Body): Promise<StoredPart>;

  /** Copies [start, end) of the source as a part inside the store, pinned to `source.etag`. */
  copyPart(part: PartAddress, source: CopySource, start: number, end: number): Promise<StoredPart>;

  /**
   * The parts of the upload in order of number: all, or those in a range of numbers.
   * @throws Fault `UploadGone`
   */
  listParts(key: ObjectKey, uploadId: string, within?: PartRange): Promise<ListedPart[]>;

  /**
   * Creates the object from the parts. The store verifies the size, and the whole object's checksum if one is given.
   * @throws Fault `UploadGone` if the upload is unknown (it may be complete: look at the object), or cannot be
   *   completed any more because of a conflict, `VerificationFailed` if the store rejects the checksum or the size
   */
  completeUpload(
    key: ObjectKey,
    uploadId: string,
    parts: readonly StoredPart[],
    expected: ExpectedObject,
  ): Promise<Stored>;

  /** All open uploads below `prefix`, of any writer, ordered by key, a page at a time. Pages may be empty. */
  listUploads(prefix: string): AsyncIterable<readonly ListedUpload[]>;

  /** Aborts the upload; not a fault if it is already gone. */
  abortUpload(key: ObjectKey, uploadId: string): Promise<void>;
}

/** A page of a listing. */
export interface ListedPage extends ReadonlyArray<ListedObject> {
  /** the token of the next page; absent at the end, or if the implementation has none */
  readonly next?: string;
}

export interface ListOptions {
  readonly prefix: string;
  /** only keys after this one; the whole key, including the prefix */
  readonly after?: string;
  /** lists from the page that has this token (`next` of the one before), whatever `after` says */
  readonly token?: string;
  /** keys per page, at most (S3: 1,000) */
  readonly pageSize?: number;
}

/** The first page of a listing. */
export interface FirstPage {
  readonly objects: readonly ListedObject[];
  /** whether the store says that more pages follow */
  readonly more: boolean;
}

export interface HeadOptions {
  readonly versionId?: string;
  readonly partNumber?: number;
  /** also request the stored checksum (needs kms:Decrypt on encrypted objects) */
  readonly checksum?: boolean;
}

export interface GetOptions {
  /** pins the read: an ETag, without quotes */
  readonly ifMatch?: string;
  readonly versionId?: string;
  /** bytes [start, end) */
  readonly range?: { readonly start: number; readonly end: number };
  /** also request the whole object's stored checksum, which costs nothing; without a range */
  readonly checksum?: boolean;
}

export interface OpenObject {
  /** `size` is the whole object's, even for a range */
  readonly info: ObjectInfo;
  readonly body: Readable;
}

/**
 * The body of a write: bytes in memory, or a stream of exactly `size` bytes. `md5` and `checksum` are sent with it if
 * they are known, so that the store rejects a body that was damaged in transit.
 */
export interface Body {
  readonly data: Uint8Array | Readable;
  /** bytes */
  readonly size: number;
  /** base64 */
  readonly md5?: string;
  readonly checksum?: ObjectChecksum;
}

/** What a write or a deletion replaces: nothing, or the object with this ETag, without quotes. */
export type Replaces = 'nothing' | { readonly etag: string };

/** A store's answer to a write. */
export interface Stored extends EtagForm {
  /** empty if the store does not return it (Ceph's Complete) */
  readonly etag: string;
}

/** `opaqueEtag` is about the ETags that its parts will have. */
export interface CreatedUpload extends EtagForm {
  readonly uploadId: string;
}

export interface CopySizes {
  readonly object: number;
  readonly part: number;
}

export interface CopySource {
  readonly bucket: string;
  /** the account that the bucket must belong to */
  readonly owner?: string;
  readonly key: ObjectKey;
  readonly etag: string;
  readonly versionId?: string;
  /**
   * true: the copy has the source's own headers, metadata and tags, from the same version as its bytes. Of the given
   * attributes only the website redirect is used, which no store copies. For `copy`
   */
  readonly whole?: boolean;
}

export interface ListedUpload {
  readonly key: ObjectKey;
  readonly uploadId: string;
  /** milliseconds since the epoch */
  readonly initiated: number;
}

export interface PartAddress {
  readonly key: ObjectKey;
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
  /** the full object's checksum in that algorithm, base64 */
  readonly checksum?: string;
  readonly replaces?: Replaces | undefined;
}
