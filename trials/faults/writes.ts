import type { FinishedRequest, RequestInfo } from '../../emulator/s3/index.ts';

const writing: ReadonlySet<string> = new Set<RequestInfo['operation']>([
  ...(['PutObject', 'CopyObject', 'UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'DeleteObject'] as const),
]);

/** What a store was made to do for some objects, and how much of it twice. */
export class Writes {
  /** bytes of bodies that came, of requests that succeeded and of those that failed */
  bytesSent = 0;
  /** bytes of objects and parts, each counted once */
  bytes = 0;
  /** objects, parts and deletions that were done once more after they had been done */
  duplicates = 0;
  readonly #done = new Set<string>();

  see(request: FinishedRequest): void {
    const { operation, status, bytesIn } = request;
    const body = operation === 'PutObject' || operation === 'UploadPart';
    if (body) this.bytesSent += bytesIn;
    if (status >= 200 && status < 300 && this.took(request) && body) this.bytes += bytesIn;
  }

  /** A request took effect, whether its client heard of it or not. @returns for the first time? */
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
