import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SMALL_BYTES, SmallBlobs } from './small-blobs.ts';

/** One write call takes this much: large enough to cost nothing a byte, small enough for many requests at a time. */
const WRITE_BYTES = 1024 * 1024;

/** Random, from a generator that hands out many for one call to the system. */
const newName = (): string => randomUUID().replaceAll('-', '');

/**
 * A new blob being written. Bytes given to `write` may not be changed until it is over. Two batches are in memory at
 * most: one being written, one being filled.
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

  /** Takes bytes; resolves when the writer can take more. Rejects when the disk does not take them. */
  async write(chunk: Uint8Array): Promise<void> {
    this.batch.push(chunk);
    this.batchBytes += chunk.length;
    if (this.batchBytes >= WRITE_BYTES) await this.flush();
  }

  /** Waits until no given byte is needed any more. */
  async drain(): Promise<void> {
    await this.flush();
    await this.writing;
  }

  /** Writes what is left. @returns the blob's name, '' when there are no bytes */
  async finish(): Promise<string> {
    if (this.handle === undefined) {
      if (this.batchBytes === 0) return '';
      if (this.batchBytes <= SMALL_BYTES) return this.small.add(Buffer.concat(this.batch));
    }
    await this.drain();
    await this.handle?.close();
    this.handle = undefined;
    return this.name;
  }

  /** Gives up: closes and removes the file. */
  async discard(): Promise<void> {
    // Why it failed is known to whoever gives up.
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
    // The failure is reported by whoever awaits it next; until then it must not count as unhandled.
    this.writing.catch(() => undefined);
  }
}

async function writeAll(handle: FileHandle, batch: Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await handle.writev(batch);
  if (bytesWritten !== bytes) throw new Error(`The disk took ${bytesWritten} of ${bytes} bytes`);
}

/** A file that is not there counts as removed. */
async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Blobs with random names, each written once and never changed: large ones in files, small ones in the index. Keys
 * never become part of a path. The name '' stands for no bytes.
 */
export class BlobStore {
  private readonly directory: string;
  private readonly small: SmallBlobs;

  private constructor(directory: string, small: SmallBlobs) {
    this.directory = directory;
    this.small = small;
  }

  /** Opens a store over this directory, made when missing, and the index. */
  static async open(directory: string, database: DatabaseSync): Promise<BlobStore> {
    // Spread over directories by the first digit, so that none grows very large.
    for (const digit of '0123456789abcdef') await mkdir(join(directory, digit), { recursive: true });
    return new BlobStore(directory, new SmallBlobs(database));
  }

  /** Starts a new blob. Nothing is on disk before its first bytes are. */
  create(): BlobWriter {
    return new BlobWriter(this.small, (name) => this.path(name));
  }

  /** Gives a blob a second name, under which it lives on its own: for a large one no bytes are moved. */
  async link(name: string): Promise<string> {
    if (SmallBlobs.names(name)) return this.small.copy(name);
    const copy = newName();
    await link(this.path(name), this.path(copy));
    return copy;
  }

  /** Opens a blob for reading: bytes when it is small, else its file, which the caller closes. */
  async read(name: string): Promise<Buffer | FileHandle> {
    return SmallBlobs.names(name) ? this.small.read(name) : open(this.path(name), 'r');
  }

  /** Removes blobs; those that are not there count as removed. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      if (SmallBlobs.names(name)) this.small.remove(name);
      else if (name !== '') await removeFile(this.path(name));
    }
  }

  /**
   * Removes every blob that no part names: what a killed process left behind.
   * @param known the files that parts name
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
