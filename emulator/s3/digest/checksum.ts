import { S3Error } from '../errors.ts';
import { crcShapes } from './crc-combine.ts';

/** Bytes of a checksum value, by the algorithm's S3 name. */
const lengths = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 } as const;

/** A checksum algorithm S3 knows and this server computes. */
export type ChecksumAlgorithm = keyof typeof lengths;

/** Of the object's bytes, or of its parts' checksums. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as stored: base64, with `-N` behind it when composite. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** Every algorithm, for loops. */
export const checksumAlgorithms = Object.keys(lengths) as readonly ChecksumAlgorithm[];

/** The header that carries this algorithm's value; also the trailer's name. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element that carries this algorithm's value. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

/**
 * Reads an algorithm's name.
 * @throws S3Error InvalidRequest
 */
export function parseAlgorithm(name: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((algorithm) => algorithm === name.toUpperCase());
  if (found === undefined) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
  return found;
}

/**
 * The type a multipart upload's checksum has: as asked, else S3's default for the algorithm.
 * @throws S3Error InvalidRequest for a pair S3 does not have: no CRC64NVME of parts, no SHA put together from parts
 */
export function chooseType(algorithm: ChecksumAlgorithm, asked: string | undefined): ChecksumType {
  const usual: ChecksumType = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (asked === undefined) return usual;
  const combinable = algorithm in crcShapes;
  if (asked === 'FULL_OBJECT' && combinable) return asked;
  if (asked === 'COMPOSITE' && algorithm !== 'CRC64NVME') return asked;
  throw new S3Error(
    'InvalidRequest',
    `The ${asked} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** Is this the base64 of as many bytes as the algorithm has? */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === lengths[algorithm] && bytes.toString('base64') === value;
}
