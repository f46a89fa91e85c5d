import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';
import { assertNever, Fault } from '../../model/faults.ts';
import { etagIsMd5, sameEtag, type ChecksumAlgorithm } from '../../model/object.ts';
import type { Body, Stored } from '../../ports/object-store.ts';

/** CRC-32C (Castagnoli), reflected. */
const crc32cPolynomial = 0x82f63b78;
/** CRC-64/NVME in hash-wasm's notation; the digest of "123456789" is ae8b14860a799888. */
const crc64nvmePolynomial = '9a6c9329ac4bc9b5';

/** The digest of one body: computed here, sent with the body, and compared with what the store says it stored. */
export interface Digest {
  update(bytes: Uint8Array): void;

  /** The field of the request that makes the store verify the body. No more bytes may follow. */
  forBody(): Pick<Body, 'md5' | 'checksum'>;

  /**
   * Compares the digest with the store's answer.
   * @param what names the body in the message
   * @returns false if the answer says nothing about the digest
   * @throws Fault `VerificationFailed` if the store holds other bytes
   */
  confirm(stored: StoredDigests, what: string): boolean;
}

/** What a store's answer to a write says about the bytes it holds; `checksum` is base64. */
export type StoredDigests = Pick<Stored, 'etag' | 'opaqueEtag'> & { readonly checksum?: string };

/** @param checksum the algorithm that the upload's parts carry; undefined for MD5 */
export async function startDigest(checksum: ChecksumAlgorithm | undefined): Promise<Digest> {
  return checksum ? new ChecksumDigest(checksum, await startChecksum(checksum)) : new Md5Digest();
}

/** An MD5: sent as Content-MD5, and confirmed by the ETag unless encryption makes that something else. */
export class Md5Digest implements Digest {
  readonly #hash = createHash('md5');
  #hex: string | undefined;

  /** @param hex the MD5, if it is known before the body is read */
  constructor(hex?: string) {
    this.#hex = hex;
  }

  static of(bytes: Uint8Array): Md5Digest {
    const digest = new Md5Digest();
    digest.update(bytes);
    return digest;
  }

  get hex(): string {
    return (this.#hex ??= this.#hash.digest('hex'));
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  forBody(): Pick<Body, 'md5'> {
    return { md5: Buffer.from(this.hex, 'hex').toString('base64') };
  }

  confirm(stored: StoredDigests, what: string): boolean {
    if (!etagIsMd5(stored)) return false;
    if (!sameEtag(stored.etag, this.hex)) {
      throw new Fault(
        'VerificationFailed',
        `${what}: sent MD5 ${this.hex}, the destination stored ETag ${stored.etag}`,
      );
    }
    return true;
  }
}

/** The checksum that an upload was created with. Stores that ignore checksums do not confirm it. */
class ChecksumDigest implements Digest {
  readonly #algorithm: ChecksumAlgorithm;
  readonly #running: RunningChecksum;
  #value: string | undefined;

  constructor(algorithm: ChecksumAlgorithm, running: RunningChecksum) {
    this.#algorithm = algorithm;
    this.#running = running;
  }

  update(bytes: Uint8Array): void {
    this.#running.update(bytes);
  }

  forBody(): Required<Pick<Body, 'checksum'>> {
    this.#value ??= this.#running.base64();
    return { checksum: { algorithm: this.#algorithm, value: this.#value } };
  }

  confirm({ checksum: stored }: StoredDigests, what: string): boolean {
    if (stored === undefined) return false;
    const { algorithm, value } = this.forBody().checksum;
    if (stored !== value) {
      throw new Fault('VerificationFailed', `${what}: sent ${algorithm} ${value}, the destination stored ${stored}`);
    }
    return true;
  }
}

/** A checksum of bytes that arrive in pieces. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** base64 of the big-endian value, as in S3's API */
  base64(): string;
}

/** Starts a checksum. Node computes CRC32 natively; the others run in WebAssembly. */
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

/** The ETag that S3 gives an object of these parts: the MD5 of their MD5s, and their number. */
export function multipartEtag(partEtags: readonly string[]): string {
  const hash = createHash('md5');
  for (const etag of partEtags) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex')}-${partEtags.length}`;
}
