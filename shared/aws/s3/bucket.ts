import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { Fault, isFault } from '../../model/faults.ts';
import { quoted } from '../../model/text.ts';
import type { DestinationSide } from '../../model/config/task.ts';
import { faultOf } from '../faults.ts';

/** Milliseconds for which a bucket that was there is taken to be there still. */
const bucketFreshFor = 60_000;

/** What every call to a bucket needs: its client, what each names, and its errors as faults that name the object. */
export class S3Bucket {
  readonly client: S3Client;
  readonly side: DestinationSide;
  #seenAt = -Infinity;

  constructor(client: S3Client, side: DestinationSide) {
    this.client = client;
    this.side = side;
  }

  /** What every call names. */
  get common(): { Bucket: string; ExpectedBucketOwner?: string; RequestPayer?: 'requester' } {
    const { bucket, expectedBucketOwner, requestPayer } = this.side;
    return {
      Bucket: bucket,
      ...(expectedBucketOwner !== undefined && { ExpectedBucketOwner: expectedBucketOwner }),
      ...(requestPayer && { RequestPayer: 'requester' }),
    };
  }

  /** Makes the call. @throws Fault */
  async call<Result>(operation: string, key: string | undefined, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      throw faultOf(error, this.what(operation, key));
    }
  }

  /** A call that names an upload and no other object: some stores say "no such key" of an upload that is gone. */
  async callUpload<Result>(operation: string, key: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.call(operation, key, call);
    } catch (error) {
      throw isFault(error, 'SourceGone') ? new Fault('UploadGone', error.message, { cause: error.cause }) : error;
    }
  }

  /** The operation and its object, for messages. */
  what(operation: string, key: string | undefined): string {
    return `${operation} ${this.side.bucket}${key === undefined ? '' : `: ${quoted(key)}`}`;
  }

  /** @throws Fault `BucketNotFound` or `AccessDenied` */
  async check(): Promise<void> {
    try {
      await this.call('HeadBucket', undefined, () => this.client.send(new HeadBucketCommand(this.common)));
    } catch (error) {
      if (!isFault(error, 'SourceGone')) throw error;
      throw new Fault('BucketNotFound', `bucket "${this.side.bucket}" does not exist`, { cause: error });
    }
  }

  /**
   * The answer to HEAD has no body, so a missing bucket looks like a missing key, and every object of it like one that
   * was deleted: before that is believed, the bucket is asked for, once a minute at most.
   */
  async expect(): Promise<void> {
    if (Date.now() - this.#seenAt < bucketFreshFor) return;
    try {
      await this.check();
    } catch (error) {
      // Whoever may look at objects need not be allowed to look at the bucket.
      if (!isFault(error, 'AccessDenied', 'NotSupported')) throw error;
    }
    this.#seenAt = Date.now();
  }
}
