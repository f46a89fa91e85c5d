import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64, type IHasher } from 'hash-wasm';
import type { ChecksumAlgorithm } from './checksum.ts';
import { crcShapes } from './crc-combine.ts';

/** Computes one digest. */
interface Hasher {
  update(chunk: Uint8Array): void;
  /** Returns the digest. The hasher cannot be used afterwards. */
  digest(): Buffer;
}

class NativeCrc32 implements Hasher {
  private crc = 0;

  update(chunk: Uint8Array): void {
    this.crc = crc32(chunk, this.crc);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.crc);
    return bytes;
  }
}

class NativeHash implements Hasher {
  private readonly hash: Hash;

  constructor(name: string) {
    this.hash = createHash(name);
  }

  update(chunk: Uint8Array): void {
    this.hash.update(chunk);
  }

  digest(): Buffer {
    return this.hash.digest();
  }
}

/** Creating a WebAssembly instance takes 0.15 ms and 64 KiB, more than a small request, so instances are reused. */
const idle = { CRC32C: [] as IHasher[], CRC64NVME: [] as IHasher[] };
const maxIdleHashers = 64;

class WasmCrc implements Hasher {
  private readonly wasm: IHasher;
  private readonly home: IHasher[];

  constructor(wasm: IHasher, home: IHasher[]) {
    this.wasm = wasm.init();
    this.home = home;
  }

  update(chunk: Uint8Array): void {
    this.wasm.update(chunk);
  }

  digest(): Buffer {
    const digest = Buffer.from(this.wasm.digest('binary'));
    if (this.home.length < maxIdleHashers) this.home.push(this.wasm);
    return digest;
  }
}

async function openHasher(algorithm: ChecksumAlgorithm | 'MD5'): Promise<Hasher> {
  switch (algorithm) {
    case 'MD5':
    case 'SHA1':
    case 'SHA256':
      return new NativeHash(algorithm);
    case 'CRC32':
      return new NativeCrc32();
    case 'CRC32C':
      return new WasmCrc(idle.CRC32C.pop() ?? (await createCRC32(Number(crcShapes.CRC32C.polynomial))), idle.CRC32C);
    case 'CRC64NVME':
      return new WasmCrc(
        idle.CRC64NVME.pop() ?? (await createCRC64(crcShapes.CRC64NVME.polynomial.toString(16))),
        idle.CRC64NVME,
      );
  }
}

/** Several digests of one stream of bytes. The MD5 is always included, for the ETag. */
export class Digests {
  private readonly hashers: ReadonlyMap<ChecksumAlgorithm | 'MD5', Hasher>;

  private constructor(hashers: ReadonlyMap<ChecksumAlgorithm | 'MD5', Hasher>) {
    this.hashers = hashers;
  }

  /** @param algorithms computed in addition to the MD5; duplicates are ignored */
  static async open(algorithms: readonly ChecksumAlgorithm[]): Promise<Digests> {
    const hashers = new Map<ChecksumAlgorithm | 'MD5', Hasher>();
    for (const algorithm of new Set(['MD5' as const, ...algorithms])) {
      hashers.set(algorithm, await openHasher(algorithm));
    }
    return new Digests(hashers);
  }

  /** Adds the next bytes. */
  update(chunk: Uint8Array): void {
    for (const hasher of this.hashers.values()) hasher.update(chunk);
  }

  /** @returns the raw digests by algorithm */
  finish(): ReadonlyMap<ChecksumAlgorithm | 'MD5', Buffer> {
    return new Map([...this.hashers].map(([name, hasher]) => [name, hasher.digest()]));
  }
}

/** Computes one digest of a buffer. */
export async function digestOf(algorithm: ChecksumAlgorithm | 'MD5', bytes: Uint8Array): Promise<Buffer> {
  const hasher = await openHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest();
}
