import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmulatorError } from './errors.ts';

/**
 * Takes the data directory for this process, making it where it is missing. The lock is SQLite's lock on an empty
 * database: the operating system drops it when the process dies, however it dies, which no lock file of our own would
 * give on every platform.
 * @returns gives the directory free again
 * @throws EmulatorError `InvalidInput` where another process has it
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
