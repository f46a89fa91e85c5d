import { describe, expect, it } from '@jest/globals';
import { MiB } from '../../../../shared/model/limits.ts';
import type { ChecksumAlgorithm } from '../../../../shared/model/object.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../../support/memory-world.ts';
import { bytesOf } from '../../../support/objects.ts';

const foreign = { endpoint: 'https://store.test' };

/** A world whose source stores a checksum of this algorithm. */
async function filled(options: MemoryWorldOptions, size = 1000, algorithm?: ChecksumAlgorithm): Promise<MemoryWorld> {
  const world = new MemoryWorld(options);
  await world.putSource(bytesOf(size));
  const bucket = world.sourceStorage.bucket('source');
  if (algorithm) bucket.write('k', { ...bucket.get('k')!, checksumAlgorithm: algorithm }, false);
  return world;
}

function flipped(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
}

describe('the checksum of an object in one PUT', () => {
  it.each([
    ['the configured one', { task: { destination: { checksumAlgorithm: 'CRC32C' } } }, 'CRC32', 'CRC32C'],
    [
      'the configured one, that the source has too',
      { task: { destination: { checksumAlgorithm: 'CRC32' } } },
      'CRC32',
      'CRC32',
    ],
    ["the source's", {}, 'CRC32', 'CRC32'],
    ["the store's own, if the source is not S3", { task: { source: foreign } }, 'CRC32', 'CRC64NVME'],
    ["the store's own, if the destination is not S3", { task: { destination: foreign } }, 'CRC32', 'CRC64NVME'],
  ] as [string, MemoryWorldOptions, ChecksumAlgorithm, ChecksumAlgorithm][])(
    'is %s',
    async (_name, options, stored, wanted) => {
      const world = await filled(options, 1000, stored);
      expect(await world.transfer()).toMatchObject({ route: 'put' });
      expect(world.copied()?.checksumAlgorithm).toBe(wanted);
      expect(world.gate.count('put')).toBe(1);
    },
  );

  it('is left out if the store refuses it', async () => {
    const task = { destination: { checksumAlgorithm: 'CRC32C', ...foreign } };
    const world = await filled({ task, destination: { checksums: 'refused' } });
    expect(await world.transfer()).toMatchObject({ route: 'put' });
    expect(world.copied()?.bytes.equals(bytesOf(1000))).toBe(true);
  });

  it('goes with a body that streams, if it is known', async () => {
    const world = await filled({ task: { largeObjectThreshold: '1 GiB' } }, 64 * MiB + 1, 'CRC32');
    expect(await world.transfer()).toMatchObject({ route: 'put' });
    expect(world.copied()?.checksumAlgorithm).toBe('CRC32');
  });

  it('makes an object that cannot be buffered go in parts, if the configured one is not known', async () => {
    const task = { largeObjectThreshold: '1 GiB', destination: { checksumAlgorithm: 'CRC32C' } };
    const world = await filled({ task }, 64 * MiB + 1);
    expect(await world.transfer()).toMatchObject({ route: 'multipart' });
    expect(world.copied()?.checksumAlgorithm).toBe('CRC32C');
  });
});

describe('damage on the way in to an object whose ETag is no MD5 (KMS)', () => {
  it.each([
    ['the destination, which is sent the stored checksum', {}],
    ['the core, if the destination would store another', { task: { destination: { checksumAlgorithm: 'CRC32C' } } }],
    ['the core, if the destination is not S3', { task: { destination: foreign } }],
  ] as [string, MemoryWorldOptions][])('is found by %s, and mended', async (_name, options) => {
    const world = await filled({ ...options, opaque: { source: true } });
    let times = 1;
    world.gate.hooks = { wire: (call, bytes) => (call.operation === 'get' && times-- > 0 ? flipped(bytes) : bytes) };
    await world.transfer();
    expect(times).toBeLessThan(0);
    expect(world.copied()?.bytes.equals(bytesOf(1000))).toBe(true);
  });
});
