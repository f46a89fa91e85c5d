import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksum.ts';
import { combineCrcs, crcShapes } from './crc-combine.ts';
import { digestOf } from './hashers.ts';

/**
 * Computes the checksum of a multipart object from the checksums of its parts, without reading their bytes. COMPOSITE:
 * the checksum of the parts' checksums, followed by `-N`. FULL_OBJECT: the CRC of the whole object.
 * @param parts in order; `value` in base64, `size` in bytes
 * @throws Error for a full object SHA, which cannot be combined
 */
export async function combineChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly value: string; readonly size: number }[],
): Promise<Checksum> {
  if (type === 'COMPOSITE') {
    const values = Buffer.concat(parts.map((part) => Buffer.from(part.value, 'base64')));
    const digest = await digestOf(algorithm, values);
    return { algorithm, type, value: `${digest.toString('base64')}-${parts.length}` };
  }
  if (algorithm === 'SHA1' || algorithm === 'SHA256') throw new Error(`${algorithm} cannot be combined from parts`);
  const shape = crcShapes[algorithm];
  const pieces = parts.map(({ value, size }) => ({
    crc: BigInt(`0x${Buffer.from(value, 'base64').toString('hex')}`),
    length: size,
  }));
  const hex = combineCrcs(pieces, shape)
    .toString(16)
    .padStart(Number(shape.width) / 4, '0');
  return { algorithm, type, value: Buffer.from(hex, 'hex').toString('base64') };
}
