import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ChecksumAlgorithm } from './digest/checksum.ts';
import type { Publisher } from './events/publisher.ts';
import type { Origin } from './events/message.ts';
import type { Address } from './http/address.ts';
import type { Authentication } from './http/signature.ts';
import { S3Error } from './errors.ts';
import type { AccessRequest, RequestInfo } from './options.ts';
import type { Personality } from './personalities/personality.ts';
import type { BucketRow, ObjectRow } from './store/schema.ts';
import type { Storage } from './store/storage.ts';
import type { Slice } from './store/pump.ts';

/** What operations use of the server. */
export interface Server {
  /** The personality of the store that a bucket belongs to. */
  readonly personalityOf: (bucket: string) => Personality;
  readonly storage: Storage;
  readonly publisher: Publisher;
  /** The current time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** The region of buckets that are created without a location. */
  readonly region: string;
  /** Computed for bytes that arrive without a checksum. */
  readonly defaultChecksum: ChecksumAlgorithm | null;
  /** Whether the caller is allowed to perform the request: false or a message refuse it. */
  readonly authorize: (request: AccessRequest) => boolean | string;
}

/** An authenticated request. */
export interface Call {
  readonly req: IncomingMessage;
  readonly personality: Personality;
  readonly info: RequestInfo;
  /** Without the parameters that the personality ignores. */
  readonly address: Address;
  /** Without those that the personality ignores. */
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Undefined for an unsigned request. */
  readonly authentication: Authentication | undefined;
  /** Counts the body bytes of request (after aws-chunked decoding) and answer. */
  readonly meter: { bytesIn: number; bytesOut: number };
  /** For fault injection: changes a chunk of the request's body. @param at the chunk's offset */
  readonly tamper?: (piece: Buffer, at: number) => Buffer | Promise<Buffer>;
}

/**
 * Bytes of an object as the body of an answer. `unzip`: they are sent unzipped, without a length. `release` must be
 * called exactly once, whether they are sent or not.
 */
export interface ObjectBody extends Slice {
  readonly unzip?: true;
  readonly release: () => void;
}

/** The answer of an operation. A string body is XML. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | ObjectBody;
}

/** A header of the request. Repeated values are joined with a comma. */
export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** A query parameter, decoded. */
export function parameter(call: Call, name: string): string | undefined {
  return call.address.query.get(name);
}

/**
 * A number from the query, such as `max-keys`.
 * @throws S3Error InvalidArgument if it is not an integer from 0 to 2^31-1
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

/** What names an object. */
export type ObjectName = Pick<RequestInfo, 'bucket' | 'key'>;

/** Finds a bucket. @throws S3Error NoSuchBucket */
export function requireBucket(server: Server, name: string): BucketRow {
  const bucket = server.storage.buckets.find(name);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { details: { BucketName: name } });
  return bucket;
}

/**
 * Finds an object, by default that of the call.
 * @throws S3Error NoSuchBucket; NoSuchKey, or AccessDenied for a caller who may not list the bucket (S3 API Reference:
 *   HeadObject, "Permissions")
 */
export function requireObject(call: Call, server: Server, { bucket, key }: ObjectName = call.info): ObjectRow {
  requireBucket(server, bucket);
  const row = server.storage.objects.find(bucket, key);
  if (row !== undefined) return row;
  if (call.personality.objects.missingUnlisted === 'hidden') {
    requireAllowed(call, server, { operation: 'ListObjectsV2', bucket, key: '' });
  }
  throw new S3Error('NoSuchKey', undefined, { details: { Key: key } });
}

/** Computed for bytes that arrive without a checksum. */
export function defaultChecksum(call: Call, server: Server): ChecksumAlgorithm | null {
  return call.personality.objects.defaultChecksum ? server.defaultChecksum : null;
}

/** Whether the caller of a request may do another thing, too. */
export function permits(call: Call, server: Server, more: RequestInfo, query = noParameters): boolean | string {
  return server.authorize({ ...more, accessKeyId: call.authentication?.accessKeyId, query, headers: {} });
}

const noParameters: ReadonlyMap<string, string> = new Map();

/** @throws S3Error AccessDenied if the caller of a request may not do another thing that it needs */
export function requireAllowed(call: Call, server: Server, more: RequestInfo, query = noParameters): void {
  const allowed = permits(call, server, more, query);
  if (allowed !== true) throw accessDenied(allowed);
}

/** @param refusal what `authorize` answered */
export function accessDenied(refusal: string | false): S3Error {
  return new S3Error('AccessDenied', refusal === false ? undefined : refusal);
}

/** The origin of a request, for event records. */
export function originOf(call: Call): Origin {
  return {
    requestId: call.requestId,
    accessKeyId: call.authentication?.accessKeyId,
    sourceIp: call.req.socket.remoteAddress ?? '',
  };
}
