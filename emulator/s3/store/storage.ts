import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { BlobStore } from './blobs.ts';
import { BucketTable } from './buckets.ts';
import { openDatabase, transaction } from './database.ts';
import { Lister } from './listing.ts';
import { ObjectTable, PartTable } from './objects.ts';
import { Pins } from './pins.ts';
import type { ObjectRow, PartRow } from './schema.ts';
import { UploadTable } from './uploads.ts';

/** What follows once a transaction is committed. */
export interface Commit {
  /** Removes files of this content, which no row refers to any longer. */
  retire(content: number, files: readonly string[]): void;
  /** Runs after the commit, in order. */
  after(action: () => void): void;
}

/** Large objects whose parts are kept in memory. */
const maxLayouts = 16;

/**
 * Everything the server stores: an index of rows and the files that they refer to. A file is written before a
 * transaction adds its row, so everything acknowledged is complete. A file without a row is garbage, which `open`
 * removes.
 */
export class Storage {
  readonly database: DatabaseSync;
  readonly blobs: BlobStore;
  readonly pins: Pins;
  readonly buckets: BucketTable;
  readonly objects: ObjectTable;
  readonly parts: PartTable;
  readonly uploads: UploadTable;
  readonly lister: Lister;
  private lastContent: number;
  private readonly layouts = new Map<number, readonly PartRow[]>();

  private constructor(database: DatabaseSync, blobs: BlobStore, onError: (error: unknown) => void) {
    this.database = database;
    this.blobs = blobs;
    this.pins = new Pins(blobs, onError);
    this.buckets = new BucketTable(database);
    this.objects = new ObjectTable(database);
    this.parts = new PartTable(database);
    this.uploads = new UploadTable(database);
    this.lister = new Lister(database);
    this.lastContent = this.parts.highestContent();
  }

  /**
   * @param directory created if it does not exist
   * @param onError receives failures to remove files, which do not fail a request
   */
  static async open(directory: string, onError: (error: unknown) => void): Promise<Storage> {
    await mkdir(directory, { recursive: true });
    const database = openDatabase(join(directory, 'index.sqlite'));
    const storage = new Storage(database, await BlobStore.open(join(directory, 'blobs'), database), onError);
    await storage.blobs.sweep(storage.parts.files());
    return storage;
  }

  /** An unused content number. */
  newContent(): number {
    return ++this.lastContent;
  }

  /**
   * The parts of an object, in order. They never change, so those of the large objects read last are cached: reading
   * 10,000 rows takes longer than the rest of a ranged GET.
   */
  partsOf(row: ObjectRow): readonly PartRow[] {
    if (row.partCount === null) return this.parts.of(row.content);
    const parts = this.layouts.get(row.content) ?? this.parts.of(row.content);
    this.layouts.delete(row.content);
    this.layouts.set(row.content, parts);
    const [oldest] = this.layouts.keys();
    if (this.layouts.size > maxLayouts && oldest !== undefined) this.layouts.delete(oldest);
    return parts;
  }

  /** Runs `work` in one transaction and, after the commit, what `work` registered. */
  commit<T>(work: (commit: Commit) => T): T {
    const retired: [number, readonly string[]][] = [];
    const actions: (() => void)[] = [];
    const result = transaction(this.database, () =>
      work({ retire: (content, files) => retired.push([content, files]), after: (action) => actions.push(action) }),
    );
    for (const [content, files] of retired) this.pins.retire(content, files);
    for (const action of actions) action();
    return result;
  }

  /** Inside a commit: puts an object and drops the bytes of the one it replaces. */
  replaceObject(commit: Commit, row: ObjectRow, current: ObjectRow | undefined): void {
    if (current !== undefined) this.dropContent(commit, current.content);
    this.objects.put(row);
  }

  /** Inside a commit: deletes an object and its bytes. */
  dropObject(commit: Commit, row: ObjectRow): void {
    this.objects.delete(row.bucket, row.key);
    this.dropContent(commit, row.content);
  }

  /** Inside a commit: drops all parts of a content except the numbers in `keep`. */
  dropContent(commit: Commit, content: number, keep: ReadonlySet<number> = new Set()): void {
    const dropped = this.parts.of(content).filter((part) => !keep.has(part.number));
    if (keep.size === 0) this.parts.deleteAll(content);
    else for (const part of dropped) this.parts.delete(content, part.number);
    commit.retire(
      content,
      dropped.map((part) => part.file),
    );
  }

  /** Inside a commit: puts a part and drops the bytes of the one with the same number. */
  replacePart(commit: Commit, row: PartRow): void {
    const current = this.parts.find(row.content, row.number);
    if (current !== undefined) commit.retire(row.content, [current.file]);
    this.parts.put(row);
  }

  /** Waits until files are removed, then closes the index. */
  async close(): Promise<void> {
    await this.pins.settle();
    this.database.close();
  }
}
