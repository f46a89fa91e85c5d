import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { S3Error } from '../errors.ts';
import { afterPrefix, compareKeys } from './keys.ts';
import type { ObjectRow } from './schema.ts';

/** The columns of an object that a listing shows. */
export type ListedObject = Pick<
  ObjectRow,
  'key' | 'size' | 'etag' | 'modified' | 'storageClass' | 'headers' | 'checksumAlgorithm' | 'checksumType'
>;

/** Where a page starts: after a key, or after all keys with a common prefix that was already listed. */
export interface Position {
  readonly kind: 'key' | 'prefix';
  readonly value: string;
}

/** One page of a listing. */
export interface Page {
  readonly objects: readonly ListedObject[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page starts; undefined on the last page. */
  readonly next: Position | undefined;
}

export interface PageRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: Position | undefined;
  /** The maximum of objects and common prefixes together. */
  readonly limit: number;
  /** Of UTF-8 bytes, by default, or of JavaScript strings. */
  readonly order?: 'utf8' | 'utf16';
  /** Whether the key to start after is listed too. */
  readonly repeats?: boolean;
}

const columns = 'key, size, etag, modified, storageClass, headers, checksumAlgorithm, checksumType';

/**
 * Lists objects by scanning the index from the start of the page. The cost of a page is independent of the bucket's
 * size.
 */
export class Lister {
  private readonly from: StatementSync;
  private readonly behind: StatementSync;

  constructor(database: DatabaseSync) {
    const select = `SELECT ${columns} FROM objects WHERE bucket = ?`;
    this.from = database.prepare(`${select} AND key >= ? ORDER BY key`);
    this.behind = database.prepare(`${select} AND key > ? ORDER BY key`);
  }

  /** One page. */
  page(request: PageRequest): Page {
    return request.order === 'utf16' ? this.sortedPage(request) : this.scannedPage(request);
  }

  /** One page in the order of JavaScript strings. It reads all keys with the prefix. */
  private sortedPage({ bucket, prefix, delimiter, after, limit }: PageRequest): Page {
    if (delimiter !== '') throw new S3Error('NotImplemented', 'This order has no delimiters here');
    const rows = [...(this.from.iterate(bucket, prefix) as Iterable<unknown> as Iterable<ListedObject>)];
    const found = rows
      .filter(({ key }) => key.startsWith(prefix) && (after === undefined || key > after.value))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const objects = found.slice(0, limit);
    const last = objects.at(-1);
    const next = found.length > limit && last ? { kind: 'key' as const, value: last.key } : undefined;
    return { objects, commonPrefixes: [], next };
  }

  private scannedPage({ bucket, prefix, delimiter, after, limit, repeats = false }: PageRequest): Page {
    const objects: ListedObject[] = [];
    const commonPrefixes: string[] = [];
    let last: Position | undefined;
    let scan = this.start(prefix, after);
    if (scan && repeats) scan = { ...scan, inclusive: true };
    while (scan !== undefined && limit > 0) {
      const rows = (scan.inclusive ? this.from : this.behind).iterate(bucket, scan.key);
      scan = undefined;
      for (const row of rows as Iterable<unknown> as Iterable<ListedObject>) {
        if (!row.key.startsWith(prefix)) break;
        if (objects.length + commonPrefixes.length === limit) return { objects, commonPrefixes, next: last };
        const end = delimiter === '' ? -1 : row.key.indexOf(delimiter, prefix.length);
        if (end < 0) {
          objects.push(row);
          last = { kind: 'key', value: row.key };
          continue;
        }
        const common = row.key.slice(0, end + delimiter.length);
        commonPrefixes.push(common);
        last = { kind: 'prefix', value: common };
        const beyond = afterPrefix(common);
        if (beyond !== undefined) scan = { key: beyond, inclusive: true };
        break;
      }
    }
    return { objects, commonPrefixes, next: undefined };
  }

  private start(prefix: string, after: Position | undefined): { key: string; inclusive: boolean } | undefined {
    if (after === undefined) return { key: prefix, inclusive: true };
    const behind = after.kind === 'key' ? after.value : afterPrefix(after.value);
    if (behind === undefined) return undefined;
    const first = compareKeys(behind, prefix) < 0;
    return first ? { key: prefix, inclusive: true } : { key: behind, inclusive: after.kind === 'prefix' };
  }
}
