import { describe, expect, it } from '@jest/globals';
import type { StoreName } from '../../../shared/model/stores/stores.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import type { Stored } from '../../../shared/ports/object-store.ts';
import { failureOf } from '../../support/failure.ts';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** What is known of a store decides without a request; what is not known is found out by one. */

const endpoint = 'https://store.test';
const tagged = { ...noAttributes, tags: { kind: 'a' } };

function at(store: StoreName): { readonly store: StoreName; readonly endpoint: string } {
  return { store, endpoint };
}

/** A store that remembers the checksums that it was sent. */
class WatchedStore extends MemoryObjectStore {
  readonly checksums: (string | undefined)[] = [];

  override put(...call: Parameters<MemoryObjectStore['put']>): Promise<Stored> {
    this.checksums.push(call[1].checksum?.algorithm);
    return super.put(...call);
  }
}

/** A world that shows no number of tags, and has an object. */
async function worldOf(options: MemoryWorldOptions, bytes = bytesOf(11)): Promise<MemoryWorld> {
  const world = new MemoryWorld({ ...options, source: { tagCounts: false, ...options.source } });
  await world.putSource(bytes, { attributes: tagged });
  return world;
}

describe('tags', () => {
  it.each<readonly [StoreName, number]>([
    ['aliyun-oss', 0],
    ['r2', 0],
    ['gcs', 0],
    ['tencent-cos', 1],
    ['s3-compatible', 1],
  ])('of a source at %s are asked for %i times', async (store, times) => {
    const world = await worldOf({ task: { source: at(store) } });
    await world.transfer();
    expect(world.gate.count('tags')).toBe(times);
    expect(world.copied()?.tags).toEqual(times === 0 ? {} : tagged.tags);
  });

  it('that a store has, and does not show, are no reason to copy without', async () => {
    const denied = { views: { source: { denied: new Set(['tags']) } } };
    const known = await worldOf({ ...denied, task: { source: at('minio') } });
    expect(await failureOf(known.transfer())).toMatchObject({ name: 'AccessDenied' });
    const unknown = await worldOf({ ...denied, task: { source: at('s3-compatible') } });
    await unknown.transfer();
    expect(unknown.finished()[0]?.lost).toMatchObject([{ kind: 'tags' }]);
  });

  it.each(['put', 'multipart'])('are not sent to a store without tags by %s, and are a loss', async (route) => {
    const bytes = bytesOf(route === 'put' ? 11 : 2 * partSize);
    const world = await worldOf({ task: { destination: at('aliyun-oss') } }, bytes);
    expect(await world.transfer()).toMatchObject({ route });
    expect(world.copied()?.tags).toEqual({});
    const [loss] = world.finished()[0]?.lost ?? [];
    expect(loss?.kind).toBe('tags');
    if (route === 'put') expect(loss?.reason).toContain('S3 API on OSS, Compatible operations');
    const strict = await worldOf({ task: { destination: at('aliyun-oss'), strict: true } }, bytes);
    expect(await failureOf(strict.transfer())).toMatchObject({ name: 'AttributeLost' });
    expect(strict.gate.count('put') + strict.gate.count('createUpload')).toBe(0);
  });
});

describe('copies of parts inside a store', () => {
  it.each<readonly [StoreName, boolean]>([
    ['ceph', false],
    ['r2', false],
    ['gcs', false],
    ['minio', true],
    ['s3-compatible', true],
  ])('at %s are made: %s', async (store, made) => {
    const side = at(store);
    const task = { serverSideCopy: 'auto', source: side, destination: side } as const;
    const world = await worldOf({ task, oneStore: true }, bytesOf(2 * partSize));
    await world.transfer();
    expect(world.gate.count('copyPart') > 0).toBe(made);
    expect(world.gate.count('uploadPart') > 0).toBe(!made);
    expect(world.copied()?.bytes.length).toBe(2 * partSize);
  });
});

describe('the stored checksum of a source', () => {
  it.each<readonly [StoreName, 'CRC64NVME' | 'CRC32', boolean]>([
    ['r2', 'CRC64NVME', true],
    ['r2', 'CRC32', false],
    ['s3-compatible', 'CRC64NVME', false],
  ])('at %s in %s is sent on to S3: %s', async (store, algorithm, sent) => {
    const world = await worldOf({ task: { source: at(store) } });
    const bucket = world.sourceStorage.bucket('source');
    bucket.write('k', { ...bucket.get('k')!, checksumAlgorithm: algorithm }, false);
    const destination = new WatchedStore(world.destinationStorage, 'destination');
    await world.transfer('k', { destination });
    expect(destination.checksums).toEqual([sent ? algorithm : undefined]);
  });
});
