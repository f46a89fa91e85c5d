import type { BlobStore } from './blobs.ts';

/** A file and the number of its bytes. */
export interface Piece {
  readonly file: string;
  readonly size: number;
}

const BUFFER_BYTES = 256 * 1024;
const IDLE_LIMIT = 64;

/** Fresh buffers cost more than the reading itself (page faults): the same ones are used again. */
const idle: Buffer[] = [];

const borrow = (): Buffer => idle.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);

function giveBack(buffer: Buffer): void {
  if (idle.length < IDLE_LIMIT) idle.push(buffer);
}

/**
 * Reads a range of an object's bytes and hands them on, reading the next while the last are consumed.
 * @param pieces the object's bytes, in order
 * @param start first byte to read
 * @param length bytes to read; all of them have to be there
 * @param consume gets each chunk, which is valid until its promise resolves
 */
export async function pump(
  blobs: BlobStore,
  pieces: readonly Piece[],
  start: number,
  length: number,
  consume: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const buffers: Buffer[] = [];
  let consuming: Promise<void> = Promise.resolve();
  let left = length;
  for await (const chunk of readChunks(blobs, pieces, start, length, buffers)) {
    left -= chunk.length;
    await consuming;
    consuming = consume(chunk);
    // Awaited before the next chunk is handed on; a failure in between must not count as unhandled.
    consuming.catch(() => undefined);
  }
  await consuming;
  if (left !== 0) throw new Error(`${left} bytes are missing from a stored object`);
  // Not on failure: a consumer may still hold them.
  buffers.forEach(giveBack);
}

/** Yields chunks in two buffers by turns: each is valid until the next but one is asked for. */
async function* readChunks(
  blobs: BlobStore,
  pieces: readonly Piece[],
  start: number,
  length: number,
  buffers: Buffer[],
): AsyncGenerator<Buffer> {
  let turn = 0;
  let skip = start;
  let left = length;
  for (const piece of pieces) {
    if (left === 0) break;
    if (skip >= piece.size) {
      skip -= piece.size;
      continue;
    }
    const end = Math.min(piece.size, skip + left);
    left -= end - skip;
    const blob = await blobs.read(piece.file);
    if (Buffer.isBuffer(blob)) {
      yield blob.subarray(skip, end);
    } else {
      try {
        for (let at = skip; at < end;) {
          const buffer = (buffers[turn] ??= borrow());
          turn = 1 - turn;
          const { bytesRead } = await blob.read(buffer, 0, Math.min(BUFFER_BYTES, end - at), at);
          if (bytesRead === 0) throw new Error(`A stored file is shorter than its ${piece.size} bytes`);
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await blob.close();
      }
    }
    skip = 0;
  }
}
