import type { IncomingMessage } from 'node:http';
import type { Operation } from './http/route.ts';

/** What a request asks for, as given to the hooks below. */
export interface RequestInfo {
  readonly operation: Operation;
  /** The bucket, or '' for a request on the service itself. */
  readonly bucket: string;
  /** The key exactly as stored, or '' for a request on a bucket. */
  readonly key: string;
  readonly partNumber?: number;
  readonly uploadId?: string;
}

/**
 * What goes wrong with a request.
 * - `status`: answered with this error; the operation is not performed. A status of 200 gives the "200 with an error
 *   in the body" that S3 can answer CompleteMultipartUpload and CopyObject with. Any code may be named.
 * - `reset`: the connection is reset before the operation is performed and before anything is answered.
 * - `lose-answer`: the operation is performed, then the connection is reset instead of the answer.
 * - `truncate`: the answer's body stops after `afterBytes` bytes; the connection is reset, `stallMilliseconds` later.
 * - `reset-body`: the connection is reset after `afterBytes` bytes of the request's body.
 * - `corrupt-body`, `corrupt-answer`: one bit of the byte `atByte` of the request's or the answer's body is another.
 * - `trickle`: the answer's body comes at `bytesPerSecond`.
 * - `trickle-body`: the request's body is read at `bytesPerSecond`.
 * - `stall-body`: after `afterBytes` bytes of the request's body no more are read, until the client goes away.
 * - `no-answer`: the operation is performed, and nothing is answered until the client goes away.
 * - `delay`: the operation is performed and answered as usual, `milliseconds` later.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'truncate'; readonly afterBytes: number; readonly stallMilliseconds?: number }
  | { readonly kind: 'reset-body' | 'stall-body'; readonly afterBytes: number }
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'corrupt-body' | 'corrupt-answer'; readonly atByte: number }
  | { readonly kind: 'trickle' | 'trickle-body'; readonly bytesPerSecond: number }
  | { readonly kind: 'delay'; readonly milliseconds: number };

/** Asked once for each request that is signed well, before it is performed. Undefined: nothing goes wrong. */
export type FaultHook = (request: RequestInfo & { readonly req: IncomingMessage }) => Fault | undefined;

/** A request that is over. */
export interface FinishedRequest extends RequestInfo {
  /** The HTTP status sent, or 0 when the connection ended before an answer began. */
  readonly status: number;
  /** Bytes of the request's body after aws-chunked decoding, as far as it was read. */
  readonly bytesIn: number;
  /** Bytes of the answer's body handed to the connection. */
  readonly bytesOut: number;
}

/** An S3 event message on its way to the queue a bucket's notification configuration names. */
export interface Notification {
  readonly queueArn: string;
  /** The message body before JSON encoding: `{ Records: [...] }`, or the `s3:TestEvent` document. */
  readonly message: object;
}

/** What the server is to be. */
export interface S3ServerOptions {
  /** Holds everything the server stores; made when missing. One server at a time. */
  readonly dataDirectory: string;
  /** Region of buckets that are created without a location constraint. Default us-east-1. */
  readonly region?: string;
  /** Secret access keys by access key id. */
  readonly credentials: ReadonlyMap<string, string> | ((accessKeyId: string) => string | undefined);
  /**
   * May this caller (undefined: unsigned request) do this? A copy asks a second time, as GetObject on its source.
   * Default: whoever signs may do everything, unsigned requests nothing.
   */
  readonly authorize?: (request: RequestInfo & { readonly accessKeyId: string | undefined }) => boolean;
  /**
   * Delivers a notification. Events are kept on disk until this succeeds, so they may be delivered twice, never lost;
   * a delivery that fails is tried again. Without it no events are recorded.
   */
  readonly onEvent?: (notification: Notification) => void | Promise<void>;
  /**
   * Compute a CRC64NVME for what comes without a checksum, as S3 does since 2025? Default true. It takes 1 s of
   * processor time a GiB, beside 1.4 s for the MD5.
   */
  readonly defaultChecksum?: boolean;
  readonly fault?: FaultHook;
  /** Milliseconds since the epoch, as this store sees it. Default: the machine's clock. */
  readonly now?: () => number;
  /** Called once for each request when it is over, answered or not. */
  readonly onRequest?: (request: FinishedRequest) => void;
  /** Called with errors that are the server's own fault (answered as InternalError). Default: console.error. */
  readonly onError?: (error: unknown) => void;
}
