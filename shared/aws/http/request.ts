import type { Readable } from 'node:stream';
import { KiB, MiB } from '../../model/limits.ts';
import type { LimitBounds } from './answer-limit.ts';

/** A request as the SDK passes it to its handler. */
export interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array | ArrayBuffer | string;
}

const seconds = 1000;
const minutes = 60 * seconds;

/**
 * Kinds of requests whose answers take about the same time at one store, and the bounds within which that time is
 * learned.
 *
 * The minimum: the third transmission of a packet that got lost twice leaves after a second or two, and S3 advises to
 * repeat small requests after two. The maximum: the time that a silent socket was given before anything was learned
 * (180 s). The first limit: long enough for a slow store, and short enough that a function whose first request hangs
 * has time for more.
 */
export const requestKinds = {
  read: { min: 3 * seconds, first: 30 * seconds, max: 180 * seconds },
  small: { min: 3 * seconds, first: 30 * seconds, max: 180 * seconds },
  /** Stores on spinning disks list a page in tens of seconds. */
  list: { min: 5 * seconds, first: 60 * seconds, max: 180 * seconds },
  /**
   * A body that the system has accepted may still be buffered: up to 4 MiB (Linux's tcp_wmem), which take 210 s at
   * 20 KB/s. So the kinds of writes go by size, and a body that the system accepted slowly is given more time.
   */
  'write to 64 KiB': { min: 3 * seconds, first: 30 * seconds, max: 180 * seconds },
  'write to 1 MiB': { min: 5 * seconds, first: 60 * seconds, max: 240 * seconds },
  'write over 1 MiB': { min: 10 * seconds, first: 60 * seconds, max: 240 * seconds },
  /**
   * Copying takes nine minutes for 5 GiB at 10 MB/s, and milliseconds for an empty object: there is nothing to learn.
   */
  copy: { min: 10 * minutes, first: 10 * minutes, max: 10 * minutes },
  /** S3: "processing of a Complete request could take several minutes". */
  complete: { min: 10 * minutes, first: 10 * minutes, max: 10 * minutes },
  /** ReceiveMessage waits 20 s and answers then, or never. */
  poll: { min: 60 * seconds, first: 60 * seconds, max: 60 * seconds },
  /** The other services: DynamoDB answers in milliseconds, StartExecution in a second if it is throttled. */
  call: { min: 5 * seconds, first: 30 * seconds, max: 60 * seconds },
} as const satisfies Record<string, LimitBounds>;

export type RequestKind = keyof typeof requestKinds;

/** The kind of a request: for S3 by the fields that select the operation, for the other services by their target. */
export function kindOf({ method, query = {}, headers }: SdkRequest): RequestKind {
  const target = headers['x-amz-target'];
  if (target !== undefined) return target.endsWith('.ReceiveMessage') ? 'poll' : 'call';
  if (method === 'PUT' && headers['x-amz-copy-source'] !== undefined) return 'copy';
  if (method === 'POST' && query['uploadId'] !== undefined) return 'complete';
  if (method === 'PUT') {
    const length = Number(headers['content-length'] ?? headers['x-amz-decoded-content-length'] ?? Infinity);
    if (length <= 64 * KiB) return 'write to 64 KiB';
    return length <= MiB ? 'write to 1 MiB' : 'write over 1 MiB';
  }
  if (method === 'GET') return query['x-id'] === 'GetObject' ? 'read' : 'list';
  return 'small';
}

/** The attempt of its call, from 1, which the SDK's retries state in a header. */
export function attemptOf({ headers }: SdkRequest): number {
  return Number(/^attempt=([0-9]{1,2});/.exec(headers['amz-sdk-request'] ?? '')?.[1] ?? 1);
}

/** Path and query as they are sent: exactly what was signed, in the same encoding. */
export function targetOf({ path, query = {} }: SdkRequest): string {
  const pairs = Object.keys(query)
    .sort()
    .flatMap((name) => {
      const value = query[name];
      if (value === null || value === undefined) return [escaped(name)];
      return [value].flat().map((one) => `${escaped(name)}=${escaped(one)}`);
    });
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** A key as the path of a URL has it: every byte percent-encoded but unreserved ones and slashes, nothing resolved. */
export function encodedPath(key: string): string {
  return key.split('/').map(escaped).join('/');
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
