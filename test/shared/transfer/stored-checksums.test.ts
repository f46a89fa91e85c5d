import { describe, expect, it } from '@jest/globals';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

describe('an object in parts that another tool copied', () => {
  const bytes = bytesOf(partSize + 7);

  async function copied(content: Buffer, options: MemoryWorldOptions = {}): Promise<MemoryWorld> {
    const world = new MemoryWorld(options);
    await world.uploadSource(bytes, [partSize, 7]);
    const { destination } = world.context();
    await destination.put(objectKey('k'), { data: content, size: content.length }, noAttributes);
    world.gate.forgetCounts();
    return world;
  }

  it('is not copied again if both sides store the same CRC64NVME, and is recorded', async () => {
    const world = await copied(bytes);
    expect(await world.transfer()).toMatchObject({ route: 'skip', reason: expect.stringContaining('CRC64NVME') });
    world.gate.forgetCounts();
    expect(await world.transfer()).toMatchObject({ route: 'skip', reason: expect.stringContaining('copied before') });
    expect(world.gate.count('head')).toBe(2);
  });

  it.each([
    ['they differ', bytesOf(partSize + 7, 'other'), {}],
    ['the source has none', bytes, { source: { checksums: 'ignored' } }],
    ['the destination has none', bytes, { destination: { checksums: 'ignored' } }],
  ] as const)('is copied if %s', async (_name, content, options) => {
    const world = await copied(content, options);
    expect(await world.transfer()).toMatchObject({ route: 'multipart' });
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
  });
});
