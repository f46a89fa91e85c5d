import { describe, expect, it } from '@jest/globals';
import { MiB } from '../../../../shared/model/limits.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { StoreFeatures } from '../../../../shared/ports/memory/features.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { runUpload } from '../../../support/upload-machine.ts';
import { MemoryWorld, partSize, shrunkMiB, type MemoryWorldOptions } from '../../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';

/** Stores whose ETags are not S3's: docs/decisions, "What a foreign ETag proves". */

const ossEndpoint = 'https://s3.oss-cn-hangzhou.aliyuncs.com';
/** Of a store of which nothing is known. */
const unknownEndpoint = 'https://store.example.com';
const oss: Partial<StoreFeatures> = { upperCaseEtags: true, multipartMd5s: false };
/** A gateway whose ETags look like MD5s and are none. */
const encrypting: Partial<StoreFeatures> = { md5Etags: false, saysOpaque: false };

type Sides = 'source' | 'destination' | 'both';

function worldOf(
  foreign: Sides,
  features: Partial<StoreFeatures>,
  task: object = {},
  endpoint = ossEndpoint,
): MemoryWorld {
  const isForeign = (side: Sides): boolean => foreign === side || foreign === 'both';
  const options: MemoryWorldOptions = {
    task: {
      ...task,
      source: { ...(isForeign('source') && { endpoint }) },
      destination: { ...(isForeign('destination') && { endpoint: `${endpoint}:444` }) },
    },
    ...(isForeign('source') && { source: features }),
    ...(isForeign('destination') && { destination: features }),
    opaque: {
      source: isForeign('source') && features.md5Etags === false,
      destination: isForeign('destination') && features.md5Etags === false,
    },
  };
  return new MemoryWorld(options);
}

function flipped(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
}

describe.each([
  ['Aliyun OSS', oss],
  ['a gateway that encrypts', encrypting],
])('%s', (_store, features) => {
  const sides = ['source', 'destination', 'both'] as const;

  it.each(sides)('as %s: an object of any layout is copied once, and the next message is a skip', async (foreign) => {
    const layouts: [size: number, parts?: number[]][] = [
      [0],
      [11],
      [2 * partSize],
      [11, [11]],
      [partSize + 7, [partSize, 7]],
      [3 * shrunkMiB, [3 * shrunkMiB]],
    ];
    for (const [size, parts] of layouts) {
      const world = worldOf(foreign, features);
      if (parts) await world.uploadSource(bytesOf(size), parts);
      else await world.putSource(bytesOf(size));
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
      expect(world.openUploads()).toEqual([]);
      expect(world.buffers.used).toBe(0);
      expect(await world.transfer()).toMatchObject({ route: 'skip' });
      expect(world.gate.count('completeUpload')).toBeLessThanOrEqual(1);
    }
  });

  it.each(sides)('as %s: the steps of an execution copy a large object', async (foreign) => {
    const world = worldOf(foreign, features);
    await world.uploadSource(bytesOf(11 * shrunkMiB), [partSize, partSize, shrunkMiB]);
    await runUpload(() => world.context(), world.job());
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });

  it('as source: an object that is too large to buffer is copied, and its ETag is not sent as its MD5', async () => {
    const world = worldOf('source', features, { largeObjectThreshold: '1 GiB', partSize: '32 MiB' });
    await world.putSource(bytesOf(64 * MiB + 1));
    expect(await world.transfer()).toMatchObject({ route: 'multipart' });
    expect(world.copied()?.bytes.length).toBe(64 * MiB + 1);
  });
});

describe('ETags in upper case', () => {
  it.each(['source', 'destination', 'both'] as const)('at %s cost no second read or write', async (foreign) => {
    for (const size of [11, 2 * partSize]) {
      const world = worldOf(foreign, oss);
      await world.putSource(bytesOf(size));
      await world.transfer();
      const parts = size === 11 ? 0 : 2;
      expect(world.gate.count('get')).toBe(parts === 0 ? 1 : parts);
      expect(world.gate.count('put')).toBe(parts === 0 ? 1 : 0);
      expect(world.gate.count('uploadPart')).toBe(parts);
    }
  });

  it('equal the same ETags in lower case', async () => {
    const world = worldOf('source', oss);
    await world.putSource(bytesOf(11));
    const { destination } = world.context();
    await destination.put(objectKey('k'), { data: bytesOf(11), size: 11 }, noAttributes);
    expect(await world.transfer()).toMatchObject({ route: 'skip', reason: 'the ETags are equal' });
    expect(world.gate.count('ledger.get')).toBe(0);
  });
});

describe('damage at a store other than S3', () => {
  it.each([
    ['get', 'source', oss, 11],
    ['get', 'source', encrypting, 11],
    ['put', 'destination', oss, 11],
    ['put', 'destination', encrypting, 11],
    ['uploadPart', 'destination', oss, 2 * partSize],
    ['uploadPart', 'destination', encrypting, 2 * partSize],
  ] as const)('that happens once in %s at the %s is mended', async (operation, foreign, features, size) => {
    const world = worldOf(foreign, features);
    await world.putSource(bytesOf(size));
    let times = 1;
    world.gate.hooks = {
      wire: (call, bytes) => (call.operation === operation && times-- > 0 ? flipped(bytes) : bytes),
    };
    await world.transfer();
    expect(times).toBeLessThan(0);
    expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
  });

  it.each([
    ['an unknown store to S3', 'source', {}, unknownEndpoint],
    ['S3 to Aliyun OSS', 'destination', oss, ossEndpoint],
    ['S3 to an unknown store', 'destination', {}, unknownEndpoint],
  ] as const)('that happens once in a part on its way from %s is mended', async (_way, foreign, features, endpoint) => {
    const world = worldOf(foreign, { ...features, checksums: 'ignored' }, {}, endpoint);
    await world.uploadSource(bytesOf(2 * partSize + 7), [partSize, partSize, 7]);
    let times = 2;
    world.gate.hooks = {
      wire: (call, bytes) => (call.operation === 'get' && times-- === 1 ? flipped(bytes) : bytes),
    };
    // The upload that has the damage is aborted; the next delivery of the job copies the object.
    await world.transfer().catch(() => world.transfer());
    expect(times).toBeLessThan(0);
    expect(world.copied()?.bytes.equals(bytesOf(2 * partSize + 7))).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });

  it('is not looked for by a second read where the ETags of parts are known to be something else', async () => {
    const world = worldOf('source', { ...oss, checksums: 'ignored' });
    await world.uploadSource(bytesOf(2 * partSize + 7), [partSize, partSize, 7]);
    await world.transfer();
    expect(world.gate.count('get')).toBe(3);
  });

  it('is looked for by a second read, until a source has shown that its ETags are something else', async () => {
    const world = worldOf('source', { multipartMd5s: false, checksums: 'ignored' }, {}, unknownEndpoint);
    const context = world.context();
    const reads: number[] = [];
    for (let object = 0; object < 5; object++) {
      const bytes = bytesOf(2 * partSize + object + 1);
      await world.uploadSource(bytes, [partSize, partSize, object + 1]);
      const before = world.gate.count('get');
      await transferObject(context, world.job());
      reads.push(world.gate.count('get') - before);
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    }
    expect(reads).toEqual([6, 6, 6, 3, 3]);
  });

  it('is found in an object that the store changes after it took it, by reading it back', async () => {
    const world = worldOf('destination', encrypting);
    await world.putSource(bytesOf(11));
    world.at('after', 'put', () => {
      const bucket = world.destinationStorage.bucket('destination');
      bucket.write('k', { ...bucket.get('k')!, bytes: flipped(bytesOf(11)) }, false);
    });
    await world.transfer();
    expect(world.gate.count('put')).toBe(2);
    expect(world.copied()?.bytes.equals(bytesOf(11))).toBe(true);
  });
});

describe("a source's parts that are too large to buffer", () => {
  const layout = async (destination: object): Promise<number> => {
    const world = new MemoryWorld({ task: { partSize: '5 MiB', destination } });
    await world.uploadSource(bytesOf(64 * MiB + 2), [64 * MiB + 1, 1]);
    await world.transfer();
    expect(world.copied()?.bytes.length).toBe(64 * MiB + 2);
    return world.gate.count('uploadPart');
  };
  const minio = { store: 'minio', endpoint: 'https://minio.example' };

  it('are kept where a checksum or an MD5 confirms a stream', async () => {
    expect(await layout({})).toBe(2);
    expect(await layout(minio)).toBe(2);
  });

  it('are cut where neither does', async () => {
    expect(await layout({ ...minio, encryption: { type: 'aws:kms', keyId: 'alias/key' } })).toBe(13);
  });
});

describe('a store whose ETags were shown to be no MD5s', () => {
  it('is not asked for each object twice', async () => {
    const world = worldOf('both', encrypting);
    const context = world.context();
    for (let number = 0; number < 10; number++) {
      await world.putSource(bytesOf(11), { key: `k${number}` });
    }
    for (let number = 0; number < 10; number++) await transferObject(context, world.job(`k${number}`, { size: 11 }));
    // Ten reads, three of them twice, and three that read a copy back.
    expect(world.gate.count('get')).toBe(16);
    expect(world.gate.count('put')).toBe(10);
  });

  it('is S3 only if its answers say so: there, such an ETag is damage', async () => {
    for (const side of ['source', 'destination'] as const) {
      const world = new MemoryWorld({ [side]: encrypting, opaque: { [side]: true } });
      await world.putSource(bytesOf(11));
      await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    }
  });
});
