import type { BlobStore } from './blobs.ts';

/**
 * Keeps the files of a content on disk while somebody reads it, although its object was overwritten or deleted: a
 * reader that began gets the version it began with, whole.
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

  /** From now until the returned function is called (once), this content's files stay. */
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

  /** Removes files that no row names any more: now, or when the last reader of their content is done. */
  retire(content: number, files: readonly string[]): void {
    if (this.readers.has(content)) this.retired.set(content, [...(this.retired.get(content) ?? []), ...files]);
    else this.remove(files);
  }

  /** Resolves when all removals begun so far are over. */
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
