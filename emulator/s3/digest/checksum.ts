import { S3Error } from '../errors.ts';

/** The bytes of a checksum, by the S3 name of the algorithm. */
const valueBytes = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 } as const;

/** A checksum algorithm of S3 that this server computes. */
export type ChecksumAlgorithm = keyof typeof valueBytes;

/** `FULL_OBJECT`: over the bytes of the object; `COMPOSITE`: over the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as stored: base64, followed by `-N` if composite. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** All algorithms. */
export const checksumAlgorithms = Object.keys(valueBytes) as readonly ChecksumAlgorithm[];

/** The header, or trailer, that carries a checksum of this algorithm. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element that carries a checksum of this algorithm. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

/** Parses the name of an algorithm. @throws S3Error InvalidRequest */
export function parseAlgorithm(name: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((algorithm) => algorithm === name.toUpperCase());
  if (found === undefined) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
  return found;
}

/**
 * The checksum type of a multipart upload: as requested, else the default of S3 for the algorithm.
 * @param fullObject the algorithms that the store can combine
 * @throws S3Error InvalidRequest for a pair that S3 does not support: composite CRC64NVME, full object SHA
 */
export function chooseType(
  algorithm: ChecksumAlgorithm,
  requested: string | undefined,
  fullObject: readonly ChecksumAlgorithm[],
): ChecksumType {
  const usual: ChecksumType = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (requested === undefined) return usual;
  if (requested === 'FULL_OBJECT' && fullObject.includes(algorithm)) return requested;
  if (requested === 'COMPOSITE' && algorithm !== 'CRC64NVME') return requested;
  throw new S3Error(
    'InvalidRequest',
    `The ${requested} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** Whether the value is canonical base64 of the right length for the algorithm. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === valueBytes[algorithm] && bytes.toString('base64') === value;
}
