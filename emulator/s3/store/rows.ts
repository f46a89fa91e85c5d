import type { ChecksumAlgorithm, ChecksumType } from '../digest/checksum.ts';

/** A bucket. */
export interface BucketRow {
  readonly name: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly created: number;
  readonly region: string;
  /** The notification configuration, as JSON of `Configuration[]`. */
  readonly notifications: string;
}

/** What is said about an object beside its bytes; given at PUT or when its upload is created. */
export interface Attributes {
  readonly storageClass: string;
  /** JSON of the response headers to give back, by lower-case name. */
  readonly headers: string;
  /** JSON of `[name, value][]`. */
  readonly tags: string;
}

/** An object. `size` in bytes. */
export interface ObjectRow extends Attributes {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modified: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  readonly checksumValue: string | null;
  /** Whose parts are the bytes. */
  readonly content: number;
  /** Of a multipart object; null for one that was put in one piece. */
  readonly partCount: number | null;
  /** The upload that made it. */
  readonly uploadId: string | null;
}

/** An open multipart upload. */
export interface UploadRow extends Attributes {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  readonly content: number;
}

/** A piece of an object or of an upload, whole in one blob. */
export interface PartRow {
  readonly content: number;
  /** From 1. */
  readonly number: number;
  /** The blob's name; '' when it has no bytes. */
  readonly file: string;
  readonly size: number;
  /** Of the bytes, in hex. */
  readonly md5: string;
  /** The MD5 too, unless encrypted with a KMS key. */
  readonly etag: string;
  readonly modified: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumValue: string | null;
}
