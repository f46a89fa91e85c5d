import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { MiB } from '../../../../shared/model/limits.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { Call } from '../../../../shared/ports/memory/gate.ts';
import { multipartEtag } from '../../../../shared/transfer/bytes/digest.ts';
import { runUpload } from '../../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';

/** A body that is damaged, cut off or too long never becomes visible, and one good attempt repairs it. */

function flipped(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
}

function brokenOff(bytes: Buffer): Readable {
  return Readable.from(
    (function* () {
      yield bytes.subarray(0, bytes.length >> 1);
      throw new Error('ECONNRESET');
    })(),
  );
}

const faults: [string, (bytes: Buffer) => Buffer | Readable][] = [
  ['a flipped bit', flipped],
  ['a body that ends early', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['a body that is too long', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
  ['a body that breaks off', brokenOff],
];

interface Way {
  readonly name: string;
  readonly operation: string;
  readonly options?: MemoryWorldOptions;
  readonly size: number;
  readonly parts?: number[];
}

const streamed = { task: { largeObjectThreshold: '1 GiB' } };
const size = 6 * shrunkMiB;

const ways: Way[] = [
  { name: 'a small object on its way in', operation: 'get', size: 5000 },
  { name: 'a small object on its way out', operation: 'put', size: 5000 },
  { name: 'a streamed body on its way in', operation: 'get', options: streamed, size: 64 * MiB + 1 },
  { name: 'a streamed body on its way out', operation: 'put', options: streamed, size: 64 * MiB + 1 },
  {
    name: 'a part with an MD5 on its way out',
    operation: 'uploadPart',
    options: { task: { destination: { endpoint: 'https://s3.test' } } },
    size,
  },
  { name: 'a part with a CRC on its way out', operation: 'uploadPart', size },
  { name: 'a part in the source layout on its way in', operation: 'get', size, parts: [partSize, shrunkMiB] },
  {
    name: 'a part whose CRC is ignored on its way out',
    operation: 'uploadPart',
    options: { task: { destination: { checksumAlgorithm: 'CRC32C' } }, destination: { checksums: 'ignored' } },
    size,
  },
];

async function filled(options: MemoryWorldOptions, size: number, parts?: number[]): Promise<MemoryWorld> {
  const world = new MemoryWorld(options);
  if (parts) await world.uploadSource(bytesOf(size), parts);
  else await world.putSource(bytesOf(size));
  return world;
}

describe.each(ways)('damage to $name', ({ operation, options = {}, size, parts }) => {
  // Streamed bodies take a second each; only these two kinds of damage pass through different code there.
  const some = size > 64 * MiB ? [faults[0]!, faults[3]!] : faults;
  it.each(some)('is found (%s), and the next attempt succeeds', async (name, damage) => {
    const world = await filled(options, size, parts);
    let times = 1;
    world.gate.hooks = {
      wire: (call: Call, bytes) => (call.operation === operation && times-- > 0 ? damage(bytes) : bytes),
    };
    // A bit that flips on the way in is found by the comparison with the source; the message is then redelivered.
    const late = operation === 'get' && parts !== undefined && name === 'a flipped bit';
    if (late) await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    expect(world.copied()).toBeUndefined();
    await world.transfer();
    expect(times).toBeLessThanOrEqual(0);
    expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
    expect(world.openUploads()).toEqual([]);
    expect(world.buffers.used).toBe(0);
  });

  it('in every attempt throws VerificationFailed, and the old object stays', async () => {
    const world = await filled(options, size, parts);
    const old = bytesOf(100, 'old');
    await world.context().destination.put(objectKey('k'), { data: old, size: 100 }, noAttributes);
    world.gate.hooks = { wire: (call, bytes) => (call.operation === operation ? flipped(bytes) : bytes) };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed', retry: 'later' });
    expect(world.copied()?.bytes.equals(old)).toBe(true);
    expect(world.buffers.used).toBe(0);
  });
});

describe('the stored checksum of the source', () => {
  it('is sent with Complete, which detects damage on the way in', async () => {
    const world = await filled({}, 6 * shrunkMiB);
    let times = 1;
    world.gate.hooks = { wire: (call, bytes) => (call.operation === 'get' && times-- > 0 ? flipped(bytes) : bytes) };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    expect(world.copied()).toBeUndefined();
    expect(world.openUploads()).toEqual([]);
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(6 * shrunkMiB))).toBe(true);
  });
});

describe('a part that streams to a store that ignores checksums', () => {
  it('throws NotSupported, with advice, because nothing confirms it', async () => {
    const task = { destination: { checksumAlgorithm: 'CRC32' } };
    const world = await filled({ task, destination: { checksums: 'ignored' } }, 65 * MiB + 1, [65 * MiB, 1]);
    const message = expect.stringContaining('remove checksumAlgorithm');
    await expect(world.transfer()).rejects.toMatchObject({ name: 'NotSupported', message });
    expect(world.copied()).toBeUndefined();
  });
});

describe('a store that accepts damaged parts', () => {
  /** A world in which every attempt at part 2 arrives damaged, and only its ETag shows that. */
  async function damaged(): Promise<MemoryWorld> {
    const features = { checksums: 'ignored' } as const;
    const task = { destination: { checksumAlgorithm: 'CRC32C' } };
    const world = await filled({ task, source: features, destination: features }, 11 * shrunkMiB);
    world.gate.hooks = {
      wire: (call: Call, bytes) => (call.operation === 'uploadPart' && call.part === 2 ? flipped(bytes) : bytes),
    };
    return world;
  }

  it('does not deceive a caller that resumes the upload', async () => {
    const world = await damaged();
    await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    world.gate.hooks = {};
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });

  it('does not deceive an execution', async () => {
    const world = await damaged();
    let failures = 5;
    world.gate.hooks = {
      wire: (call: Call, bytes) =>
        call.operation === 'uploadPart' && call.part === 2 && failures-- > 0 ? flipped(bytes) : bytes,
    };
    await runUpload(() => world.context(), world.job());
    expect(failures).toBeLessThanOrEqual(0);
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });
});

describe('CompleteMultipartUpload', () => {
  it('counts as done if its answer is lost and the object is there', async () => {
    const world = await filled({}, 6 * shrunkMiB);
    world.at('after', 'completeUpload', () => Promise.reject(new Error('reset')));
    await expect(world.transfer()).rejects.toMatchObject({ name: 'Unavailable' });
    world.revive();
    world.gate.forgetCounts();
    expect(await world.transfer()).toMatchObject({ route: 'skip' });
    expect(world.gate.count('uploadPart')).toBe(0);
  });

  it('counts as done if another caller completed the same upload', async () => {
    const world = await filled({}, 6 * shrunkMiB);
    world.at('before', 'completeUpload', async () => {
      world.revive();
      await world.transfer();
    });
    expect(await world.transfer()).toMatchObject({ route: 'multipart' });
    expect(world.copied()?.etag).toBe(
      multipartEtag(world.copied()!.parts!.map((size, index) => world.partEtag(index, size))),
    );
  });
});
