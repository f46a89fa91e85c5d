import { createHash } from 'node:crypto';
import { Fault } from '../../model/faults.ts';
import { minPartBytes } from '../../model/limits.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../../model/object.ts';
import type { Clock } from '../clock.ts';
import { ManualClock } from './clock.ts';
import { md5Of } from './digests.ts';
import { Gate } from './gate.ts';

/** What a store can do; S3 itself can do all of it, and keeps no versions unless it is told to. */
export interface Features {
  /** keeps what is overwritten and deleted */
  readonly versions: boolean;
  readonly tags: boolean;
  /** HEAD and GET say how many tags an object has */
  readonly tagCounts: boolean;
  /** CopyObject and UploadPartCopy */
  readonly copies: boolean;
  /** `ignored` is what Ceph does: no fault, and nothing is checked (nor is the size, at Complete) */
  readonly checksums: 'checked' | 'ignored' | 'refused';
  /** HEAD with a part number */
  readonly partNumbers: boolean;
  /** If-Match is looked at */
  readonly conditions: boolean;
  /** Complete answers the new object's ETag */
  readonly completeEtag: boolean;
  /** `utf16` is JavaScript's order, which some stores have too */
  readonly order: 'utf8' | 'utf16';
  /** keys in a page of a listing */
  readonly pageSize: number;
  /** bytes of the smallest part, unless it is the last */
  readonly minPartBytes: number;
}

const s3: Features = {
  versions: false,
  tags: true,
  tagCounts: true,
  copies: true,
  checksums: 'checked',
  partNumbers: true,
  conditions: true,
  completeEtag: true,
  order: 'utf8',
  pageSize: 1000,
  minPartBytes,
};

export interface MemoryObject extends ObjectAttributes {
  readonly bytes: Buffer;
  readonly etag: string;
  /** milliseconds since the epoch, whole seconds as S3 tells them */
  readonly modified: number;
  readonly versionId?: string;
  readonly storageClass: string;
  readonly opaqueEtag: boolean;
  readonly readable: boolean;
  /** bytes of each part, for an object that was uploaded in parts */
  readonly parts?: readonly number[];
  /** the algorithm of its full-object checksum, which is computed when it is asked for */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
}

export interface MemoryPart {
  readonly number: number;
  readonly etag: string;
  readonly bytes: Buffer;
  /** milliseconds since the epoch */
  readonly modified: number;
  readonly checksum?: string;
}

export interface MemoryUpload {
  readonly id: string;
  /** milliseconds since the epoch */
  readonly initiated: number;
  readonly key: string;
  readonly attributes: ObjectAttributes;
  readonly storageClass: string;
  readonly checksum?: ChecksumAlgorithm;
  readonly parts: Map<number, MemoryPart>;
}

/** Versions of a key from the oldest to the newest; undefined is a delete marker. */
type Versions = (MemoryObject | undefined)[];

export class MemoryBucket {
  readonly name: string;
  /** ETags look like random numbers, as with KMS */
  readonly opaque: boolean;
  readonly uploads = new Map<string, MemoryUpload>();
  readonly #versions = new Map<string, Versions>();

  constructor(name: string, opaque: boolean) {
    this.name = name;
    this.opaque = opaque;
  }

  get(key: string, versionId?: string): MemoryObject | undefined {
    const versions = this.#versions.get(key);
    return versionId === undefined ? versions?.at(-1) : versions?.find((one) => one?.versionId === versionId);
  }

  /** Keys of the current objects, in no order. */
  keys(): string[] {
    return [...this.#versions].filter(([, versions]) => versions.at(-1)).map(([key]) => key);
  }

  /** Makes `object` (or, undefined, its absence) the current state of the key. */
  write(key: string, object: MemoryObject | undefined, keepVersions: boolean): void {
    if (keepVersions) this.#versions.set(key, [...(this.#versions.get(key) ?? []), object]);
    else if (object) this.#versions.set(key, [object]);
    else this.#versions.delete(key);
  }
}

/** A store in memory, with any number of buckets, which keeps to the rules of S3 (design: one twin a port). */
export class MemoryStorage {
  readonly clock: Clock;
  readonly gate: Gate;
  readonly features: Features;
  readonly #buckets = new Map<string, MemoryBucket>();
  #serial = 0;

  constructor(options: { clock?: Clock; gate?: Gate; features?: Partial<Features> } = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.gate = options.gate ?? new Gate();
    this.features = { ...s3, ...options.features };
  }

  createBucket(name: string, { opaque = false } = {}): MemoryBucket {
    const bucket = new MemoryBucket(name, opaque);
    this.#buckets.set(name, bucket);
    return bucket;
  }

  removeBucket(name: string): void {
    this.#buckets.delete(name);
  }

  /** @throws Fault `BucketNotFound` */
  bucket(name: string): MemoryBucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new Fault('BucketNotFound', `bucket "${name}" does not exist`);
    return bucket;
  }

  /** A name that was not given before. */
  next(kind: string): string {
    this.#serial++;
    return `${kind}-${this.#serial}`;
  }

  /** The ETag of `bytes` in this bucket: their MD5, or something that has nothing to do with them. */
  etagOf(bucket: MemoryBucket, bytes: Uint8Array): string {
    return bucket.opaque ? md5Of(Buffer.from(this.next('opaque'))) : md5Of(bytes);
  }

  multipartEtagOf(bucket: MemoryBucket, parts: readonly Pick<MemoryPart, 'etag'>[]): string {
    const hash = createHash('md5');
    for (const part of parts) hash.update(Buffer.from(bucket.opaque ? this.next('opaque') : part.etag, 'hex'));
    return `${hash.digest('hex')}-${parts.length}`;
  }

  /** The current time as S3 tells it: whole seconds. */
  modifiedNow(): number {
    return Math.floor(this.clock.now() / 1000) * 1000;
  }
}
