import type { ChecksumAlgorithm, ChecksumType } from '../digest/checksum.ts';

/**
 * The tables of the index, each beside the type of its rows. Columns have the names of the fields.
 *
 * All times are milliseconds since the epoch. SQLite's default collation compares text byte by byte in UTF-8, which is
 * the key order of S3.
 *
 * The bytes of an object are not in its row. Objects and open uploads refer to a `content`, a number; the bytes are the
 * parts of that content, in order of their numbers. CompleteMultipartUpload hands the content of the upload to the
 * object: no byte is moved.
 */

export interface BucketRow {
  readonly name: string;
  readonly created: number;
  readonly region: string;
  /** The notification configuration, JSON of `Configuration[]`. */
  readonly notifications: string;
}

const buckets = `CREATE TABLE IF NOT EXISTS buckets (
  name TEXT PRIMARY KEY,
  created INTEGER NOT NULL,
  region TEXT NOT NULL,
  notifications TEXT NOT NULL
) STRICT, WITHOUT ROWID;`;

/** What describes an object besides its bytes. Set by PutObject or CreateMultipartUpload. */
export interface Attributes {
  readonly storageClass: string;
  /** The response headers, JSON of an object by lower-case name. */
  readonly headers: string;
  /** JSON of `[name, value][]`. */
  readonly tags: string;
}

export interface ObjectRow extends Attributes {
  readonly bucket: string;
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modified: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  readonly checksumValue: string | null;
  /** Refers to `parts.content`. */
  readonly content: number;
  /** Null for an object that was not made by a multipart upload. */
  readonly partCount: number | null;
  /** The upload that made the object; lets a client repeat CompleteMultipartUpload. */
  readonly uploadId: string | null;
}

const objects = `CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified INTEGER NOT NULL,
  storageClass TEXT NOT NULL,
  checksumAlgorithm TEXT,
  checksumType TEXT,
  checksumValue TEXT,
  content INTEGER NOT NULL,
  partCount INTEGER,
  uploadId TEXT,
  headers TEXT NOT NULL,
  tags TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;`;

/** An open multipart upload. */
export interface UploadRow extends Attributes {
  /** Sorts by time. */
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  /** Refers to `parts.content`. */
  readonly content: number;
}

const uploads = `CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  initiated INTEGER NOT NULL,
  storageClass TEXT NOT NULL,
  checksumAlgorithm TEXT,
  checksumType TEXT,
  content INTEGER NOT NULL,
  headers TEXT NOT NULL,
  tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploadsByKey ON uploads (bucket, key, id);`;

/** A piece of an object or of an upload, stored in one blob. */
export interface PartRow {
  readonly content: number;
  /** From 1. The parts of an object have the numbers 1 to `partCount`. */
  readonly number: number;
  /** The name of the blob: a file, or `#` and the ID of a small blob; '' for no bytes. */
  readonly file: string;
  /** In bytes. */
  readonly size: number;
  /** Of the bytes, in hex. */
  readonly md5: string;
  /** The MD5, or random if encrypted with a KMS key. */
  readonly etag: string;
  readonly modified: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumValue: string | null;
}

const parts = `CREATE TABLE IF NOT EXISTS parts (
  content INTEGER NOT NULL,
  number INTEGER NOT NULL,
  file TEXT NOT NULL,
  size INTEGER NOT NULL,
  md5 TEXT NOT NULL,
  etag TEXT NOT NULL,
  modified INTEGER NOT NULL,
  checksumAlgorithm TEXT,
  checksumValue TEXT,
  PRIMARY KEY (content, number)
) STRICT, WITHOUT ROWID;`;

/** The bytes of a small blob; larger ones are files. */
export interface SmallBlobRow {
  readonly id: number;
  readonly bytes: Uint8Array;
}

const smallBlobs = `CREATE TABLE IF NOT EXISTS smallBlobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  bytes BLOB NOT NULL
) STRICT;`;

/** An event notification that is not delivered yet. */
export interface OutboxRow {
  /** In the order of the events. */
  readonly id: number;
  readonly queueArn: string;
  /** The message body, JSON. */
  readonly message: string;
}

const outbox = `CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queueArn TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;`;

/** Creates every table that does not exist. */
export const schema = [buckets, objects, uploads, parts, smallBlobs, outbox].join('\n');
