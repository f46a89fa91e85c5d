import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { hashFile, sha256, type SourceFile } from './files.ts';

const objectsAtOnce = 8;

/** An object that differs from its file. */
export interface Mismatch {
  readonly key: string;
  /** what was found instead */
  readonly found: string;
}

/**
 * Reads every object back and compares its SHA-256 with the file on disk.
 * @param onObject called after each object
 * @returns the objects that are missing or different
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
      const [stored, expected] = await Promise.all([sha256(opened.body as AsyncIterable<Uint8Array>), hashFile(file)]);
      if (stored !== expected) mismatches.push({ key: file.key, found: `SHA-256 ${stored}, the file has ${expected}` });
    }
    onObject(file);
  });
  return mismatches;
}
