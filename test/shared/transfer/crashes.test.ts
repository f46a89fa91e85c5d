import { describe, expect, it } from '@jest/globals';
import { sweepUploads } from '../../../shared/transfer/upload/sweep-uploads.ts';
import { runUpload } from '../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

/** The process dies at its k-th call of the outside, before the call takes effect or before its answer comes. */

const day = 24 * 3600_000;
const before = bytesOf(3000, 'before');
const beforeAttributes = { headers: {}, metadata: { version: 'before' }, tags: {} };
const attributes = { headers: { contentType: 'a/b' }, metadata: { version: 'after' }, tags: { t: '1' } };

type Run = (world: MemoryWorld) => Promise<unknown>;
const inProcess: Run = (world) => world.transfer();
const asExecution: Run = (world) => runUpload(() => world.context(), world.job());

const runs: [string, Run, MemoryWorldOptions, number, number[]?][] = [
  ['put', inProcess, {}, 4000],
  ['put to versions', inProcess, { source: { versions: true }, destination: { versions: true } }, 4000],
  ['server-side copy', inProcess, { task: { serverSideCopy: 'auto' }, oneStore: true }, 4000],
  ['multipart', inProcess, {}, partSize + 9],
  ['multipart to opaque ETags', inProcess, { opaque: { destination: true } }, partSize + 9],
  ['multipart to another store', inProcess, { task: { destination: { endpoint: 'http://s3.test' } } }, partSize + 9],
  ['multipart in the source layout', inProcess, {}, partSize + 9, [partSize, 9]],
  ['multipart inside one store', inProcess, { task: { serverSideCopy: 'auto' }, oneStore: true }, partSize + 9],
  ['execution', asExecution, {}, partSize + 9],
  ['execution in the source layout', asExecution, {}, partSize + 9, [partSize, 9]],
];

describe.each(runs)('%s', (_name, run, options, size, parts) => {
  const bytes = bytesOf(size, 'after');

  /** A world where the destination has an older object. */
  async function begun(): Promise<MemoryWorld> {
    const world = new MemoryWorld(options);
    await world.putSource(before, { attributes: beforeAttributes });
    await world.transfer();
    if (parts) await world.uploadSource(bytes, parts, attributes);
    else await world.putSource(bytes, { attributes });
    world.gate.forgetCounts();
    return world;
  }

  function expectWhole(world: MemoryWorld): void {
    const copy = world.copied();
    const old = copy?.metadata['version'] === 'before';
    expect(copy?.bytes.equals(old ? before : bytes)).toBe(true);
    expect(copy).toMatchObject(old ? beforeAttributes : attributes);
  }

  it.each(['before', 'after'] as const)('dies %s any call, and the next process brings it to its end', async (when) => {
    const whole = await begun();
    await run(whole);
    const calls = whole.gate.count();
    expect(calls).toBeGreaterThan(4);
    for (let k = 1; k <= calls; k++) {
      const world = await begun();
      let seen = 0;
      world.gate.hooks = { [when]: () => (++seen === k ? world.kill() : undefined) };
      await run(world).catch(() => undefined);
      expect(seen).toBeGreaterThanOrEqual(k);
      world.revive();
      expectWhole(world);
      const stored = storedParts(world);
      const done = world.copied()?.metadata['version'] === 'after';
      world.gate.forgetCounts();

      await run(world);
      expect(world.copied()).toMatchObject(attributes);
      expectWhole(world);
      const recorded = world.ledger.entries().map((entry) => entry.upload?.uploadId);
      expect(recorded).toEqual([undefined]);
      // An upload that was created in the very call before the end was claimed by nobody: a week later it is swept.
      const left = world.openUploads();
      expect(left.length).toBeLessThanOrEqual(1);
      world.clock.pass(8 * day);
      const swept = await sweepUploads({ ...world.context(), olderThanMillis: 7 * day });
      expect(swept).toEqual({ listed: left.length, aborted: left.length, foreign: 0, complete: true });
      expect(world.openUploads()).toEqual([]);
      expect(world.ledger.entries()[0]?.status).toMatch(done ? /DONE|SKIPPED/ : /DONE/);
      const sent = world.gate.count('uploadPart') + world.gate.count('copyPart');
      if (size > partSize && stored > 0) expect(sent).toBeLessThanOrEqual(done ? 2 : 2 - stored);
      expect(world.buffers.used).toBe(0);
    }
  });
});

/** Parts of uploads that the ledger knows. */
function storedParts(world: MemoryWorld): number {
  const known = world.ledger.entries()[0]?.upload?.uploadId ?? '';
  return world.destinationStorage.bucket('destination').uploads.get(known)?.parts.size ?? 0;
}

describe('resuming', () => {
  it('sends no part again that is there', async () => {
    for (const run of [inProcess, asExecution]) {
      for (const died of [1, 2, 3, 4]) {
        const world = new MemoryWorld();
        await world.putSource(bytesOf(18 * shrunkMiB));
        world.at('after', 'uploadPart', () => world.kill(), { nth: died });
        await run(world).catch(() => undefined);
        world.revive();
        const there = storedParts(world);
        expect(there).toBeGreaterThanOrEqual(died);
        world.gate.forgetCounts();
        await run(world);
        expect(world.gate.count('uploadPart')).toBe(4 - there);
        expect(world.gate.count('createUpload')).toBe(0);
        expect(world.copied()?.bytes.equals(bytesOf(18 * shrunkMiB))).toBe(true);
      }
    }
  });

  it('throws away the parts of another version', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(11 * shrunkMiB));
    world.at('before', 'completeUpload', () => world.kill());
    await world.transfer().catch(() => undefined);
    world.revive();
    expect(storedParts(world)).toBe(3);
    await world.putSource(bytesOf(11 * shrunkMiB, 'other'));
    await world.transfer();
    expect(world.gate.count('uploadPart')).toBe(3);
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB, 'other'))).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });

  it('does not finish an upload of the same bytes with other metadata', async () => {
    for (const run of [inProcess, asExecution]) {
      const world = new MemoryWorld();
      await world.putSource(bytesOf(11 * shrunkMiB), { attributes: beforeAttributes });
      world.at('before', 'completeUpload', () => world.kill());
      await run(world).catch(() => undefined);
      world.revive();
      expect(world.openUploads()).toHaveLength(1);
      await world.putSource(bytesOf(11 * shrunkMiB), { attributes });
      await run(world);
      expect(world.copied()).toMatchObject(attributes);
      expect(world.openUploads()).toEqual([]);
    }
  });

  it('keeps the part size of the upload when the configured one changes', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(18 * shrunkMiB));
    world.at('after', 'uploadPart', () => world.kill(), { nth: 2 });
    await world.transfer().catch(() => undefined);
    world.revive();
    await world.transfer('k', { task: { ...world.task, partSize: 8 * shrunkMiB } });
    expect(world.copied()?.parts).toEqual([partSize, partSize, partSize, 3 * shrunkMiB]);
  });

  it('begins anew where the upload is gone', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(11 * shrunkMiB));
    world.at('before', 'completeUpload', () => world.kill());
    await world.transfer().catch(() => undefined);
    world.revive();
    world.destinationStorage.bucket('destination').uploads.clear();
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });
});

describe('an upload whose claim fails', () => {
  it('is not left behind', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(11 * shrunkMiB));
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'ledger.claimUpload') throw new Error('the table is away');
      },
    };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'Unavailable' });
    expect(world.openUploads()).toEqual([]);
  });
});
