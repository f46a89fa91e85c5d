import type { FinishedRequest, RequestInfo } from '../../emulator/s3/index.ts';

const writing: ReadonlySet<string> = new Set<RequestInfo['operation']>([
  ...(['PutObject', 'CopyObject', 'UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'DeleteObject'] as const),
]);

/** The writes that a store received, and how many of them were repeated. */
export class Writes {
  /** bytes of received bodies, of requests that succeeded and of those that failed */
  bytesSent = 0;
  /** bytes of objects and parts, each counted once */
  bytes = 0;
  /** objects, parts and deletions that were repeated after they had succeeded */
  duplicates = 0;
  readonly #done = new Set<string>();

  see(request: FinishedRequest): void {
    const { operation, status, bytesIn } = request;
    const body = operation === 'PutObject' || operation === 'UploadPart';
    if (body) this.bytesSent += bytesIn;
    if (status >= 200 && status < 300 && this.took(request) && body) this.bytes += bytesIn;
  }

  /** Records that a request took effect, whether its client got the answer or not. @returns is it the first like it? */
  took({ operation, bucket, key, partNumber }: RequestInfo): boolean {
    if (!writing.has(operation)) return false;
    const what = `${operation} ${bucket} ${key} ${partNumber ?? ''}`;
    if (this.#done.has(what)) {
      this.duplicates++;
      return false;
    }
    this.#done.add(what);
    return true;
  }
}
