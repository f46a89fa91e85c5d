import type { IncomingMessage } from 'node:http';
import { S3Error } from '../errors.ts';
import { decodeUri, parseQuery } from './uri.ts';

/** What a request addresses. */
export interface Address {
  /** '' for a request to the service itself. */
  readonly bucket: string;
  /** The key exactly as stored; '' for a request to a bucket or the service. */
  readonly key: string;
  /** The decoded path of the URL as sent. It is signed, and errors name it as the resource. */
  readonly path: string;
  /** Query parameters, decoded, in the order sent. */
  readonly pairs: readonly (readonly [string, string])[];
  /** The first value of each query parameter. */
  readonly query: ReadonlyMap<string, string>;
}

const maxKeyBytes = 1024;

/** `bucket.localhost`, `bucket.s3.localhost` or `bucket.s3.eu-west-1.localhost`, with or without a port. */
const virtualHost = /^(?:(?<bucket>.+?)\.)??(?:s3(?:[.-][a-z0-9-]+)?\.)?localhost(?::\d+)?$/i;

/**
 * Reads bucket, key and query from the request line, in path style or from a virtual-hosted `Host`. It reads the raw
 * URL, because a URL parser would resolve `..` and merge slashes that are part of the key.
 * @throws S3Error InvalidURI, KeyTooLongError
 */
export function readAddress(req: IncomingMessage): Address {
  const url = req.url ?? '/';
  const mark = url.indexOf('?');
  const path = decodeUri(mark < 0 ? url : url.slice(0, mark));
  if (!path.startsWith('/')) throw new S3Error('InvalidURI');
  const pairs = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
  const query = new Map<string, string>();
  for (const [name, value] of pairs) if (!query.has(name)) query.set(name, value);

  const named = virtualHost.exec(req.headers.host ?? '')?.groups?.['bucket'];
  const slash = path.indexOf('/', 1);
  const bucket = named ?? (slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = named !== undefined ? path.slice(1) : slash < 0 ? '' : path.slice(slash + 1);
  if (Buffer.byteLength(key) > maxKeyBytes) {
    const size = String(Buffer.byteLength(key));
    throw new S3Error('KeyTooLongError', undefined, { details: { Size: size, MaxSizeAllowed: String(maxKeyBytes) } });
  }
  return { bucket, key, path, pairs, query };
}
