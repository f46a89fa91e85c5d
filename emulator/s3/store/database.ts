import { DatabaseSync } from 'node:sqlite';

/**
 * Text is compared byte by byte in UTF-8 (SQLite's default collation in an UTF-8 database), which is S3's key order.
 *
 * An object's bytes are the parts of its `content`, in number order; so are an upload's while it is open. Completing
 * an upload hands its content to the object, and no byte moves.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, region TEXT NOT NULL, notifications TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL,
    storageClass TEXT NOT NULL, checksumAlgorithm TEXT, checksumType TEXT, checksumValue TEXT,
    content INTEGER NOT NULL, partCount INTEGER, uploadId TEXT, headers TEXT NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
    storageClass TEXT NOT NULL, checksumAlgorithm TEXT, checksumType TEXT,
    content INTEGER NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS uploadsByKey ON uploads (bucket, key, id);
  CREATE TABLE IF NOT EXISTS parts (
    content INTEGER NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT NOT NULL,
    etag TEXT NOT NULL, modified INTEGER NOT NULL, checksumAlgorithm TEXT, checksumValue TEXT,
    PRIMARY KEY (content, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS smallBlobs (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queueArn TEXT NOT NULL, message TEXT NOT NULL
  ) STRICT;
`;

/**
 * Opens the index, made when missing.
 *
 * A commit is in the operating system's cache before it is acknowledged, so a killed process loses nothing; only a
 * power cut may lose the last commits, and never the index. The lock is kept, so that a second server over the same
 * directory fails here instead of removing the first one's files.
 * @throws Error when another process has it open
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec('PRAGMA cache_size = -65536; PRAGMA busy_timeout = 2000;');
  database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  return database;
}

/** Runs all of it or, when it throws, none of it. */
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
