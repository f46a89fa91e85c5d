import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Operation } from './http/route.ts';
import type { Personality } from './personalities/personality.ts';

/** What a request asks for, as the hooks below receive it. */
export interface RequestInfo {
  readonly operation: Operation;
  /** '' for a request to the service itself. */
  readonly bucket: string;
  /** The key exactly as stored; '' for a request to a bucket. */
  readonly key: string;
  readonly partNumber?: number;
  readonly uploadId?: string;
}

/** A request, as it is authorized. */
export interface AccessRequest extends RequestInfo {
  /** Undefined for an unsigned request. */
  readonly accessKeyId: string | undefined;
  /** The first value of each query parameter. */
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

/** A secret access key; a key of a session is valid only with its token. */
export interface Secret {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * What goes wrong with a request.
 * - `status`: this error is the answer; the operation is not performed. Any code is possible. A status of 200 gives the
 *   "200 with an error in the body" with which S3 can answer CompleteMultipartUpload and CopyObject.
 * - `reset`: the connection is reset before the operation is performed.
 * - `lose-answer`: the operation is performed, then the connection is reset instead of the answer.
 * - `truncate`: the answer's body stops after `afterBytes` bytes; the connection is reset, `stallMillis` later.
 * - `reset-body`: the connection is reset after `afterBytes` bytes of the request's body.
 * - `corrupt-body`, `corrupt-answer`: one bit of the byte `atByte` of the request's or the answer's body is flipped.
 * - `trickle`: the answer's body is sent at `bytesPerSecond`.
 * - `trickle-body`: the request's body is read at `bytesPerSecond`.
 * - `stall-body`: after `afterBytes` bytes of the request's body, no more are read until the client disconnects.
 * - `no-answer`: the operation is performed, but not answered before the client disconnects.
 * - `delay`: the operation is performed and answered as usual, `milliseconds` later.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'truncate'; readonly afterBytes: number; readonly stallMillis?: number }
  | { readonly kind: 'reset-body' | 'stall-body'; readonly afterBytes: number }
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'corrupt-body' | 'corrupt-answer'; readonly atByte: number }
  | { readonly kind: 'trickle' | 'trickle-body'; readonly bytesPerSecond: number }
  | { readonly kind: 'delay'; readonly milliseconds: number };

/** Called once per authenticated request, before it is performed. Undefined: the request is handled as usual. */
export type FaultHook = (request: RequestInfo & { readonly req: IncomingMessage }) => Fault | undefined;

/** A request that has ended. */
export interface FinishedRequest extends RequestInfo {
  /** The HTTP status sent, or 0 if the connection ended before the answer started. */
  readonly status: number;
  /** Bytes read of the request's body, after aws-chunked decoding. */
  readonly bytesIn: number;
  /** Bytes sent of the answer's body. */
  readonly bytesOut: number;
}

/** An event message for a queue that the notification configuration of a bucket names. */
export interface Notification {
  readonly queueArn: string;
  /** The message body before JSON encoding: `{ Records: [...] }`, or the `s3:TestEvent` document. */
  readonly message: object;
}

export interface S3ServerOptions {
  /** Holds everything that the server stores; created if it does not exist. Only one server at a time can use it. */
  readonly dataDirectory: string;
  /** The region of buckets that are created without a location constraint. Default us-east-1. */
  readonly region?: string;
  /**
   * How the store differs from S3: one of `personalities`, for all buckets or by the name of a bucket. Default: S3. A
   * bucket keeps its personality: what is stored depends on it.
   */
  readonly personality?: Personality | ((bucket: string) => Personality);
  /** Secret access keys by access key ID. */
  readonly credentials: ReadonlyMap<string, string> | ((accessKeyId: string) => Secret | undefined);
  /**
   * Whether the caller is allowed to perform the request: false or a message refuse it. Called more than once for
   * - a copy: GetObject on its source, and GetObjectTagging and PutObjectTagging if it takes over tags;
   * - DeleteObjects: DeleteObject on each key;
   * - an object that does not exist: HeadBucket. A caller who may not list must not learn that there is none;
   * - an object with tags: GetObjectTagging. Their number is shown only to a caller who may read them.
   *
   * Default: signed requests are allowed, unsigned requests are not.
   */
  readonly authorize?: (request: AccessRequest) => boolean | string;
  /**
   * Delivers a notification. A failed delivery is retried. Events are stored on disk until this succeeds, so they may
   * be delivered twice, but are never lost. Without it, no events are recorded.
   */
  readonly onEvent?: (notification: Notification) => void | Promise<void>;
  /**
   * Whether to compute a CRC64NVME for objects without a checksum, as S3 does since 2025. Default true. It takes 1 s of
   * processor time per GiB, in addition to 1.4 s for the MD5.
   */
  readonly defaultChecksum?: boolean;
  readonly fault?: FaultHook;
  /** The time of this server, in milliseconds since the epoch. Default: the clock of the machine. */
  readonly now?: () => number;
  /** Called once per request when it has ended, answered or not. */
  readonly onRequest?: (request: FinishedRequest) => void;
  /** Called with errors of the server itself, which are answered as InternalError. Default: console.error. */
  readonly onError?: (error: unknown) => void;
}
