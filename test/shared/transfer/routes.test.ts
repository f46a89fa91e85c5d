import { describe, expect, it } from '@jest/globals';
import { MiB, minPartBytes, missingTrustedMillis, missingTrustedMaxBytes } from '../../../shared/model/limits.ts';
import type { ObjectAttributes } from '../../../shared/model/object.ts';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

const attributes: ObjectAttributes = {
  headers: {
    contentType: 'text/x-test',
    contentEncoding: 'gzip',
    contentLanguage: 'de',
    contentDisposition: 'attachment; filename="a b"',
    cacheControl: 'max-age=60',
    expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
    websiteRedirect: '/elsewhere',
  },
  metadata: { colour: 'blue', 'x-y': 'ü' },
  tags: { kind: 'a b', 'p+q': '1/2' },
};

/** Each route that moves bytes in one process, with a world and a size for which it is chosen. */
const ways: [string, MemoryWorldOptions, number, number[]?][] = [
  ['put', {}, 100_000],
  ['put', {}, 0],
  ['put', {}, 1],
  ['put', {}, partSize],
  ['multipart', {}, partSize + 1],
  ['multipart', { minPartBytes }, minPartBytes + 1],
  ['multipart', {}, 3 * partSize],
  ['multipart', {}, 3 * partSize + 1],
  ['multipart', {}, partSize + 7, [partSize, 7]],
  ['multipart', {}, 20 * shrunkMiB, [8 * shrunkMiB, 8 * shrunkMiB, 4 * shrunkMiB]],
  ['multipart', {}, 1000, [1000]],
  ['server-side copy', { task: { serverSideCopy: 'auto' }, oneStore: true }, 100_000],
  ['multipart', { task: { serverSideCopy: 'auto' }, oneStore: true }, 11 * shrunkMiB],
];

describe.each(ways)('the route %s with %j, %d bytes', (route, options, size, parts) => {
  async function filled(): Promise<MemoryWorld> {
    const world = new MemoryWorld({ ...options, views: { destination: { storageClass: 'STANDARD_IA' } } });
    await fill(world, attributes);
    return world;
  }

  async function fill(world: MemoryWorld, given: ObjectAttributes): Promise<void> {
    if (parts) await world.uploadSource(bytesOf(size), parts, given);
    else await world.putSource(bytesOf(size), { attributes: given });
  }

  it('copies bytes, headers, metadata, tags and storage class, and reports it once', async () => {
    const world = await filled();
    const outcome = await world.transfer();
    expect(outcome).toMatchObject({ task: 'test', key: 'k', route, bytes: size });
    const copy = world.copied();
    expect(copy?.bytes.equals(bytesOf(size))).toBe(true);
    expect({ headers: copy?.headers, metadata: copy?.metadata, tags: copy?.tags }).toEqual(attributes);
    expect(copy?.storageClass).toBe('STANDARD_IA');
    expect(world.finished()).toEqual([outcome]);
    expect(world.openUploads()).toEqual([]);
    const sent = world.events.reduce((sum, event) => sum + (event.type === 'sent' ? event.bytes : 0), 0);
    expect(sent).toBe(size);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({
        status: 'DONE',
        route,
        size,
        sourceEtag: world.sourceObject()?.etag,
        destinationEtag: copy?.etag,
      }),
    ]);
    expect(world.ledger.entries()[0]).not.toHaveProperty('upload');
    expect(world.buffers.used).toBe(0);
  });

  it('copies no metadata and requests no tags if the task excludes them', async () => {
    const world = await filled();
    world.gate.forgetCounts();
    await world.transfer('k', { task: { ...world.task, metadata: false, tags: false } });
    const copy = world.copied();
    expect({ headers: copy?.headers, metadata: copy?.metadata, tags: copy?.tags }).toEqual({
      headers: attributes.headers,
      metadata: {},
      tags: {},
    });
    expect(world.gate.count('tags')).toBe(0);
  });

  it('skips an object that was already copied', async () => {
    const world = await filled();
    await world.transfer();
    world.gate.forgetCounts();
    expect(await world.transfer()).toMatchObject({ route: 'skip', bytes: 0 });
    for (const write of ['put', 'copy', 'createUpload', 'uploadPart', 'copyPart', 'completeUpload', 'delete']) {
      expect([write, world.gate.count(write)]).toEqual([write, 0]);
    }
  });

  it('copies a version that differs only in its metadata, once', async () => {
    const world = await filled();
    await world.transfer();
    const changed = { ...attributes, metadata: { colour: 'red', 'x-y': 'ü' } };
    await fill(world, changed);
    expect(await world.transfer()).toMatchObject({ route });
    const copy = world.copied();
    expect({ headers: copy?.headers, metadata: copy?.metadata, tags: copy?.tags }).toEqual(changed);
    expect(await world.transfer()).toMatchObject({ route: 'skip' });
  });

  it('copies again if the task compares nothing', async () => {
    const world = await filled();
    await world.transfer();
    const again = { ...world.task, compare: 'none' as const };
    expect(await world.transfer('k', { task: again })).toMatchObject({ route, bytes: size });
  });
});

describe('a second transfer after a change of', () => {
  const bytes = bytesOf(1000);
  it.each([
    [
      'the value of a header',
      { ...attributes, headers: { ...attributes.headers, cacheControl: 'no-store' } },
      {},
      'put',
    ],
    ['one header, which is removed', { ...attributes, headers: { contentType: 'text/x-test' } }, {}, 'put'],
    ['metadata that the task excludes', { ...attributes, metadata: { other: 'x' } }, { metadata: false }, 'skip'],
    ['only the order of metadata', { ...attributes, metadata: { 'x-y': 'ü', colour: 'blue' } }, {}, 'skip'],
  ])('%s: the route is right', async (_name, changed, task, route) => {
    const world = new MemoryWorld({ task });
    await world.putSource(bytes, { attributes });
    await world.transfer();
    await world.putSource(bytes, { attributes: changed });
    expect(await world.transfer()).toMatchObject({ route });
    expect(await world.transfer()).toMatchObject({ route: 'skip' });
    expect(world.copied()?.headers).toEqual(changed.headers);
  });
});

describe('the source layout', () => {
  it('is kept, so that both ETags are equal', async () => {
    const world = new MemoryWorld();
    await world.uploadSource(bytesOf(21 * shrunkMiB), [8 * shrunkMiB, 8 * shrunkMiB, partSize]);
    await world.transfer();
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
    expect(world.copied()?.parts).toEqual([8 * shrunkMiB, 8 * shrunkMiB, partSize]);
  });

  it('is not used if HEAD does not support part numbers', async () => {
    const world = new MemoryWorld({ source: { partNumbers: false } });
    await world.uploadSource(bytesOf(20 * shrunkMiB), [8 * shrunkMiB, 8 * shrunkMiB, 4 * shrunkMiB]);
    await world.transfer();
    expect(world.copied()?.parts).toEqual([partSize, partSize, partSize, partSize]);
    expect(world.copied()?.bytes.equals(bytesOf(20 * shrunkMiB))).toBe(true);
  });

  it.each([
    ['the first part is smaller', [6 * shrunkMiB, 8 * shrunkMiB, 6 * shrunkMiB]],
    ['the parts only look equal', [8 * shrunkMiB, 6 * shrunkMiB, 6 * shrunkMiB]],
  ])('with unequal parts is still copied correctly: %s', async (_name, sizes) => {
    const world = new MemoryWorld();
    await world.uploadSource(bytesOf(20 * shrunkMiB), sizes);
    expect(await world.transfer()).toMatchObject({ route: 'multipart', bytes: 20 * shrunkMiB });
    expect(world.copied()?.bytes.equals(bytesOf(20 * shrunkMiB))).toBe(true);
    expect(await world.transfer()).toMatchObject({ route: 'skip' });
  });
});

describe('a store with fewer features', () => {
  it.each([
    ['no tags at the destination', { destination: { tags: 'refused' } }, {}],
    ['no tags at the source', { source: { tags: 'ignored' } }, {}],
    [
      'no tags at the source, which refuses to show them',
      {
        task: { source: { endpoint: 'https://other.example' } },
        source: { tags: 'ignored', tagReads: 'refused', tagCounts: false },
      },
      {},
    ],
    ['a source that does not count tags', { source: { tagCounts: false } }, attributes.tags],
    ['no checksums', { destination: { checksums: 'refused' } }, attributes.tags],
    ['checksums that are ignored', { destination: { checksums: 'ignored' } }, attributes.tags],
    ['an empty ETag from Complete', { destination: { completeEtag: false } }, attributes.tags],
    ['versions on both sides', { source: { versions: true }, destination: { versions: true } }, attributes.tags],
    ['opaque ETags at the destination', { opaque: { destination: true } }, attributes.tags],
    ['opaque ETags at the source', { opaque: { source: true } }, attributes.tags],
    ['opaque ETags on both sides', { opaque: { source: true, destination: true } }, attributes.tags],
  ] as [string, MemoryWorldOptions, object][])('receives the whole object: %s', async (_name, options, tags) => {
    for (const size of [1000, 12 * shrunkMiB]) {
      const world = new MemoryWorld(options);
      const given = world.sourceStorage.features.tags === 'kept' ? attributes : { ...attributes, tags: {} };
      await world.putSource(bytesOf(size), { attributes: given });
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
      expect(world.copied()?.tags).toEqual(tags);
      expect(world.copied()?.metadata).toEqual(attributes.metadata);
      expect(await world.transfer()).toMatchObject({ route: 'skip' });
      expect(world.openUploads()).toEqual([]);
    }
  });

  it('that cannot copy inside itself is relayed, for small and large objects', async () => {
    for (const size of [1000, 12 * shrunkMiB]) {
      const world = new MemoryWorld({
        task: { serverSideCopy: 'auto' },
        oneStore: true,
        source: { copies: false, partCopies: false },
      });
      await world.putSource(bytesOf(size));
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
    }
  });

  it('whose credentials may not copy inside it is relayed, for small and large objects', async () => {
    for (const size of [1000, 12 * shrunkMiB]) {
      const destination = { denied: new Set(['copy', 'copyPart']) };
      const world = new MemoryWorld({ task: { serverSideCopy: 'auto' }, oneStore: true, views: { destination } });
      await world.putSource(bytesOf(size));
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
    }
  });

  it('that refuses server-side copies gets an object of unknown MD5 that is too large to buffer in parts', async () => {
    const size = 64 * MiB + 1;
    const task = { serverSideCopy: 'auto', largeObjectThreshold: '1 GiB', partSize: '32 MiB' };
    const world = new MemoryWorld({
      task,
      oneStore: true,
      opaque: { source: true },
      source: { copies: false, partCopies: false },
    });
    await world.putSource(bytesOf(size));
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(size))).toBe(true);
  });

  it('that denies reading tags fails the transfer, also if it does not count them, as S3 then does', async () => {
    const world = new MemoryWorld({ views: { source: { denied: new Set(['tags']) } } });
    await world.putSource(bytesOf(10), { attributes });
    await expect(world.transfer()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(world.copied()).toBeUndefined();
    const silent = new MemoryWorld({ views: { source: { denied: new Set(['tags']) } }, source: { tagCounts: false } });
    await silent.putSource(bytesOf(10), { attributes });
    await expect(silent.transfer()).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(silent.copied()).toBeUndefined();
  });

  it('of another kind than S3 that denies reading tags and does not count them loses them, which is reported', async () => {
    const world = new MemoryWorld({
      task: { source: { endpoint: 'https://store.invalid' } },
      views: { source: { denied: new Set(['tags']) } },
      source: { tagCounts: false },
    });
    await world.putSource(bytesOf(10), { attributes });
    const { lost } = await world.transfer();
    expect(world.copied()?.tags).toEqual({});
    expect(lost).toEqual([
      { kind: 'tags', store: 'destination at S3', reason: 'the source refuses to show whether there are some' },
    ]);
    expect(world.ledger.entries()).toMatchObject([{ status: 'DONE', lost: ['tags'] }]);
  });
});

describe('a body that is too large to buffer', () => {
  it('streams in one request if its MD5 is known before it is sent, with and without tags', async () => {
    for (const tags of [true, false]) {
      const world = new MemoryWorld({
        task: { largeObjectThreshold: '1 GiB' },
        destination: { tags: tags ? 'kept' : 'refused' },
      });
      const bytes = bytesOf(64 * MiB + 5);
      await world.putSource(bytes, { attributes });
      expect(await world.transfer()).toMatchObject({ route: 'put' });
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
      expect(world.buffers.used).toBe(0);
    }
  });

  it('streams as a part in the source layout', async () => {
    for (const endpoint of [undefined, 'https://other.example']) {
      const world = new MemoryWorld({ task: { destination: { ...(endpoint !== undefined && { endpoint }) } } });
      const bytes = bytesOf(65 * MiB + 10);
      await world.uploadSource(bytes, [65 * MiB, 10]);
      await world.transfer();
      expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    }
  });
});

describe('transferObject', () => {
  it.each([
    [{ deletes: true }, 'delete'],
    [{ events: 'create-delete' }, 'delete'],
    [{}, 'skip'],
  ])('for an object that is gone at the source, with %j: %s', async (task, route) => {
    const world = new MemoryWorld({ task });
    await world.putSource(bytesOf(10));
    await world.transfer();
    await world.deleteSource();
    expect(await world.transfer()).toMatchObject({ route, bytes: 0 });
    expect(world.copied() === undefined).toBe(route === 'delete');
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({ status: route === 'delete' ? 'DELETED' : 'SKIPPED' }),
    ]);
  });

  it('skips an object that is on neither side', async () => {
    expect(await new MemoryWorld().transfer()).toMatchObject({ route: 'skip' });
  });

  it('starts one execution for a large object and sends nothing itself', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(7 * shrunkMiB));
    const first = await world.transfer('k', { uploads: world.uploads });
    const second = await world.transfer('k', { uploads: world.uploads });
    expect(first).toMatchObject({ route: 'execution', reason: 'execution execution-1 was started' });
    expect(second).toMatchObject({ route: 'execution', reason: 'execution execution-1 is running' });
    const { etag } = world.sourceObject() ?? {};
    expect(world.uploads.started.map(({ job }) => job)).toEqual([
      { task: 'test', key: 'k', action: 'copy', size: 7 * shrunkMiB, etag },
    ]);
    expect(world.gate.count('get') + world.gate.count('createUpload')).toBe(0);
  });

  it('looks at a small source with one GET if the job states size and ETag', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(1000));
    await transferObject(world.context(), world.job('k', { size: 1000, etag: world.sourceObject()?.etag ?? '' }));
    expect(world.gate.count('get')).toBe(1);
    // One of the destination before the copy, one of the source after it.
    expect(world.gate.count('head')).toBe(2);
    expect(world.gate.count('ledger.close')).toBe(1);
    expect(world.gate.count('ledger.get')).toBe(0);
  });

  it('trusts a recent missingAt for small objects, but not if the source is gone', async () => {
    const world = new MemoryWorld({
      task: { deletes: true, largeObjectThreshold: '5 MiB' },
      destination: { conditionalWrites: false },
    });
    await world.putSource(bytesOf(10));
    const missingAt = world.clock.now();
    const job = world.job('k', { size: 10, missingAt });
    const looks = async (): Promise<string[]> => {
      const seen: string[] = [];
      world.gate.hooks = { before: ({ operation, bucket }) => void seen.push(`${operation} ${bucket}`) };
      await transferObject(world.context(), job);
      return seen.slice(0, 2);
    };
    expect(await looks()).toEqual(['get source', 'put destination']);
    // A second delivery of this message costs a second copy; for small objects that is cheaper than always looking.
    expect(await looks()).toEqual(['get source', 'put destination']);
    const larger = world.job('larger', { size: missingTrustedMaxBytes + 1, missingAt });
    await world.putSource(bytesOf(missingTrustedMaxBytes + 1), { key: 'larger' });
    for (const puts of [1, 0]) {
      world.gate.forgetCounts();
      await transferObject(world.context(), larger);
      expect(world.gate.count('put')).toBe(puts);
    }
    world.clock.pass(missingTrustedMillis);
    expect(await looks()).toEqual(['head destination', 'head source']);
    world.clock.pass(-2 * missingTrustedMillis);
    expect(await looks()).toEqual(['head destination', 'head source']);
    world.clock.pass(missingTrustedMillis);
    await world.deleteSource();
    await looks();
    expect(world.copied()).toBeUndefined();
  });

  it('throws ArchivedSource until a restored copy exists', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(10));
    const object = world.sourceObject()!;
    const bucket = world.sourceStorage.bucket('source');
    bucket.write('k', { ...object, readable: false }, false);
    for (const size of [10, undefined]) {
      const job = world.job('k', size === undefined ? {} : { size });
      await expect(transferObject(world.context(), job)).rejects.toMatchObject({ name: 'ArchivedSource' });
    }
    bucket.write('k', { ...object, readable: true }, false);
    expect(await world.transfer()).toMatchObject({ route: 'put' });
  });

  it('throws InvalidInput for a key outside the source prefix', async () => {
    const world = new MemoryWorld({ task: { source: { prefix: 'in/' } } });
    await expect(world.transfer('out/k')).rejects.toMatchObject({ name: 'InvalidInput' });
  });
});
