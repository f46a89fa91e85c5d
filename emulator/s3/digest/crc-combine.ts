/** A reflected CRC: the width of its register in bits, and its reflected polynomial. */
export interface CrcShape {
  readonly width: bigint;
  readonly polynomial: bigint;
}

/** The CRCs that S3 combines into the checksum of a whole multipart object. */
export const crcShapes = {
  CRC32: { width: 32n, polynomial: 0xedb88320n },
  CRC32C: { width: 32n, polynomial: 0x82f63b78n },
  CRC64NVME: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
} as const satisfies Record<string, CrcShape>;

/** a * b modulo the polynomial, both reflected: the highest bit is the coefficient of x^0. */
function multiply(a: bigint, b: bigint, { width, polynomial }: CrcShape): bigint {
  let product = 0n;
  for (let bit = 1n << (width - 1n); bit !== 0n && a !== 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) {
      product ^= b;
      a ^= bit;
    }
    b = (b & 1n) === 1n ? (b >> 1n) ^ polynomial : b >> 1n;
  }
  return product;
}

/** x^(8 * bytes) modulo the polynomial: appending this many zero bytes multiplies a CRC by it. */
function shiftBy(bytes: number, shape: CrcShape): bigint {
  let result = 1n << (shape.width - 1n);
  let square = result >> 1n;
  for (let bits = 8n * BigInt(bytes); bits !== 0n; bits >>= 1n) {
    if ((bits & 1n) === 1n) result = multiply(result, square, shape);
    square = multiply(square, square, shape);
  }
  return result;
}

/**
 * The CRC of a concatenation, from the CRCs and lengths (in bytes) of its pieces. Most parts of an object have the same
 * length, so the multiplier of each length is computed once.
 */
export function combineCrcs(pieces: Iterable<{ crc: bigint; length: number }>, shape: CrcShape): bigint {
  const shifts = new Map<number, bigint>();
  let combined = 0n;
  for (const { crc, length } of pieces) {
    let shift = shifts.get(length);
    if (shift === undefined) {
      shift = shiftBy(length, shape);
      shifts.set(length, shift);
    }
    combined = multiply(shift, combined, shape) ^ crc;
  }
  return combined;
}
