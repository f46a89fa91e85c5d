import { createHash } from 'node:crypto';
import { Fault } from '../../model/faults.ts';
import type { LossKind } from '../../model/losses.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../../model/object.ts';
import type { Clock } from '../clock.ts';
import { ManualClock } from './clock.ts';
import { md5Of } from './digests.ts';
import { s3Features, type StoreFeatures } from './features.ts';
import { Gate } from './gate.ts';
import type { ObjectKey } from '../../model/object-key.ts';

export interface MemoryObject extends ObjectAttributes {
  readonly bytes: Buffer;
  readonly etag: string;
  /** milliseconds since the epoch; whole seconds, as S3 states them */
  readonly modified: number;
  readonly versionId?: string;
  readonly storageClass: string;
  readonly opaqueEtag: boolean;
  readonly readable: boolean;
  /** what no copy of it can carry */
  readonly uncarried?: readonly LossKind[];
  /** the size of each part in bytes, if the object was uploaded in parts */
  readonly parts?: readonly number[];
  /** the algorithm of its full-object checksum, which is computed on demand */
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
  readonly key: ObjectKey;
  readonly attributes: ObjectAttributes;
  readonly storageClass: string;
  readonly checksum?: ChecksumAlgorithm;
  readonly parts: Map<number, MemoryPart>;
}

/** Versions of a key from the oldest to the newest; undefined is a delete marker. */
type Versions = (MemoryObject | undefined)[];

export class MemoryBucket {
  readonly name: string;
  /** its ETags look like random numbers, as with KMS */
  readonly opaque: boolean;
  readonly uploads = new Map<string, MemoryUpload>();
  readonly #versions = new Map<string, Versions>();
  readonly #writes = new Map<string, number>();

  constructor(name: string, opaque: boolean) {
    this.name = name;
    this.opaque = opaque;
  }

  get(key: string, versionId?: string): MemoryObject | undefined {
    const versions = this.#versions.get(key);
    return versionId === undefined ? versions?.at(-1) : versions?.find((one) => one?.versionId === versionId);
  }

  /** The keys of the current objects, in any order. */
  keys(): string[] {
    return [...this.#versions].filter(([, versions]) => versions.at(-1)).map(([key]) => key);
  }

  /** How often the key was written or deleted. */
  writesOf(key: string): number {
    return this.#writes.get(key) ?? 0;
  }

  /** Makes `object` (or, undefined, its absence) the current state of the key. */
  write(key: string, object: MemoryObject | undefined, keepVersions: boolean): void {
    this.#writes.set(key, this.writesOf(key) + 1);
    if (keepVersions) this.#versions.set(key, [...(this.#versions.get(key) ?? []), object]);
    else if (object) this.#versions.set(key, [object]);
    else this.#versions.delete(key);
  }
}

/** A store in memory with any number of buckets, which follows the rules of S3 as far as its features go. */
export class MemoryStorage {
  readonly clock: Clock;
  readonly gate: Gate;
  readonly features: StoreFeatures;
  readonly #buckets = new Map<string, MemoryBucket>();
  #serial = 0;

  constructor(options: { clock?: Clock; gate?: Gate; features?: Partial<StoreFeatures> } = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.gate = options.gate ?? new Gate();
    this.features = { ...s3Features, ...options.features };
  }

  createBucket(name: string, { opaque = !this.features.md5Etags } = {}): MemoryBucket {
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

  /** A name that was not used before. */
  next(kind: string): string {
    this.#serial++;
    return `${kind}-${this.#serial}`;
  }

  /** The ETag of `bytes` in this bucket: their MD5, or, if the bucket is opaque, an unrelated value. */
  etagOf(bucket: MemoryBucket, bytes: Uint8Array): string {
    return this.#written(bucket.opaque ? md5Of(Buffer.from(this.next('opaque'))) : md5Of(bytes));
  }

  multipartEtagOf(bucket: MemoryBucket, parts: readonly Pick<MemoryPart, 'etag'>[]): string {
    const hash = createHash('md5');
    if (!this.features.multipartMd5s) hash.update('its own way');
    for (const part of parts) hash.update(bucket.opaque ? this.next('opaque') : Buffer.from(part.etag, 'hex'));
    if (!this.features.countedEtags) return `-${hash.digest('base64')}`;
    return this.#written(`${hash.digest('hex')}-${parts.length}`);
  }

  /** Do the store's answers say that the bucket's ETags are no MD5s? */
  saysOpaque(bucket: MemoryBucket): boolean {
    return bucket.opaque && this.features.saysOpaque;
  }

  #written(etag: string): string {
    return this.features.upperCaseEtags ? etag.toUpperCase() : etag;
  }

  /** The current time as S3 states it, in whole seconds. */
  modifiedNow(): number {
    return this.inSeconds(this.clock.now());
  }

  /** @param at milliseconds since the epoch */
  inSeconds(at: number): number {
    return Math.floor(at / 1000) * 1000;
  }
}
