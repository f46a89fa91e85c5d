import type { BlobStore } from './blobs.ts';

/**
 * Keeps the files of a content on disk while it is read, even if its object is overwritten or deleted meanwhile: a
 * reader gets the complete version with which it started.
 */
export class Pins {
  private readonly blobs: BlobStore;
  private readonly readers = new Map<number, number>();
  private readonly retired = new Map<number, string[]>();
  private readonly removals = new Set<Promise<void>>();
  private readonly onError: (error: unknown) => void;

  constructor(blobs: BlobStore, onError: (error: unknown) => void) {
    this.blobs = blobs;
    this.onError = onError;
  }

  /** Keeps the files of a content until the returned function is called, once. */
  pin(content: number): () => void {
    this.readers.set(content, (this.readers.get(content) ?? 0) + 1);
    return () => {
      const left = (this.readers.get(content) ?? 1) - 1;
      if (left > 0) {
        this.readers.set(content, left);
        return;
      }
      this.readers.delete(content);
      const files = this.retired.get(content);
      this.retired.delete(content);
      if (files !== undefined) this.remove(files);
    };
  }

  /** Removes files that no row refers to any longer: now, or when the last reader of the content has finished. */
  retire(content: number, files: readonly string[]): void {
    if (this.readers.has(content)) this.retired.set(content, [...(this.retired.get(content) ?? []), ...files]);
    else this.remove(files);
  }

  /** Resolves when all removals started so far are done. */
  async settle(): Promise<void> {
    await Promise.all(this.removals);
  }

  private remove(files: readonly string[]): void {
    const removal = this.blobs
      .remove(files)
      .catch(this.onError)
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }
}
