import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';
import { rateBucket, type TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';

/** A request to S3, as far as its rate is concerned. */
export interface PrefixRequest {
  readonly operation: string;
  readonly bucket: string;
  /** the object's key, or the prefix of a listing */
  readonly key: string;
}

/** The answer to a request over the rate (S3 API Reference: Error responses). */
export const slowDown = {
  kind: 'status',
  status: 503,
  code: 'SlowDown',
  message: 'Please reduce your request rate.',
} as const;

/** Keys from `from` up to the next partition's, in the order of their code units. */
interface Partition {
  readonly from: string;
  readonly writes: TokenBucket;
  readonly reads: TokenBucket;
  /** when the first request of the present row of refusals was refused */
  hotSince: number | undefined;
  refusedAt: number;
  /** the last keys asked for, in a ring */
  readonly recent: string[];
  next: number;
}

/** Keys that a partition remembers, to be split in the middle of them. */
const remembered = 256;

const writes = /^(Put|Copy|Delete|Create|Upload|Complete|Abort|Restore)/;
const reads = /^(Get|Head|List)/;
/** Operations on buckets themselves belong to no partition. */
const ofBuckets = /Bucket/;

/**
 * The request rates of S3: a bucket starts as one partition of its keys, with a rate of writes and one of reads. A
 * partition that has refused requests for a while is split in the middle of the keys asked for.
 */
export class PrefixRates {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  /** by bucket, in the order of `from` */
  readonly #partitions = new Map<string, Partition[]>();

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
  }

  /** @returns the fault of a request that comes too early; undefined for one that may be performed */
  refusal({ operation, bucket, key }: PrefixRequest): typeof slowDown | undefined {
    if (bucket === '' || ofBuckets.test(operation)) return undefined;
    const kind = writes.test(operation) ? 'writes' : reads.test(operation) ? 'reads' : undefined;
    if (!kind) return undefined;
    const partition = this.#partitionOf(bucket, key);
    partition.recent[partition.next++ % remembered] = key;
    const quota = kind === 'writes' ? 's3Writes' : 's3Reads';
    const meter = this.#usage.meter(quota, `${bucket}/${partition.from}`, this.#values[quota]);
    if (partition[kind].take()) {
      meter.count();
      return undefined;
    }
    meter.refuse();
    this.#refused(bucket, partition);
    return slowDown;
  }

  #partitionOf(bucket: string, key: string): Partition {
    const partitions = this.#partitions.get(bucket) ?? [this.#partition('')];
    this.#partitions.set(bucket, partitions);
    // There are few, and the first one starts before every key.
    return partitions.findLast(({ from }) => from <= key) as Partition;
  }

  #partition(from: string): Partition {
    const { s3Writes, s3Reads } = this.#values;
    return {
      from,
      writes: rateBucket(s3Writes, this.#clock),
      reads: rateBucket(s3Reads, this.#clock),
      hotSince: undefined,
      refusedAt: 0,
      recent: [],
      next: 0,
    };
  }

  #refused(bucket: string, partition: Partition): void {
    const now = this.#clock.now();
    const splitMillis = this.#values.s3SplitSeconds * 1000;
    if (partition.hotSince === undefined || now - partition.refusedAt > splitMillis) partition.hotSince = now;
    partition.refusedAt = now;
    if (now - partition.hotSince < splitMillis) return;
    const keys = [...new Set(partition.recent)].sort();
    const middle = keys[Math.floor(keys.length / 2)];
    if (middle === undefined || middle <= partition.from) return;
    const partitions = this.#partitions.get(bucket) ?? [];
    partitions.splice(partitions.indexOf(partition) + 1, 0, this.#partition(middle));
    partition.hotSince = undefined;
    partition.recent.length = partition.next = 0;
  }
}
