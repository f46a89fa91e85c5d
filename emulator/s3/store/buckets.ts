import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BucketRow } from './schema.ts';

/** The table of buckets. */
export class BucketTable {
  private readonly select: StatementSync;
  private readonly insert: StatementSync;
  private readonly erase: StatementSync;
  private readonly notify: StatementSync;
  private readonly list: StatementSync;

  constructor(database: DatabaseSync) {
    const select = 'SELECT name, created, region, notifications FROM buckets';
    this.select = database.prepare(`${select} WHERE name = ?`);
    this.list = database.prepare(`${select} ORDER BY name`);
    this.insert = database.prepare('INSERT INTO buckets VALUES (:name, :created, :region, :notifications)');
    this.erase = database.prepare('DELETE FROM buckets WHERE name = ?');
    this.notify = database.prepare('UPDATE buckets SET notifications = ? WHERE name = ?');
  }

  find(name: string): BucketRow | undefined {
    return this.select.get(name) as unknown as BucketRow | undefined;
  }

  all(): BucketRow[] {
    return this.list.all() as unknown as BucketRow[];
  }

  add(row: BucketRow): void {
    this.insert.run({ ...row });
  }

  delete(name: string): void {
    this.erase.run(name);
  }

  setNotifications(name: string, notifications: string): void {
    this.notify.run(notifications, name);
  }
}
