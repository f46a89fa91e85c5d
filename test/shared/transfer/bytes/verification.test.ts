import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { MiB } from '../../../../shared/model/limits.ts';
import type { Call } from '../../../../shared/ports/memory/gate.ts';
import { multipartEtag } from '../../../../shared/transfer/bytes/digest.ts';
import { runUpload } from '../../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';

/** Bytes that are damaged, cut off or held up on their way are never shown, and one good attempt is enough. */

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
  ['a body that goes on', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
  ['a body that breaks off', brokenOff],
];

const ways: [string, string, MemoryWorldOptions, number, number[]?][] = [
  ['of a small object on its way in', 'get', {}, 5000],
  ['of a small object on its way out', 'put', {}, 5000],
  ['of a long body on its way in', 'get', { task: { largeObjectThreshold: '1 GiB' } }, 64 * MiB + 1],
  ['of a long body on its way out', 'put', { task: { largeObjectThreshold: '1 GiB' } }, 64 * MiB + 1],
  [
    'of a part with an MD5 on its way out',
    'uploadPart',
    { task: { destination: { endpoint: 'http://s3.test' } } },
    6 * shrunkMiB,
  ],
  ['of a part with a CRC on its way out', 'uploadPart', {}, 6 * shrunkMiB],
  ['of a part of a source in parts on its way in', 'get', {}, 6 * shrunkMiB, [partSize, shrunkMiB]],
  [
    'of a part whose CRC is ignored on its way out',
    'uploadPart',
    { task: { destination: { checksumAlgorithm: 'CRC32C' } }, destination: { checksums: 'ignored' } },
    6 * shrunkMiB,
  ],
];

async function filled(options: MemoryWorldOptions, size: number, parts?: number[]): Promise<MemoryWorld> {
  const world = new MemoryWorld(options);
  if (parts) await world.uploadSource(bytesOf(size), parts);
  else await world.putSource(bytesOf(size));
  return world;
}

describe.each(ways)('%s', (_name, operation, options, size, parts) => {
  // Long bodies take a second each; two kinds of damage go through different code there.
  const some = size > 64 * MiB ? [faults[0]!, faults[3]!] : faults;
  it.each(some)('%s is found, and the next attempt is good', async (name, damage) => {
    const world = await filled(options, size, parts);
    let times = 1;
    world.gate.hooks = {
      wire: (call: Call, bytes) => (call.operation === operation && times-- > 0 ? damage(bytes) : bytes),
    };
    // Bits that flip on the way in are found when the whole is compared with the source: the message comes back then.
    const late = operation === 'get' && parts !== undefined && name === 'a flipped bit';
    if (late) await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    expect(world.copied()).toBeUndefined();
    await world.transfer();
    expect(times).toBeLessThanOrEqual(0);
    expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
    expect(world.openUploads()).toEqual([]);
    expect(world.buffers.used).toBe(0);
  });

  it('damage each time is a fault, and the old object stays', async () => {
    const world = await filled(options, size, parts);
    const old = bytesOf(100, 'old');
    await world.context().destination.put('k', { data: old, size: 100 }, noAttributes);
    world.gate.hooks = { wire: (call, bytes) => (call.operation === operation ? flipped(bytes) : bytes) };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed', retry: 'later' });
    expect(world.copied()?.bytes.equals(old)).toBe(true);
    expect(world.buffers.used).toBe(0);
  });
});

describe('the checksum that the source has stored', () => {
  it('is handed to Complete, which finds what was damaged on the way in', async () => {
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

describe('a part that streams to a store which ignores checksums', () => {
  it('is refused with advice, for nothing confirms it', async () => {
    const task = { destination: { checksumAlgorithm: 'CRC32' } };
    const world = await filled({ task, destination: { checksums: 'ignored' } }, 65 * MiB + 1, [65 * MiB, 1]);
    const message = expect.stringContaining('remove checksumAlgorithm');
    await expect(world.transfer()).rejects.toMatchObject({ name: 'NotSupported', message });
    expect(world.copied()).toBeUndefined();
  });
});

describe('a store that takes and keeps what was damaged', () => {
  /** Every try of part 2 arrives damaged; what confirms a part is its ETag alone. */
  async function damaged(): Promise<MemoryWorld> {
    const features = { checksums: 'ignored' } as const;
    const task = { destination: { checksumAlgorithm: 'CRC32C' } };
    const world = await filled({ task, source: features, destination: features }, 11 * shrunkMiB);
    world.gate.hooks = {
      wire: (call: Call, bytes) => (call.operation === 'uploadPart' && call.part === 2 ? flipped(bytes) : bytes),
    };
    return world;
  }

  it('is not believed by who resumes the upload in one process', async () => {
    const world = await damaged();
    await expect(world.transfer()).rejects.toMatchObject({ name: 'VerificationFailed' });
    world.gate.hooks = {};
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });

  it('is not believed by an execution', async () => {
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

describe('Complete', () => {
  it('whose answer is lost counts when the object is there', async () => {
    const world = await filled({}, 6 * shrunkMiB);
    world.at('after', 'completeUpload', () => Promise.reject(new Error('reset')));
    await expect(world.transfer()).rejects.toMatchObject({ name: 'Unavailable' });
    world.revive();
    world.gate.forgetCounts();
    expect(await world.transfer()).toMatchObject({ route: 'skip' });
    expect(world.gate.count('uploadPart')).toBe(0);
  });

  it('that finds the upload completed by somebody else looks at the object', async () => {
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
