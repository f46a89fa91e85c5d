import { createHash, hash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
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

/** Receives each file whose name cannot be a key, with the reason. */
type OnSkip = (path: string, why: string) => void;

/** Lists every regular file below a directory. Links and special files are left out. */
export async function listFiles(directory: string, onSkip: OnSkip): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const path of filesBelow(directory)) {
    const file = await sourceFile(directory, path, onSkip);
    if (file) files.push(file);
  }
  return files;
}

/** How many files are moved if none are named. */
const chosenFiles = 5000;
/** Files over this size are not chosen: one is large already. */
const chosenMaxBytes = 32 * 1024 * 1024;

/**
 * Chooses real files of many kinds: some, evenly spread over all below a directory, and the program of this process,
 * which has over 100 MB.
 */
export async function chooseFiles(directory: string, onSkip: OnSkip): Promise<SourceFile[]> {
  const paths: string[] = [];
  for await (const path of filesBelow(directory)) paths.push(path);
  paths.sort();
  const count = Math.min(paths.length, chosenFiles - 1);
  const chosen = Array.from({ length: count }, (_, index) => paths[Math.floor((index * paths.length) / count)] ?? '');
  const files: SourceFile[] = [];
  for (const path of chosen) {
    const file = await sourceFile(directory, path, onSkip);
    if (file && file.size <= chosenMaxBytes) files.push(file);
  }
  const program = await realpath(process.execPath);
  const { size, mtimeMs } = await stat(program);
  const key = objectKey(`program/${basename(program)}`);
  return [...files.filter((file) => file.key !== key), { path: program, key, size, modified: mtimeMs }];
}

async function* filesBelow(directory: string): AsyncGenerator<string> {
  for await (const entry of await opendir(directory, { recursive: true })) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
  }
}

/** @returns undefined for a file whose name cannot be a key */
async function sourceFile(directory: string, path: string, onSkip: OnSkip): Promise<SourceFile | undefined> {
  const key = relative(directory, path).split(sep).join('/');
  if (!key.isWellFormed() || key.includes('\ufffd')) onSkip(path, 'its name is not valid UTF-8');
  else if (Buffer.byteLength(key) > maxKeyBytes) onSkip(path, `its path has more than ${maxKeyBytes} bytes`);
  else {
    const { size, mtimeMs } = await stat(path);
    return { path, key: objectKey(key), size, modified: mtimeMs };
  }
  return undefined;
}

/** SHA-256 of a stream of bytes, in hexadecimal. */
export async function sha256(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** A file up to this size is read in one go, and synchronously: the way to Node's threads would cost more. */
export const wholeReadMaxBytes = 1024 * 1024;

/** SHA-256 of a file's current content. */
export async function hashFile({ path, size }: Pick<SourceFile, 'path' | 'size'>): Promise<string> {
  if (size > wholeReadMaxBytes) return sha256(createReadStream(path, { highWaterMark: wholeReadMaxBytes }));
  return hash('sha256', readFileSync(path));
}
