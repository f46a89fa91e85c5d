import type { FinishedRequest } from '../../emulator/s3/index.ts';
import { localNames } from './settings.ts';

type WriteListener = (more: { readonly objects: number; readonly bytes: number }) => void;

/**
 * Counts what the destination bucket confirmed. The store's answers are the evidence, not the counters of the pipeline.
 */
export class ConfirmedWrites {
  readonly #keys = new Set<string>();
  #bytes = 0;
  #listener: WriteListener | undefined;

  /** Objects that were written at least once. */
  get objects(): number {
    return this.#keys.size;
  }

  /** Bytes of whole bodies and of parts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param listener receives each increase; undefined stops it */
  listen(listener: WriteListener | undefined): void {
    this.#listener = listener;
  }

  record({ bucket, operation, status, key, bytesIn }: FinishedRequest): void {
    if (bucket !== localNames.destinationBucket || status !== 200) return;
    const bytes = operation === 'PutObject' || operation === 'UploadPart' ? bytesIn : 0;
    const isWhole = operation === 'PutObject' || operation === 'CompleteMultipartUpload';
    const isNew = isWhole && !this.#keys.has(key);
    if (isNew) this.#keys.add(key);
    this.#bytes += bytes;
    if (isNew || bytes > 0) this.#listener?.({ objects: isNew ? 1 : 0, bytes });
  }
}
