import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { hashFile, sha256, type SourceFile } from './files.ts';

const objectsAtOnce = 8;

/** An object that is not what it should be, and how. */
export interface Mismatch {
  readonly key: string;
  readonly found: string;
}

/**
 * Reads every object back and compares its SHA-256 with the file on disk.
 * @param onObject told of every object that was read
 * @returns what is missing or different
 */
export async function verifyFiles(
  store: ObjectStore,
  files: readonly SourceFile[],
  onObject: (file: SourceFile) => void,
): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  await forEachConcurrently(files, objectsAtOnce, async (file) => {
    const opened = await store.get(file.key);
    if (!opened) mismatches.push({ key: file.key, found: 'missing' });
    else {
      const [there, here] = await Promise.all([sha256(opened.body as AsyncIterable<Uint8Array>), hashFile(file)]);
      if (there !== here) mismatches.push({ key: file.key, found: `SHA-256 ${there}, the file has ${here}` });
    }
    onObject(file);
  });
  return mismatches;
}
