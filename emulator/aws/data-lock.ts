import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmulatorError } from './errors.ts';

/**
 * Locks the data directory for this process; creates it if it does not exist. The lock is SQLite's lock on an empty
 * database: the operating system releases it however the process ends. A lock file of our own could not promise that on
 * every platform.
 * @returns unlocks the directory
 * @throws EmulatorError `InvalidInput` if another process holds the lock
 */
export function lockDataDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const lock = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new EmulatorError(
      'InvalidInput',
      `data directory ${directory} is in use by another process; choose another one`,
      {
        cause: error,
      },
    );
  }
  return () => lock.close();
}
