import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { maxSmallBytes, SmallBlobs } from './small-blobs.ts';

/** Bytes per write call: large enough for a low cost per byte, small enough for many requests at once. */
const batchWriteBytes = 1024 * 1024;

/** A random name; `randomUUID` needs few system calls. */
const newName = (): string => randomUUID().replaceAll('-', '');

/**
 * Writes a new blob. The caller must not change the bytes passed to `write` before `drain` or `finish` has resolved. At
 * most two batches are in memory: one that is written and one that is filled.
 */
export class BlobWriter {
  private readonly small: SmallBlobs;
  private readonly name = newName();
  private readonly path: string;
  private handle: FileHandle | undefined;
  private batch: Uint8Array[] = [];
  private batchBytes = 0;
  private writing: Promise<void> = Promise.resolve();

  /** Use `BlobStore.create`. */
  constructor(small: SmallBlobs, pathOf: (name: string) => string) {
    this.small = small;
    this.path = pathOf(this.name);
  }

  /** Adds bytes; resolves when the writer can take more. Rejects if writing failed. */
  async write(chunk: Uint8Array): Promise<void> {
    this.batch.push(chunk);
    this.batchBytes += chunk.length;
    if (this.batchBytes >= batchWriteBytes) await this.flush();
  }

  /** Waits until all bytes passed so far are written. */
  async drain(): Promise<void> {
    await this.flush();
    await this.writing;
  }

  /** Writes the remaining bytes. @returns the name of the blob, '' if it has no bytes */
  async finish(): Promise<string> {
    if (this.handle === undefined) {
      if (this.batchBytes === 0) return '';
      if (this.batchBytes <= maxSmallBytes) return this.small.add(Buffer.concat(this.batch));
    }
    await this.drain();
    await this.handle?.close();
    this.handle = undefined;
    return this.name;
  }

  /** Closes and removes the file. */
  async discard(): Promise<void> {
    // The caller already knows why writing failed.
    await this.writing.catch(() => undefined);
    if (this.handle === undefined) return;
    await this.handle.close();
    await removeFile(this.path);
  }

  private async flush(): Promise<void> {
    await this.writing;
    const batch = this.batch;
    const bytes = this.batchBytes;
    if (bytes === 0) return;
    this.batch = [];
    this.batchBytes = 0;
    this.handle ??= await open(this.path, 'wx');
    this.writing = writeAll(this.handle, batch, bytes);
    // The next await reports a failure; until then it must not count as unhandled.
    this.writing.catch(() => undefined);
  }
}

async function writeAll(handle: FileHandle, batch: Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await handle.writev(batch);
  if (bytesWritten !== bytes) throw new Error(`The disk took ${bytesWritten} of ${bytes} bytes`);
}

/** Removes a file unless it does not exist. */
async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Immutable blobs with random names: large ones in files, small ones in the index. No path contains an object's key.
 * The name '' stands for no bytes.
 */
export class BlobStore {
  private readonly directory: string;
  private readonly small: SmallBlobs;

  private constructor(directory: string, small: SmallBlobs) {
    this.directory = directory;
    this.small = small;
  }

  /** Opens a store over a directory, created if it does not exist, and the index. */
  static async open(directory: string, database: DatabaseSync): Promise<BlobStore> {
    // One directory per first digit, so that no directory grows very large.
    for (const digit of '0123456789abcdef') await mkdir(join(directory, digit), { recursive: true });
    return new BlobStore(directory, new SmallBlobs(database));
  }

  /** Starts a new blob. Its file is created with its first bytes. */
  create(): BlobWriter {
    return new BlobWriter(this.small, (name) => this.path(name));
  }

  /** Gives a blob a second, independent name. The bytes of a large blob are not copied. */
  async link(name: string): Promise<string> {
    if (SmallBlobs.names(name)) return this.small.copy(name);
    const copy = newName();
    await link(this.path(name), this.path(copy));
    return copy;
  }

  /** Opens a blob for reading: its bytes if it is small, else its file, which the caller closes. */
  async read(name: string): Promise<Buffer | FileHandle> {
    return SmallBlobs.names(name) ? this.small.read(name) : open(this.path(name), 'r');
  }

  /** Removes blobs; ignores those that do not exist. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      if (SmallBlobs.names(name)) this.small.remove(name);
      else if (name !== '') await removeFile(this.path(name));
    }
  }

  /**
   * Removes every blob that no part refers to, which a killed process left behind.
   * @param known the files that parts refer to
   */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    this.small.sweep();
    for (const directory of await readdir(this.directory)) {
      const names = await readdir(join(this.directory, directory));
      await this.remove(names.filter((name) => !known.has(name)));
    }
  }

  private path(name: string): string {
    return join(this.directory, name.slice(0, 1), name);
  }
}
