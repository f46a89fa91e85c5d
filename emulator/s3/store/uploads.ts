import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { afterPrefix } from './keys.ts';
import type { UploadRow } from './schema.ts';

const columns = [
  ...['id', 'bucket', 'key', 'initiated', 'storageClass', 'checksumAlgorithm', 'checksumType', 'content'],
  ...['headers', 'tags'],
] as const;

/** The table of open multipart uploads. */
export class UploadTable {
  private readonly select: StatementSync;
  private readonly insert: StatementSync;
  private readonly erase: StatementSync;
  private readonly behind: StatementSync;

  constructor(database: DatabaseSync) {
    const select = `SELECT ${columns.join(', ')} FROM uploads`;
    this.select = database.prepare(`${select} WHERE id = ?`);
    this.insert = database.prepare(
      `INSERT INTO uploads (${columns.join(', ')}) VALUES (${columns.map((column) => `:${column}`).join(', ')})`,
    );
    this.erase = database.prepare('DELETE FROM uploads WHERE id = ?');
    this.behind = database.prepare(`${select} WHERE bucket = ? AND (key, id) > (?, ?) AND key >= ? ORDER BY key, id`);
  }

  /** The upload with this ID, if it belongs to this object. */
  find(bucket: string, key: string, id: string): UploadRow | undefined {
    const row = this.select.get(id) as unknown as UploadRow | undefined;
    return row?.bucket === bucket && row.key === key ? row : undefined;
  }

  add(row: UploadRow): void {
    this.insert.run({ ...row });
  }

  delete(id: string): void {
    this.erase.run(id);
  }

  /** All uploads of a bucket. */
  of(bucket: string): UploadRow[] {
    return this.page(bucket, '', undefined, Infinity);
  }

  /**
   * Up to `limit` uploads by key, then by ID (which is by time).
   * @param after the page starts after this upload; without `id`, after all uploads of the key
   */
  page(bucket: string, prefix: string, after: { key: string; id?: string } | undefined, limit: number): UploadRow[] {
    const found: UploadRow[] = [];
    // Greater than every ID. Without `after`, the empty key and ID are smaller than those of every upload.
    const id = after?.id ?? (after === undefined ? '' : '\u{10ffff}');
    const rows: Iterable<unknown> = this.behind.iterate(bucket, after?.key ?? '', id, prefix);
    const end = afterPrefix(prefix);
    for (const row of rows as Iterable<UploadRow>) {
      if (found.length === limit || (end !== undefined && !row.key.startsWith(prefix))) break;
      found.push(row);
    }
    return found;
  }
}
