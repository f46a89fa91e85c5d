import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ListedObject, ObjectAttributes } from '../../shared/model/object.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import type { StoredPart } from '../../shared/model/part-plan.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { wholeReadMaxBytes, type SourceFile } from './files.ts';

/** Concurrency and part size of common upload tools. */
const filesAtOnce = 8;
const uploadPartBytes = 16 * 1024 * 1024;

const attributes: ObjectAttributes = { headers: {}, metadata: {}, tags: {} };

/**
 * Uploads files to a bucket, as a user's tool would: small ones with one request, others in parts. A file is skipped if
 * its object exists with the same size and is not older.
 * @param onFile called for every file that is in the bucket, with the bytes that were sent
 */
export async function loadFiles(
  store: ObjectStore,
  files: readonly SourceFile[],
  onFile: (file: SourceFile, sent: number) => void,
): Promise<void> {
  const present = new Map<string, ListedObject>();
  for await (const page of store.list({ prefix: '' })) for (const object of page) present.set(object.key, object);
  await forEachConcurrently(files, filesAtOnce, async (file) => {
    const existing = present.get(file.key);
    const same = existing?.size === file.size && existing.modified >= file.modified;
    if (!same) await loadFile(store, file);
    onFile(file, same ? 0 : file.size);
  });
}

async function loadFile(store: ObjectStore, file: SourceFile): Promise<void> {
  if (file.size <= wholeReadMaxBytes) {
    const data = readFileSync(file.path);
    await store.put(file.key, { data, size: data.length }, attributes);
    return;
  }
  await using handle = await open(file.path);
  if (file.size <= uploadPartBytes) {
    const data = await read(handle, 0, file.size);
    await store.put(file.key, { data, size: data.length }, attributes);
    return;
  }
  const { uploadId } = await store.createUpload(file.key, attributes);
  const parts: StoredPart[] = [];
  for (let start = 0; start < file.size; start += uploadPartBytes) {
    const data = await read(handle, start, Math.min(uploadPartBytes, file.size - start));
    const address = { key: file.key, uploadId, number: parts.length + 1 };
    parts.push(await store.uploadPart(address, { data, size: data.length }));
  }
  await store.completeUpload(file.key, uploadId, parts, { size: file.size });
}

async function read(handle: Awaited<ReturnType<typeof open>>, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error('the file became shorter while it was being read');
    filled += bytesRead;
  }
  return buffer;
}
