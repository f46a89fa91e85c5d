import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { Fault, isFault } from '../../model/faults.ts';
import { objectKey, type ObjectKey } from '../../model/object-key.ts';
import { quoted } from '../../model/text.ts';
import { isS3Itself } from '../../model/config/s3-itself.ts';
import type { DestinationSide } from '../../model/config/task.ts';
import type { OnLearned } from '../../model/stores/learned.ts';
import { comparesReplaced, type ConditionalCall } from '../../model/stores/stores.ts';
import type { PartAddress, Replaces } from '../../ports/object-store.ts';
import { faultOf } from '../faults.ts';
import { conditionInput, type ConditionInput } from './inputs.ts';
import { Known } from './learned.ts';
import { PinnedCopies } from './pinned-copies.ts';
import { asUploadGone } from './quirks.ts';

/** How long a bucket that was found to exist is assumed to exist. */
const bucketFreshMillis = 60_000;

/** An upload in parts of one object. */
export type UploadName = Pick<PartAddress, 'key' | 'uploadId'>;

/** Does the store compare what a call of this kind says that it replaces? */
export type Compares = (call: ConditionalCall) => boolean;

/**
 * One bucket as every call needs it: the client, the fields that every request carries, and errors as faults whose
 * message names the object.
 */
export class S3Bucket {
  readonly client: S3Client;
  readonly side: DestinationSide;
  /** what is known of the store */
  readonly known: Known;
  readonly #compares: Compares;
  /** whether the store was found to implement no conditions of copies (writing.ts) */
  copiesUnconditionally = false;
  /** whether the store was found not to implement the size that Complete states (uploads.ts) */
  completesWithoutSize = false;
  readonly pinnedObjects = new PinnedCopies((compares) => this.known.learn({ copies: answerOf(compares) }));
  readonly pinnedParts = new PinnedCopies((compares) => this.known.learn({ partCopies: answerOf(compares) }));
  #seenAtMillis = -Infinity;
  #hasReadTags = false;

  /** @param compares by default, what is known of the store */
  constructor(client: S3Client, side: DestinationSide, compares?: Compares, onLearned?: OnLearned) {
    this.client = client;
    this.side = side;
    this.known = new Known(side, onLearned);
    this.#compares = compares ?? ((call) => comparesReplaced(this.known.traits, call));
  }

  /** see `ObjectStore` */
  get conditionalWrites(): boolean {
    return this.#compares('put');
  }

  /** The fields of every request. */
  get common(): { Bucket: string; ExpectedBucketOwner?: string; RequestPayer?: 'requester' } {
    const { bucket, expectedBucketOwner, requestPayer } = this.side;
    return {
      Bucket: bucket,
      ...(expectedBucketOwner !== undefined && { ExpectedBucketOwner: expectedBucketOwner }),
      ...(requestPayer && { RequestPayer: 'requester' }),
    };
  }

  /**
   * The fields of every request about one object.
   * @throws Fault `InvalidInput` for what is not a key: without one, the request would be about the bucket
   */
  object(key: ObjectKey): S3Bucket['common'] & { Key: string } {
    return { ...this.common, Key: objectKey(key, `a key in bucket "${this.side.bucket}"`) };
  }

  /** The fields of a write or a deletion that name what it replaces, if the store compares that. */
  condition(call: ConditionalCall, replaces: Replaces | undefined): ConditionInput {
    return replaces !== undefined && this.#compares(call) ? conditionInput(replaces) : {};
  }

  /** The fields of every request about one upload. */
  upload({ key, uploadId }: UploadName): S3Bucket['common'] & { Key: string; UploadId: string } {
    return { ...this.object(key), UploadId: uploadId };
  }

  /**
   * Does an answer without a number of tags mean that there are none? S3 states the number only to callers who may read
   * tags (S3 API reference: GetObject, "x-amz-tagging-count"), so one read of tags has to succeed first. Other stores
   * may never state it (Qiniu Kodo: GET Object), so one answer has to.
   */
  get showsTagCounts(): boolean {
    if (isS3Itself(this.side)) return this.#hasReadTags;
    return this.known.of('tagCount') === 'yes' || this.known.of('tags') === 'no';
  }

  /** Takes note that the credentials may read tags. */
  noteTagsRead(): void {
    this.#hasReadTags = true;
  }

  /** Makes a call. @throws Fault */
  async call<Result>(operation: string, key: string | undefined, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      throw faultOf(error, this.what(operation, key));
    }
  }

  /** Makes a call about an upload. @throws Fault; `UploadGone` if the upload does not exist */
  async callUpload<Result>(operation: string, key: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.call(operation, key, call);
    } catch (error) {
      throw asUploadGone(error);
    }
  }

  /** The operation and its object, for messages: `PutObject bucket: "key"`. */
  what(operation: string, key: string | undefined): string {
    return `${operation} ${this.side.bucket}${key === undefined ? '' : `: ${quoted(key)}`}`;
  }

  /** Checks that the bucket exists. @throws Fault `BucketNotFound` or `AccessDenied` */
  async check(): Promise<void> {
    try {
      await this.call('HeadBucket', undefined, () => this.client.send(new HeadBucketCommand(this.common)));
    } catch (error) {
      if (!isFault(error, 'BucketNotFound')) throw error;
      throw new Fault('BucketNotFound', `bucket "${this.side.bucket}" does not exist`, { cause: error });
    }
  }

  /**
   * Checks that the bucket exists, at most once a minute. The answer to HEAD has no body, so a missing bucket looks
   * like a missing key, and all of its objects would be taken to be deleted.
   * @throws Fault `BucketNotFound`
   */
  async expect(): Promise<void> {
    if (Date.now() - this.#seenAtMillis < bucketFreshMillis) return;
    try {
      await this.check();
    } catch (error) {
      // Permission to read objects does not imply permission to look at the bucket.
      if (!isFault(error, 'AccessDenied', 'NotSupported')) throw error;
    }
    this.#seenAtMillis = Date.now();
  }
}

function answerOf(compares: boolean): 'yes' | 'no' {
  return compares ? 'yes' : 'no';
}
