import { describe, expect, it, test } from '@jest/globals';
import type { ObjectAttributes } from '../../../shared/model/object.ts';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

/** Version 0, then other bytes of the same size, another size, and the bytes of version 0 with other metadata. */
const small = [bytesOf(5000, 'one'), bytesOf(5000, 'two'), bytesOf(7000, 'three'), bytesOf(5000, 'one')];
const large = [
  bytesOf(6 * shrunkMiB, 'one'),
  bytesOf(6 * shrunkMiB, 'two'),
  bytesOf(7 * shrunkMiB, 'three'),
  bytesOf(6 * shrunkMiB, 'one'),
];

function attributesOf(version: number): ObjectAttributes {
  return { headers: { contentType: `version/${version}` }, metadata: { version: String(version) }, tags: {} };
}

async function write(world: MemoryWorld, versions: readonly Buffer[], version: number): Promise<void> {
  await world.putSource(versions[version]!, { attributes: attributesOf(version) });
}

/** Checks that the destination is one whole version: the bytes, and the headers that belong to them. */
function versionAtDestination(world: MemoryWorld, versions: readonly Buffer[]): number | undefined {
  const copy = world.copied();
  if (!copy) return undefined;
  const version = Number(copy.metadata['version']);
  expect(copy.headers.contentType).toBe(`version/${version}`);
  expect(copy.bytes.equals(versions[version]!)).toBe(true);
  return version;
}

const worlds: [string, MemoryWorldOptions][] = [
  ['relayed', {}],
  ['relayed, with versions', { source: { versions: true }, destination: { versions: true } }],
  ['relayed to opaque ETags', { opaque: { destination: true } }],
  ['relayed from a store that ignores If-Match', { source: { pinnedReads: false } }],
  ['copied inside one store', { task: { serverSideCopy: 'auto' }, oneStore: true }],
];

/** Every moment at which the source may change: before or after the n-th call of an operation. */
const moments: ['before' | 'after', string, number, ('small' | 'large')[]][] = [
  ['after', 'head', 1, ['small', 'large']],
  ['after', 'head', 2, ['small', 'large']],
  ['before', 'get', 1, ['small', 'large']],
  ['after', 'get', 1, ['small']],
  ['after', 'get', 2, ['large']],
  ['before', 'put', 1, ['small']],
  ['after', 'put', 1, ['small']],
  ['before', 'copy', 1, ['small']],
  ['after', 'copy', 1, ['small']],
  ['before', 'createUpload', 1, ['large']],
  ['after', 'ledger.claimUpload', 1, ['large']],
  ['before', 'uploadPart', 2, ['large']],
  ['after', 'copyPart', 1, ['large']],
  ['before', 'completeUpload', 1, ['large']],
  ['after', 'completeUpload', 1, ['large']],
];

describe.each(worlds)('the source changes while it is copied, %s', (_name, options) => {
  it.each(moments)('%s %s (%d): the destination converges on the source', async (when, operation, nth, sizes) => {
    for (const versions of sizes.map((size) => ({ small, large })[size])) {
      for (const next of [1, 2, 3]) {
        const world = new MemoryWorld(options);
        await write(world, versions, 0);
        const seen = { changed: false };
        world.at(
          when,
          operation,
          async () => {
            seen.changed = true;
            await write(world, versions, next);
          },
          { nth },
        );
        await world.transfer();
        expect(versionAtDestination(world, versions)).toBe(seen.changed ? next : 0);
        expect(world.openUploads()).toEqual([]);
        expect(world.buffers.used).toBe(0);
      }
    }
  });
});

describe.each(worlds)('the source is deleted while it is copied, %s', (_name, options) => {
  it.each(moments)('%s %s (%d): the delete is replicated if the task says so', async (when, operation, nth, sizes) => {
    for (const versions of sizes.map((size) => ({ small, large })[size])) {
      for (const deletes of [true, false]) {
        const world = new MemoryWorld({ ...options, task: { ...options.task, deletes } });
        await write(world, versions, 0);
        const seen = { deleted: false };
        world.at(
          when,
          operation,
          async () => {
            seen.deleted = true;
            await world.deleteSource();
          },
          { nth },
        );
        await world.transfer();
        const version = versionAtDestination(world, versions);
        if (!seen.deleted) expect(version).toBe(0);
        else if (deletes) expect(version).toBeUndefined();
        else expect([0, undefined]).toContain(version);
        expect(world.openUploads()).toEqual([]);
      }
    }
  });
});

describe('tags, which are read by a separate request', () => {
  it.each(worlds)('are never shown with the bytes of another version, %s', async (_name, options) => {
    for (const versions of [small, large]) {
      const world = new MemoryWorld(options);
      const tagged = (version: number): ObjectAttributes => ({
        ...attributesOf(version),
        tags: { version: String(version) },
      });
      await world.putSource(versions[0]!, { attributes: tagged(0) });
      const shown: unknown[] = [];
      // A copy of one request takes the tags along.
      const moment = options.oneStore === true && versions === small ? 'copy' : 'tags';
      world.at('before', moment, () => world.putSource(versions[1]!, { attributes: tagged(1) }));
      const { hooks } = world.gate;
      world.gate.hooks = {
        ...hooks,
        after: (call) => {
          const copy = world.copied();
          if (copy && /^(put|copy|completeUpload)$/.test(call.operation)) {
            shown.push([copy.metadata['version'], copy.tags['version']]);
          }
        },
      };
      // Because the job states the size, the source is opened before its tags are read.
      await transferObject(world.context(), world.job('k', { size: versions[0]!.length }));
      expect(shown.at(-1)).toEqual(['1', '1']);
      expect(
        shown.filter((pair) => JSON.stringify(pair) !== '["1","1"]' && JSON.stringify(pair) !== '["0","0"]'),
      ).toEqual([]);
    }
  });

  it.each([
    ['other bytes and the same metadata', small[1]!, '0'],
    ['the same bytes and other metadata', small[0]!, '1'],
  ])('are never shown with bytes or metadata that a version with %s replaced', async (_name, bytes, version) => {
    const world = new MemoryWorld();
    const tagged = (metadata: string, tag: string): ObjectAttributes => ({
      headers: {},
      metadata: { version: metadata },
      tags: { version: tag },
    });
    await world.putSource(small[0]!, { attributes: tagged('0', '0') });
    const shown: unknown[] = [];
    world.at('before', 'tags', () => world.putSource(bytes, { attributes: tagged(version, '1') }));
    world.at('after', 'put', () => {
      const { bytes: stored, metadata, tags } = world.copied()!;
      shown.push({ whole: stored.equals(bytes), metadata, tags });
    });
    await transferObject(world.context(), world.job('k', { size: 5000 }));
    expect(shown).toEqual([{ whole: true, metadata: { version }, tags: { version: '1' } }]);
  });
});

describe('a delete', () => {
  it.each([
    ['before', 'delete'],
    ['after', 'delete'],
  ] as const)('leaves the new object if the source is re-created %s it', async (when, operation) => {
    const world = new MemoryWorld({ task: { deletes: true } });
    await write(world, small, 0);
    await world.transfer();
    await world.deleteSource();
    world.at(when, operation, () => write(world, small, 1));
    await world.transfer();
    expect(versionAtDestination(world, small)).toBe(1);
  });

  it('leaves the new object if another consumer copied it meanwhile', async () => {
    const world = new MemoryWorld({ task: { deletes: true } });
    await write(world, small, 0);
    await world.transfer();
    await world.deleteSource();
    // The other consumer copies the whole new object between this one's look and its delete.
    world.at('before', 'delete', async () => {
      world.gate.hooks = {};
      await write(world, small, 1);
      await world.transfer();
    });
    await world.transfer();
    expect(versionAtDestination(world, small)).toBe(1);
  });
});

describe('a source that keeps changing', () => {
  it('fails with SourceChanged, and leaves one whole version and no open upload', async () => {
    for (const versions of [small, large]) {
      const world = new MemoryWorld();
      let version = 0;
      await write(world, versions, 0);
      world.gate.hooks = {
        after: async (call) => {
          if (call.operation === 'put' || (call.operation === 'uploadPart' && call.part === 1)) {
            version = 1 - version;
            await write(world, versions, version);
          }
        },
      };
      await expect(world.transfer()).rejects.toMatchObject({ name: 'SourceChanged', retry: 'restart' });
      versionAtDestination(world, versions);
      world.gate.hooks = {};
      await world.transfer();
      expect(versionAtDestination(world, versions)).toBe(version);
      expect(world.openUploads()).toEqual([]);
    }
  });
});

describe.each(worlds)('concurrent consumers of one job, %s', (_name, options) => {
  it('end with one whole object and no open upload', async () => {
    for (const versions of [small, large]) {
      const world = new MemoryWorld(options);
      await write(world, versions, 0);
      const ends = await Promise.allSettled([world.transfer(), world.transfer(), world.transfer()]);
      for (const end of ends) {
        if (end.status === 'fulfilled') continue;
        // With opaque ETags, a part that another consumer sent again has another ETag: the message is redelivered.
        expect(options).toHaveProperty('opaque');
        expect(end.reason).toMatchObject({
          name: 'Unavailable',
          message: expect.stringContaining('does not exist with this ETag'),
        });
        await world.transfer();
      }
      expect(versionAtDestination(world, versions)).toBe(0);
      expect(world.openUploads()).toEqual([]);
      expect(world.ledger.entries()).toHaveLength(1);
    }
  });

  it('end with the new version if the source changes meanwhile', async () => {
    for (const [operation, versions] of [
      ['put', small],
      ['copy', small],
      ['uploadPart', large],
      ['copyPart', large],
    ] as const) {
      const world = new MemoryWorld(options);
      await write(world, versions, 0);
      const seen = { changed: false };
      world.at(
        'before',
        operation,
        async () => {
          seen.changed = true;
          await write(world, versions, 2);
        },
        { nth: 2 },
      );
      // The queue covers a fault here: the message is redelivered.
      const ends = await Promise.allSettled([world.transfer(), world.transfer()]);
      world.gate.hooks = {};
      for (const end of ends) if (end.status === 'rejected') await world.transfer();
      expect(versionAtDestination(world, versions)).toBe(seen.changed ? 2 : 0);
      expect(world.openUploads()).toEqual([]);
    }
  });
});

test('an object with the same bytes and other metadata does not pass as the completed upload', async () => {
  const world = new MemoryWorld();
  await write(world, large, 0);
  world.at('before', 'completeUpload', async () => {
    await write(world, large, 3);
    await world.transfer();
    expect(versionAtDestination(world, large)).toBe(3);
    await write(world, large, 0);
  });
  await world.transfer();
  expect(versionAtDestination(world, large)).toBe(0);
});

describe('a source that shrank or was deleted while its upload was open', () => {
  it.each([
    ['a small object', (world: MemoryWorld) => write(world, small, 1), 1],
    ['nothing', (world: MemoryWorld) => world.deleteSource(), undefined],
  ])('to %s: no upload is left open', async (_name, change, version) => {
    const world = new MemoryWorld({ task: { deletes: true } });
    await write(world, large, 0);
    world.at('before', 'completeUpload', () => world.kill());
    await expect(world.transfer()).rejects.toMatchObject({ message: expect.stringContaining('killed') });
    world.revive();
    expect(world.openUploads()).toHaveLength(1);
    await change(world);
    await world.transfer();
    expect(world.copied() === undefined).toBe(version === undefined);
    expect(world.openUploads()).toEqual([]);
  });
});
