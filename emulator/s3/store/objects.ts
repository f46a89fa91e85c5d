import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ObjectRow, PartRow } from './schema.ts';

const objectColumns = [
  ...['bucket', 'key', 'size', 'etag', 'modified', 'storageClass', 'checksumAlgorithm', 'checksumType'],
  ...['checksumValue', 'content', 'partCount', 'uploadId', 'headers', 'tags'],
] as const;

const partColumns = [
  ...['content', 'number', 'file', 'size', 'md5', 'etag', 'modified', 'checksumAlgorithm', 'checksumValue'],
] as const;

const list = (columns: readonly string[]): string => columns.join(', ');
const named = (columns: readonly string[]): string => columns.map((column) => `:${column}`).join(', ');

/** The table of objects. */
export class ObjectTable {
  private readonly select: StatementSync;
  private readonly replace: StatementSync;
  private readonly erase: StatementSync;
  private readonly tags: StatementSync;
  private readonly any: StatementSync;

  constructor(database: DatabaseSync) {
    this.select = database.prepare(`SELECT ${list(objectColumns)} FROM objects WHERE bucket = ? AND key = ?`);
    this.replace = database.prepare(
      `INSERT OR REPLACE INTO objects (${list(objectColumns)}) VALUES (${named(objectColumns)})`,
    );
    this.erase = database.prepare('DELETE FROM objects WHERE bucket = ? AND key = ?');
    this.tags = database.prepare('UPDATE objects SET tags = ? WHERE bucket = ? AND key = ?');
    this.any = database.prepare('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1');
  }

  find(bucket: string, key: string): ObjectRow | undefined {
    return this.select.get(bucket, key) as unknown as ObjectRow | undefined;
  }

  put(row: ObjectRow): void {
    this.replace.run({ ...row });
  }

  delete(bucket: string, key: string): void {
    this.erase.run(bucket, key);
  }

  setTags(bucket: string, key: string, tags: string): void {
    this.tags.run(tags, bucket, key);
  }

  isEmpty(bucket: string): boolean {
    return this.any.get(bucket) === undefined;
  }
}

/** The table of parts, which hold the bytes of objects and of open uploads. */
export class PartTable {
  private readonly database: DatabaseSync;
  private readonly all: StatementSync;
  private readonly one: StatementSync;
  private readonly some: StatementSync;
  private readonly replace: StatementSync;
  private readonly erase: StatementSync;
  private readonly eraseAll: StatementSync;
  private readonly renumberOne: StatementSync;

  constructor(database: DatabaseSync) {
    const select = `SELECT ${list(partColumns)} FROM parts WHERE content = ?`;
    this.database = database;
    this.all = database.prepare(`${select} ORDER BY number`);
    this.one = database.prepare(`${select} AND number = ?`);
    this.some = database.prepare(`${select} AND number > ? ORDER BY number LIMIT ?`);
    this.replace = database.prepare(
      `INSERT OR REPLACE INTO parts (${list(partColumns)}) VALUES (${named(partColumns)})`,
    );
    this.erase = database.prepare('DELETE FROM parts WHERE content = ? AND number = ?');
    this.eraseAll = database.prepare('DELETE FROM parts WHERE content = ?');
    this.renumberOne = database.prepare('UPDATE parts SET number = ? WHERE content = ? AND number = ?');
  }

  /** All parts of a content, by number. */
  of(content: number): PartRow[] {
    return this.all.all(content) as unknown as PartRow[];
  }

  find(content: number, number: number): PartRow | undefined {
    return this.one.get(content, number) as unknown as PartRow | undefined;
  }

  /** Up to `limit` parts with a number above `marker`. */
  page(content: number, marker: number, limit: number): PartRow[] {
    return this.some.all(content, marker, limit) as unknown as PartRow[];
  }

  put(row: PartRow): void {
    this.replace.run({ ...row });
  }

  delete(content: number, number: number): void {
    this.erase.run(content, number);
  }

  deleteAll(content: number): void {
    this.eraseAll.run(content);
  }

  /** Gives a part a lower, unused number. */
  renumber(content: number, from: number, to: number): void {
    this.renumberOne.run(to, content, from);
  }

  /** The names of all blobs stored as files. */
  files(): Set<string> {
    const files = new Set<string>();
    const rows: Iterable<unknown> = this.database.prepare("SELECT file FROM parts WHERE file NOT LIKE '#%'").iterate();
    for (const { file } of rows as Iterable<Pick<PartRow, 'file'>>) files.add(file);
    return files;
  }

  /** The highest content number in use; 0 if none is. */
  highestContent(): number {
    const contents = ['parts', 'objects', 'uploads'].map((table) => `SELECT content FROM ${table}`);
    const sql = `SELECT max(content) AS highest FROM (${contents.join(' UNION ALL ')})`;
    const row = this.database.prepare(sql).get() as unknown as { highest: number | null };
    return row.highest ?? 0;
  }
}
