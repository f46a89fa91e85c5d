import type { ChecksumAlgorithm } from '../digest/checksum.ts';
import { Digests } from '../digest/hashers.ts';
import { readClaims, receive } from '../http/body.ts';
import type { ByteRange } from '../http/range.ts';
import type { BlobWriter } from '../store/blobs.ts';
import { pump } from '../store/pump.ts';
import type { ObjectRow, PartRow } from '../store/schema.ts';
import type { Storage } from '../store/storage.ts';
import type { Call, Server } from '../call.ts';

/** Bytes in a blob that no row refers to yet. */
export interface StoredBytes {
  /** '' for no bytes. */
  readonly file: string;
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64. */
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  /** The algorithm of the checksum in the request. */
  readonly sent: ChecksumAlgorithm | undefined;
}

/** Writes a blob. If `write` fails, the blob is removed. */
async function writing(
  storage: Storage,
  write: (writer: BlobWriter) => Promise<Omit<StoredBytes, 'file'>>,
): Promise<StoredBytes> {
  const writer = storage.blobs.create();
  try {
    const written = await write(writer);
    return { ...written, file: await writer.finish() };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Stores the body of a request. @throws as `receive` */
export async function storeBody(call: Call, { storage }: Server, also: ChecksumAlgorithm | null): Promise<StoredBytes> {
  const claims = readClaims(call);
  return writing(storage, (writer) =>
    receive(call, claims, also === null ? [] : [also], (chunk) => writer.write(chunk)),
  );
}

/** The part that is exactly this range, if any. */
function wholePart(parts: readonly PartRow[], { start, length }: ByteRange): PartRow | undefined {
  let at = 0;
  for (const part of parts) {
    if (at === start && part.size === length) return part;
    if (at > start) return undefined;
    at += part.size;
  }
  return undefined;
}

/**
 * Copies bytes of an object to a new blob. If they are exactly one stored part with known digests, its blob only gets a
 * second name.
 */
export async function copyBytes(
  { storage }: Server,
  source: ObjectRow,
  range: ByteRange,
  algorithm: ChecksumAlgorithm | null,
): Promise<StoredBytes> {
  const parts = storage.partsOf(source);
  const release = storage.pins.pin(source.content);
  try {
    const part = wholePart(parts, range);
    if (part !== undefined && part.file !== '' && (algorithm === null || algorithm === part.checksumAlgorithm)) {
      const { checksumValue: value, md5, size } = part;
      const checksums = new Map(algorithm === null || value === null ? [] : [[algorithm, value]]);
      return { file: await storage.blobs.link(part.file), size, md5, checksums, sent: undefined };
    }
    return await writing(storage, async (writer) => {
      const digests = await Digests.open(algorithm === null ? [] : [algorithm]);
      await pump(storage.blobs, { pieces: parts, ...range }, async (chunk) => {
        digests.update(chunk);
        await writer.write(chunk);
        // The buffer of the chunk is reused once this resolves.
        await writer.drain();
      });
      const found = digests.finish();
      const value = algorithm === null ? undefined : found.get(algorithm)?.toString('base64');
      const checksums = new Map(algorithm === null || value === undefined ? [] : [[algorithm, value]]);
      const md5 = found.get('MD5')?.toString('hex') ?? '';
      return { size: range.length, md5, checksums, sent: undefined };
    });
  } finally {
    release();
  }
}
