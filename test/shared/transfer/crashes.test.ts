import { describe, expect, it } from '@jest/globals';
import { sweepUploads } from '../../../shared/transfer/upload/sweep-uploads.ts';
import { runUpload } from '../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

/** The process dies at its k-th call to a port, before the call takes effect or before its answer arrives. */

const day = 24 * 3600_000;
const before = bytesOf(3000, 'before');
const beforeAttributes = { headers: {}, metadata: { version: 'before' }, tags: {} };
const attributes = { headers: { contentType: 'a/b' }, metadata: { version: 'after' }, tags: { t: '1' } };

type Run = (world: MemoryWorld) => Promise<unknown>;
const inProcess: Run = (world) => world.transfer();
const asExecution: Run = (world) => runUpload(() => world.context(), world.job());

interface Transfer {
  readonly name: string;
  readonly run?: Run;
  readonly options?: MemoryWorldOptions;
  readonly size: number;
  readonly parts?: number[];
}

const inside: MemoryWorldOptions = { task: { serverSideCopy: 'auto' }, oneStore: true };
const large = partSize + 9;
const parts = [partSize, 9];

const transfers: Transfer[] = [
  { name: 'put', size: 4000 },
  { name: 'put to versions', options: { source: { versions: true }, destination: { versions: true } }, size: 4000 },
  { name: 'server-side copy', options: inside, size: 4000 },
  { name: 'multipart', size: large },
  { name: 'multipart to opaque ETags', options: { opaque: { destination: true } }, size: large },
  {
    name: 'multipart to another store',
    options: { task: { destination: { endpoint: 'https://s3.test' } } },
    size: large,
  },
  { name: 'multipart in the source layout', size: large, parts },
  { name: 'multipart inside one store', options: inside, size: large },
  { name: 'execution', run: asExecution, size: large },
  { name: 'execution in the source layout', run: asExecution, size: large, parts },
];

describe.each(transfers)('a crash during $name', ({ run = inProcess, options = {}, size, parts }) => {
  const bytes = bytesOf(size, 'after');

  /** A world whose destination has an older object. */
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

  it.each(['before', 'after'] as const)('%s any call is repaired by the next process', async (when) => {
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
      // An upload that was created right before the crash is unclaimed: a sweep aborts it a week later.
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

/** The number of parts in the upload that the ledger names. */
function storedParts(world: MemoryWorld): number {
  const known = world.ledger.entries()[0]?.upload?.uploadId ?? '';
  return world.destinationStorage.bucket('destination').uploads.get(known)?.parts.size ?? 0;
}

describe('resuming an upload', () => {
  it('sends only the parts that are missing', async () => {
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

  it('discards the parts of another version', async () => {
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

  it('discards an upload of the same bytes with other metadata', async () => {
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

  it('opens another upload if the recorded one is gone', async () => {
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

describe('claiming an upload', () => {
  it('aborts the upload if the claim fails', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(11 * shrunkMiB));
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'ledger.claimUpload') throw new Error('the table fails');
      },
    };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'Unavailable' });
    expect(world.openUploads()).toEqual([]);
  });
});
