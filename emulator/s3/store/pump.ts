import type { BlobStore } from './blobs.ts';

/** A blob and its size in bytes. */
export interface Piece {
  readonly file: string;
  readonly size: number;
}

const bufferBytes = 256 * 1024;
const maxIdleBuffers = 64;

/** Page faults make new buffers more expensive than the reading itself, so buffers are reused. */
const idle: Buffer[] = [];

const borrow = (): Buffer => idle.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);

function recycle(buffer: Buffer): void {
  if (idle.length < maxIdleBuffers) idle.push(buffer);
}

/** A range of an object's bytes. */
export interface Slice {
  /** The blobs of the whole object, in order. */
  readonly pieces: readonly Piece[];
  /** The first byte. */
  readonly start: number;
  /** In bytes. */
  readonly length: number;
}

/**
 * Reads a slice and passes it on in chunks. The next chunk is read while the last one is consumed.
 * @param consume receives each chunk, which is valid until the returned promise resolves
 * @throws Error if the blobs hold fewer bytes than the slice
 */
export async function pump(blobs: BlobStore, slice: Slice, consume: (chunk: Buffer) => Promise<void>): Promise<void> {
  const buffers: Buffer[] = [];
  let consuming: Promise<void> = Promise.resolve();
  let left = slice.length;
  for await (const chunk of readChunks(blobs, slice, buffers)) {
    left -= chunk.length;
    await consuming;
    consuming = consume(chunk);
    // Awaited before the next chunk is passed on; a failure in between must not count as unhandled.
    consuming.catch(() => undefined);
  }
  await consuming;
  if (left !== 0) throw new Error(`${left} bytes are missing from a stored object`);
  // Not after a failure: a consumer may still use them.
  buffers.forEach(recycle);
}

/** Yields chunks in two alternating buffers: a chunk is valid until the next but one is requested. */
async function* readChunks(blobs: BlobStore, slice: Slice, buffers: Buffer[]): AsyncGenerator<Buffer> {
  let turn = 0;
  let skip = slice.start;
  let left = slice.length;
  for (const piece of slice.pieces) {
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
          const { bytesRead } = await blob.read(buffer, 0, Math.min(bufferBytes, end - at), at);
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
