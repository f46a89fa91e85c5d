import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';
import { assertNever } from '../../model/faults.ts';
import type { ChecksumAlgorithm } from '../../model/object.ts';

/** CRC-32C (Castagnoli), reflected. */
const crc32cPolynomial = 0x82f63b78;
/** CRC-64/NVME as hash-wasm wants it; "123456789" gives ae8b14860a799888. */
const crc64nvmePolynomial = '9a6c9329ac4bc9b5';

/** A checksum over bytes that come in pieces. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** base64, big-endian, as S3 writes it */
  base64(): string;
}

/** Starts a checksum. CRC32 is native, the others WebAssembly. */
export async function startChecksum(algorithm: ChecksumAlgorithm): Promise<RunningChecksum> {
  switch (algorithm) {
    case 'CRC32': {
      let value = 0;
      return {
        update: (bytes) => (value = crc32(bytes, value)),
        base64: () => {
          const out = Buffer.alloc(4);
          out.writeUInt32BE(value);
          return out.toString('base64');
        },
      };
    }
    case 'CRC32C':
    case 'CRC64NVME': {
      const hasher = await (algorithm === 'CRC32C' ? createCRC32(crc32cPolynomial) : createCRC64(crc64nvmePolynomial));
      hasher.init();
      return {
        update: (bytes) => hasher.update(bytes),
        base64: () => Buffer.from(hasher.digest('binary')).toString('base64'),
      };
    }
    default:
      return assertNever(algorithm);
  }
}

/** MD5 over bytes that come in pieces: hexadecimal for ETags, base64 for Content-MD5. */
export function startMd5(): { update(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash('md5');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}

/** Hexadecimal to base64: the MD5 of an ETag as the header Content-MD5. */
export function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

/** The ETag that S3 gives an object of these parts: the MD5 of their MD5s, and how many there are. */
export function multipartEtag(partEtags: readonly string[]): string {
  const hash = createHash('md5');
  for (const etag of partEtags) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex')}-${partEtags.length}`;
}
