import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { maxKeyBytes } from '../../shared/model/limits.ts';
import { objectKey, type ObjectKey } from '../../shared/model/object-key.ts';

/** A file to move, and the key of its object. */
export interface SourceFile {
  readonly path: string;
  /** its path below the directory, with slashes */
  readonly key: ObjectKey;
  /** bytes */
  readonly size: number;
  /** milliseconds since the epoch */
  readonly modified: number;
}

/**
 * Lists every regular file below a directory. Links and special files are left out.
 * @param onSkip called for each file whose name cannot be a key, with the reason
 */
export async function listFiles(directory: string, onSkip: (path: string, why: string) => void): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const entry of await opendir(directory, { recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const key = relative(directory, path).split(sep).join('/');
    if (!key.isWellFormed() || key.includes('\ufffd')) onSkip(path, 'its name is not valid UTF-8');
    else if (Buffer.byteLength(key) > maxKeyBytes) onSkip(path, `its path has more than ${maxKeyBytes} bytes`);
    else {
      const { size, mtimeMs } = await stat(path);
      files.push({ path, key: objectKey(key), size, modified: mtimeMs });
    }
  }
  return files;
}

/** SHA-256 of a stream of bytes, in hexadecimal. */
export async function sha256(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** A file up to this size is read at once: the buffers of a stream would cost more. */
const wholeReadMaxBytes = 1024 * 1024;

/** SHA-256 of a file's current content. */
export async function hashFile({ path, size }: Pick<SourceFile, 'path' | 'size'>): Promise<string> {
  if (size > wholeReadMaxBytes) return sha256(createReadStream(path, { highWaterMark: wholeReadMaxBytes }));
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
