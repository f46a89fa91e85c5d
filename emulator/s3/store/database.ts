import { DatabaseSync } from 'node:sqlite';
import { schema } from './schema.ts';

/**
 * Opens the index; creates it if it does not exist.
 *
 * A commit is in the operating system's cache before it is acknowledged, so a killed process loses nothing. A power cut
 * may lose the last commits, but never the whole index. The lock is held while the index is open, so that a second
 * server over the same directory fails here instead of removing the files of the first.
 * @throws Error if another process has the index open
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec('PRAGMA cache_size = -65536; PRAGMA busy_timeout = 2000;');
  database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  return database;
}

/** Runs `work` in a transaction, which is rolled back if `work` throws. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
