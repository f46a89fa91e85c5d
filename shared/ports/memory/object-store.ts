import { Readable } from 'node:stream';
import { Fault } from '../../model/faults.ts';
import { isObjectKey, objectKey, type ObjectKey } from '../../model/object-key.ts';
import type { ChecksumAlgorithm, ListedObject, ObjectAttributes, ObjectInfo } from '../../model/object.ts';
import type { ListedPart, PartRange, StoredPart } from '../../model/part-plan.ts';
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
} from '../object-store.ts';
import { arrive, receive } from './body.ts';
import { checksumOf } from './digests.ts';
import type { StoreFeatures } from './features.ts';
import type { Call } from './gate.ts';
import type { MemoryBucket, MemoryObject, MemoryStorage } from './storage.ts';
import { requireReplaced } from './conditions.ts';
import { abortUpload, completeUpload, createUpload, listParts, listUploads, storePart } from './multipart-uploads.ts';

/** What is written under a key. */
interface Content {
  readonly bytes: Buffer;
  readonly attributes: ObjectAttributes;
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined;
}

/** What one side of a task adds to its bucket. */
export interface View {
  readonly storageClass?: string;
  /** operations that the side's credentials may not call */
  readonly denied?: ReadonlySet<string>;
}

/** Operations that are not about one object. */
const bucketOperations: ReadonlySet<string> = new Set(['checkBucket', 'list', 'listUploads']);

/** An object store in memory: one bucket of a storage, accessed with one set of credentials. */
export class MemoryObjectStore implements ObjectStore {
  readonly bucket: string;
  readonly #storage: MemoryStorage;
  readonly #view: View;

  constructor(storage: MemoryStorage, bucket: string, view: View = {}) {
    this.#storage = storage;
    this.bucket = bucket;
    this.#view = view;
  }

  get minPartBytes(): number {
    return this.#storage.features.minPartBytes;
  }

  get copySizes(): CopySizes {
    return this.#storage.features.copySizes;
  }

  get conditionalWrites(): boolean {
    return this.#storage.features.conditionalWrites;
  }

  /** Makes a call through the gate, if the credentials allow it. */
  async #pass<Result>(
    operation: string,
    key: string,
    work: (bucket: MemoryBucket, call: Call) => Result | Promise<Result>,
    part?: number,
  ): Promise<Result> {
    if (!bucketOperations.has(operation) && !isObjectKey(key)) {
      throw this.#fault('InvalidInput', key, `${operation} of something that is not a key`);
    }
    const call: Call = { operation, bucket: this.bucket, key, ...(part !== undefined && { part }) };
    return this.#storage.gate.pass(call, () => {
      if (this.#view.denied?.has(operation)) throw this.#fault('AccessDenied', key, `${operation} is not allowed`);
      return work(this.#storage.bucket(this.bucket), call);
    });
  }

  #fault(name: Fault['name'], key: string, message: string): Fault {
    return new Fault(name, `${this.bucket}: ${JSON.stringify(key)}: ${message}`);
  }

  async checkBucket(): Promise<void> {
    await this.#pass('checkBucket', '', () => undefined);
  }

  async *list(options: ListOptions): AsyncGenerator<ListedPage> {
    let from = options;
    for (;;) {
      const { objects, more } = await this.firstPage(from);
      const next = objects.at(-1)?.key;
      yield more && next !== undefined ? Object.assign(objects, { next }) : objects;
      if (!more || next === undefined) return;
      from = { ...options, token: next };
    }
  }

  async firstPage({ prefix, after, token, pageSize }: ListOptions): Promise<FirstPage> {
    const { features } = this.#storage;
    const size = Math.min(pageSize ?? Infinity, features.pageSize);
    const sign = features.order === 'utf8' ? compareBytes : compareUnits;
    const last = token ?? after;
    return this.#pass('list', prefix, (bucket) => {
      const keys = bucket.keys().filter((key) => key.startsWith(prefix) && (last === undefined || sign(key, last) > 0));
      keys.sort(sign);
      return { more: keys.length > size, objects: keys.slice(0, size).flatMap((key) => listed(bucket, key, features)) };
    });
  }

  async head(key: ObjectKey, options: HeadOptions = {}): Promise<ObjectInfo | undefined> {
    const { versionId, partNumber, checksum } = options;
    return this.#pass('head', key, async (bucket) => {
      const object = bucket.get(key, versionId);
      if (!object) return undefined;
      const info = { ...this.#info(key, object), ...(checksum === true && (await checksumIn(object))) };
      if (partNumber === undefined) return info;
      const parts = object.parts ?? [object.bytes.length];
      const size = parts[partNumber - 1];
      if (!this.#storage.features.partNumbers || size === undefined) {
        throw this.#fault('NotSupported', key, `part ${partNumber} cannot be read by HEAD`);
      }
      return { ...info, size };
    });
  }

  async get(key: ObjectKey, { ifMatch, versionId, range, checksum }: GetOptions = {}): Promise<OpenObject | undefined> {
    return this.#pass('get', key, async (bucket, call) => {
      const object = bucket.get(key, versionId);
      if (!object && ifMatch !== undefined) throw this.#fault('SourceGone', key, 'it is gone');
      if (!object) return undefined;
      if (this.#storage.features.pinnedReads) this.#checkMatch(key, object, ifMatch);
      if (!object.readable) throw this.#fault('ArchivedSource', key, 'it is archived');
      const { start, end } = range ?? { start: 0, end: object.bytes.length };
      if (range && start >= object.bytes.length) throw this.#fault('SourceChanged', key, `no byte ${start}`);
      const body = arrive(this.#storage.gate, call, object.bytes.subarray(start, end));
      const stored = checksum === true && !range ? await checksumIn(object) : {};
      return {
        info: { ...this.#info(key, object), ...stored },
        body: body instanceof Readable ? body : inPieces(body),
      };
    });
  }

  async tags(key: ObjectKey, { versionId }: { versionId?: string } = {}): Promise<Record<string, string>> {
    return this.#pass('tags', key, (bucket) => {
      if (this.#storage.features.tagReads === 'refused') throw this.#fault('Refused', key, 'tags are not shown');
      const object = bucket.get(key, versionId);
      if (!object) throw this.#fault('SourceGone', key, 'it is gone');
      return { ...object.tags };
    });
  }

  async put(key: ObjectKey, body: Body, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored> {
    return this.#pass('put', key, async (bucket, call) => {
      const kept = this.#accept('put', key, attributes);
      const { features, gate } = this.#storage;
      const bytes = await receive(gate, call, body, features.checksums);
      requireReplaced(this.#storage, bucket, key, replaces);
      return this.#write(bucket, key, { bytes, attributes: kept, checksumAlgorithm: body.checksum?.algorithm });
    });
  }

  async delete(key: ObjectKey, replaces?: Replaces): Promise<void> {
    await this.#pass('delete', key, (bucket) => {
      // As on S3, where "not found" is the answer, and no fault here.
      if (replaces !== undefined && !bucket.get(key)) return;
      requireReplaced(this.#storage, bucket, key, replaces);
      bucket.write(key, undefined, this.#storage.features.versions);
    });
  }

  async copy(source: CopySource, key: ObjectKey, attributes: ObjectAttributes, replaces?: Replaces): Promise<Stored> {
    return this.#pass('copy', key, (bucket) => {
      const { bytes, checksumAlgorithm, headers, metadata, tags } = this.#copySource(source, 'copies');
      const { websiteRedirect: _theirs, ...copied } = headers;
      const { websiteRedirect } = attributes.headers;
      const own = { headers: { ...copied, ...(websiteRedirect !== undefined && { websiteRedirect }) }, metadata, tags };
      const kept = this.#accept('copy', key, source.whole === true ? own : attributes);
      requireReplaced(this.#storage, bucket, key, replaces);
      return this.#write(bucket, key, { bytes: Buffer.from(bytes), attributes: kept, checksumAlgorithm });
    });
  }

  async *listUploads(prefix: string): AsyncGenerator<ListedUpload[]> {
    const { pageSize, uploadListing } = this.#storage.features;
    const all = await this.#pass('listUploads', prefix, (bucket) => listUploads(bucket, prefix));
    if (uploadListing === 'none') throw this.#fault('NotSupported', prefix, 'this store lists no uploads');
    const uploads = uploadListing === 'by-key' && prefix !== '' ? all.filter(({ key }) => key === prefix) : all;
    for (let from = 0; from < uploads.length; from += pageSize) yield uploads.slice(from, from + pageSize);
  }

  async createUpload(
    key: ObjectKey,
    attributes: ObjectAttributes,
    checksum?: ChecksumAlgorithm,
  ): Promise<CreatedUpload> {
    return this.#pass('createUpload', key, (bucket) => {
      const kept = this.#accept('upload', key, attributes);
      const { checksums, uploadChecksums } = this.#storage.features;
      if (checksum && (checksums === 'refused' || (checksums === 'checked' && !uploadChecksums.includes(checksum)))) {
        throw this.#fault('NotSupported', key, `this store has no ${checksum} of uploads`);
      }
      const storageClass = this.#keptClass();
      return createUpload(this.#storage, bucket, {
        key,
        attributes: kept,
        storageClass,
        ...(checksum && { checksum }),
      });
    });
  }

  async uploadPart({ key, uploadId, number }: PartAddress, body: Body): Promise<StoredPart> {
    const work = async (bucket: MemoryBucket, call: Call): Promise<StoredPart> => {
      const { features, gate } = this.#storage;
      const bytes = await receive(gate, call, body, features.checksums);
      return storePart(this.#storage, bucket, { uploadId, number }, bytes);
    };
    return this.#pass('uploadPart', key, work, number);
  }

  async copyPart(part: PartAddress, source: CopySource, start: number, end: number): Promise<StoredPart> {
    const { key, uploadId, number } = part;
    const work = (bucket: MemoryBucket): Promise<StoredPart> => {
      const bytes = Buffer.from(this.#copySource(source, 'partCopies').bytes.subarray(start, end));
      return storePart(this.#storage, bucket, { uploadId, number }, bytes);
    };
    return this.#pass('copyPart', key, work, number);
  }

  async listParts(key: ObjectKey, uploadId: string, within?: PartRange): Promise<ListedPart[]> {
    const [first, last] = within ?? [1, Infinity];
    const parts = await this.#pass('listParts', key, (bucket) => listParts(bucket, uploadId));
    return parts.filter(({ number }) => number >= first && number <= last);
  }

  async completeUpload(
    key: ObjectKey,
    uploadId: string,
    parts: readonly StoredPart[],
    expected: ExpectedObject,
  ): Promise<Stored> {
    return this.#pass('completeUpload', key, (bucket) =>
      completeUpload(this.#storage, bucket, { key, uploadId, parts, expected }),
    );
  }

  async abortUpload(key: ObjectKey, uploadId: string): Promise<void> {
    await this.#pass('abortUpload', key, (bucket) => abortUpload(bucket, uploadId));
  }

  #write(bucket: MemoryBucket, key: string, { bytes, attributes, checksumAlgorithm = 'CRC64NVME' }: Content): Stored {
    const { features } = this.#storage;
    const object: MemoryObject = {
      ...attributes,
      bytes,
      etag: this.#storage.etagOf(bucket, bytes),
      modified: this.#storage.modifiedNow(),
      ...(features.versions && { versionId: this.#storage.next('version') }),
      storageClass: this.#keptClass(),
      opaqueEtag: this.#storage.saysOpaque(bucket),
      readable: true,
      // S3 stores a checksum with every object, whether it was sent one or not.
      ...(features.checksums === 'checked' && { checksumAlgorithm }),
    };
    bucket.write(key, object, features.versions);
    return { etag: object.etag, opaqueEtag: object.opaqueEtag };
  }

  #copySource({ bucket, key, etag, versionId }: CopySource, feature: 'copies' | 'partCopies'): MemoryObject {
    const { features } = this.#storage;
    if (!features[feature]) throw this.#fault('NotSupported', key, 'this store has no server-side copy');
    if (!isObjectKey(key)) throw this.#fault('InvalidInput', key, 'a copy of something that is not a key');
    const object = this.#storage.bucket(bucket).get(key, versionId);
    if (!object) throw this.#fault('SourceGone', key, 'it is gone');
    this.#checkMatch(key, object, etag);
    return object;
  }

  #checkMatch(key: string, object: MemoryObject, ifMatch: string | undefined): void {
    if (ifMatch === undefined || ifMatch === object.etag) return;
    throw this.#fault('SourceChanged', key, `it has ETag ${object.etag}, expected ${ifMatch}`);
  }

  /** The attributes that the store keeps. @throws Fault if it refuses the key or the tags */
  #accept(write: 'put' | 'copy' | 'upload', key: string, attributes: ObjectAttributes): ObjectAttributes {
    const { tags, tagsOfCopiesAndUploads, refusedKeys } = this.#storage.features;
    if (refusedKeys?.test(key)) throw this.#fault('Refused', key, 'this store has no such keys');
    if (tags === 'refused' && Object.keys(attributes.tags).length > 0) {
      throw this.#fault('NotSupported', key, 'this store has no tags');
    }
    const keepsTags = tags === 'kept' && (tagsOfCopiesAndUploads || write === 'put');
    return this.#keptAttributes(attributes, keepsTags);
  }

  #keptAttributes({ headers, metadata, tags }: ObjectAttributes, keepsTags: boolean): ObjectAttributes {
    const { features } = this.#storage;
    const kept = Object.entries(headers).filter(([name]) => !(features.ignoredHeaders as string[]).includes(name));
    return {
      headers: Object.fromEntries(kept),
      metadata: features.metadata ? metadata : {},
      tags: keepsTags ? tags : {},
    };
  }

  #keptClass(): string {
    return (this.#storage.features.storageClasses ? this.#view.storageClass : undefined) ?? 'STANDARD';
  }

  #info(key: ObjectKey, object: MemoryObject): ObjectInfo {
    const { etag, modified, versionId, headers, metadata, tags, opaqueEtag, readable, storageClass, uncarried } =
      object;
    const { tagCounts } = this.#storage.features;
    return {
      key,
      size: object.bytes.length,
      etag,
      modified,
      ...(versionId !== undefined && { versionId }),
      headers,
      metadata,
      ...(tagCounts && { tagCount: Object.keys(tags).length }),
      opaqueEtag,
      readable,
      ...(storageClass !== 'STANDARD' && { storageClass }),
      ...(uncarried && { uncarried }),
    };
  }
}

async function checksumIn({
  checksumAlgorithm: algorithm,
  bytes,
}: MemoryObject): Promise<Pick<ObjectInfo, 'checksum'>> {
  return algorithm ? { checksum: { algorithm, value: await checksumOf(algorithm, bytes) } } : {};
}

function listed(bucket: MemoryBucket, key: string, { listedEtags }: StoreFeatures): ListedObject[] {
  const object = bucket.get(key);
  if (!object) return [];
  const { bytes, etag, modified, storageClass, readable } = object;
  // As on S3: a listing shows the classes that are archives, but not the archive tiers of others.
  const isArchive = storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE';
  return [
    {
      key: objectKey(key),
      size: bytes.length,
      etag: listedEtags ? etag : '',
      modified,
      ...(isArchive && !readable && { archived: 'yes' as const }),
      ...(storageClass === 'INTELLIGENT_TIERING' && { archived: 'unseen' as const }),
    },
  ];
}

/** Splits bytes into pieces, as they arrive over a connection. */
function inPieces(bytes: Buffer): Readable {
  const piece = 64 * 1024;
  const count = Math.ceil(bytes.length / piece);
  return Readable.from(Array.from({ length: count }, (_, index) => bytes.subarray(index * piece, (index + 1) * piece)));
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
