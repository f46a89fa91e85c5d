import type { IncomingMessage } from 'node:http';
import type { ChecksumAlgorithm } from './digest/checksum.ts';
import type { Publisher } from './events/publisher.ts';
import type { Origin } from './events/message.ts';
import type { Address } from './http/address.ts';
import type { Authentication } from './http/signature.ts';
import { S3Error } from './errors.ts';
import type { RequestInfo } from './options.ts';
import type { BucketRow, ObjectRow } from './store/rows.ts';
import type { Storage } from './store/storage.ts';
import type { Piece } from './store/pump.ts';

/** What operations work on. */
export interface Server {
  readonly storage: Storage;
  readonly publisher: Publisher;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Where buckets are made when the request does not say. */
  readonly region: string;
  /** Computed for bytes that come without a checksum. */
  readonly defaultChecksum: ChecksumAlgorithm | null;
  /** May the caller do this? */
  readonly allows: (request: RequestInfo & { readonly accessKeyId: string | undefined }) => boolean;
}

/** A request whose signature was checked. */
export interface Call {
  readonly req: IncomingMessage;
  readonly info: RequestInfo;
  readonly address: Address;
  readonly requestId: string;
  /** Undefined: unsigned. */
  readonly authentication: Authentication | undefined;
  /** Counts body bytes read, after aws-chunked decoding. */
  readonly meter: { bytesIn: number; bytesOut: number };
  /** What becomes of a piece of the request's body on its way, for fault injection; `at` is where it begins. */
  readonly tamper?: (piece: Buffer, at: number) => Buffer | Promise<Buffer>;
}

/** Bytes of an object as the body of an answer. `release` has to be called exactly once, sent or not. */
export interface ObjectBody {
  readonly pieces: readonly Piece[];
  readonly start: number;
  readonly length: number;
  readonly release: () => void;
}

/** What an operation answers. Text is XML. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | ObjectBody;
}

/** One header of the request; repeated ones are joined with a comma. */
export function header(call: Call, name: string): string | undefined {
  const value = call.req.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** One query parameter, decoded. */
export function parameter(call: Call, name: string): string | undefined {
  return call.address.query.get(name);
}

/**
 * A number from the query, such as `max-keys`.
 * @throws S3Error InvalidArgument when it is not a whole number from 0 to 2^31-1
 */
export function numberParameter(call: Call, name: string): number | undefined {
  const value = parameter(call, name);
  if (value === undefined || value === '') return undefined;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
  if (!(number < 2 ** 31)) {
    const details = { ArgumentName: name, ArgumentValue: value };
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, { details });
  }
  return number;
}

/** The bucket a request is about, or another. @throws S3Error NoSuchBucket */
export function requireBucket(server: Server, name: string): BucketRow {
  const bucket = server.storage.buckets.find(name);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { details: { BucketName: name } });
  return bucket;
}

/** An object in a bucket. @throws S3Error NoSuchBucket, NoSuchKey */
export function requireObject(server: Server, bucket: string, key: string): ObjectRow {
  requireBucket(server, bucket);
  const row = server.storage.objects.find(bucket, key);
  if (row === undefined) throw new S3Error('NoSuchKey', undefined, { details: { Key: key } });
  return row;
}

/** Who asked, for event records. */
export function originOf(call: Call): Origin {
  return {
    requestId: call.requestId,
    accessKeyId: call.authentication?.accessKeyId,
    sourceIp: call.req.socket.remoteAddress ?? '',
  };
}
