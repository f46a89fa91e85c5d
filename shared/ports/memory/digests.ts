import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';
import type { ChecksumAlgorithm } from '../../model/object.ts';

/** MD5 in hexadecimal. */
export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** A full-object checksum as S3 writes it: base64, big-endian. */
export async function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  if (algorithm === 'CRC32') {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(crc32(bytes));
    return value.toString('base64');
  }
  const hasher = await (algorithm === 'CRC32C' ? createCRC32(0x82f63b78) : createCRC64('9a6c9329ac4bc9b5'));
  hasher.init().update(bytes);
  return Buffer.from(hasher.digest('binary')).toString('base64');
}
