import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ObjectAttributes } from '../../../shared/model/object.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import type { CopySource, Stored } from '../../../shared/ports/object-store.ts';
import { canCopyInside } from '../../../shared/transfer/decide/choose-route.ts';
import { planUpload } from '../../../shared/transfer/steps/plan-upload.ts';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { MemoryWorld, partSize, shrunkMiB, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';
import { taskOf } from '../../support/tasks.ts';

const inside: MemoryWorldOptions = { task: { serverSideCopy: 'auto' }, oneStore: true };

/** A store whose copies have only their first three bytes. */
class CuttingStore extends MemoryObjectStore {
  override async copy(source: CopySource, key: string, attributes: ObjectAttributes): Promise<Stored> {
    await super.copy(source, objectKey(key), attributes);
    return this.put(objectKey(key), { data: bytesOf(3), size: 3 }, attributes);
  }
}

describe('a server-side copy', () => {
  it.each([
    ['by its ETag', {}],
    ['by its size, where ETags are no MD5s', { opaque: { source: true, destination: true } }],
    ['by its size, at a store other than S3', { task: foreignTask() }],
  ] as [string, MemoryWorldOptions][])('that stored three of eleven bytes is found %s', async (_name, options) => {
    const world = new MemoryWorld({ ...inside, ...options });
    await world.putSource(bytesOf(11));
    const destination = new CuttingStore(world.destinationStorage, 'destination');
    await expect(world.transfer('k', { destination })).rejects.toMatchObject({ name: 'VerificationFailed' });
    expect(world.ledger.entries()).not.toContainEqual(expect.objectContaining({ status: 'DONE' }));
    expect(await world.transfer()).toMatchObject({ route: 'server-side copy' });
  });

  it('costs no look at the copy if the ETags agree', async () => {
    const world = new MemoryWorld(inside);
    await world.putSource(bytesOf(11));
    await world.transfer();
    // Of both sides before, and of the source after.
    expect(world.gate.count('head')).toBe(3);
  });
});

function foreignTask(): object {
  const endpoint = 'https://store.test';
  return { serverSideCopy: 'auto', source: { endpoint }, destination: { endpoint } };
}

/** Counts the calls that were made from now on, those that were refused included. */
function callsOf(world: MemoryWorld): (operation: string) => number {
  const made: string[] = [];
  world.gate.hooks = { before: ({ operation }) => void made.push(operation) };
  return (operation) => made.filter((one) => one === operation).length;
}

describe('a store that refuses to copy inside itself', () => {
  it.each([
    ['for it cannot', { source: { copies: false, partCopies: false } }],
    ['for the credentials may not', { views: { destination: { denied: new Set(['copy', 'copyPart']) } } }],
  ] as [string, MemoryWorldOptions][])('(%s) is asked once a process and task', async (_name, options) => {
    const world = new MemoryWorld({ ...inside, ...options });
    const context = world.context();
    for (const [key, size] of Object.entries({ a: 11, b: 12, c: 4 * partSize, d: 4 * partSize })) {
      await world.putSource(bytesOf(size), { key });
      const calls = callsOf(world);
      const outcome = await transferObject(context, world.job(key, { size }));
      const first = key === 'a' || key === 'c' ? 1 : 0;
      // Three parts are sent at once before the first refusal is known.
      expect(calls('copy') + Math.min(1, calls('copyPart'))).toBe(first);
      expect(calls('copyPart')).toBeLessThanOrEqual(3);
      const route = size > partSize ? 'multipart' : 'put';
      expect(outcome.route).toBe(route);
      expect(await world.ledger.get('test', key)).toMatchObject({ status: 'DONE', route });
      expect(world.copied(key)?.bytes.equals(bytesOf(size))).toBe(true);
    }
  });

  it('is asked again ten minutes later', async () => {
    const world = new MemoryWorld({ ...inside, source: { copies: false } });
    const context = world.context();
    const asked: number[] = [];
    for (const minutes of [0, 9, 2]) {
      world.clock.pass(minutes * 60_000);
      await world.putSource(bytesOf(11, String(minutes)));
      const calls = callsOf(world);
      await transferObject(context, world.job());
      asked.push(calls('copy'));
    }
    expect(asked).toEqual([1, 0, 1]);
  });

  it('for one object only, after it copied another, is asked for the next', async () => {
    const world = new MemoryWorld(inside);
    const context = world.context();
    const denied = new MemoryObjectStore(world.destinationStorage, 'destination', { denied: new Set(['copy']) });
    const routes: string[] = [];
    let refuses = false;
    const copy: MemoryObjectStore['copy'] = (...call) => (refuses ? denied : context.destination).copy(...call);
    const destination = new Proxy(context.destination, {
      get: (store, name) => {
        if (name === 'copy') return copy;
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? (value.bind(store) as unknown) : value;
      },
    });
    for (const refused of [false, true, false, true, true, true, false]) {
      refuses = refused;
      await world.putSource(bytesOf(11, String(routes.length)));
      routes.push((await transferObject({ ...context, destination }, world.job())).route);
    }
    const [copied, put] = ['server-side copy', 'put'];
    // The third refusal in a row counts.
    expect(routes).toEqual([copied, put, copied, put, put, put, put]);
  });
});

describe('a large object that the store copies in one request', () => {
  const copySizes = { object: 8 * partSize, part: 2 * partSize };
  const large: MemoryWorldOptions = { ...inside, source: { copySizes } };

  it('is copied by the consumer: no execution, no part', async () => {
    const world = new MemoryWorld(large);
    await world.putSource(bytesOf(8 * partSize));
    expect(await world.transfer('k', { uploads: world.uploads })).toMatchObject({ route: 'server-side copy' });
    expect(world.uploads.started).toEqual([]);
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
  });

  it('goes to an execution if the store refuses the copy', async () => {
    const world = new MemoryWorld({ ...large, source: { copySizes, copies: false } });
    await world.putSource(bytesOf(8 * partSize));
    expect(await world.transfer('k', { uploads: world.uploads })).toMatchObject({
      route: 'execution',
    });
    expect(world.gate.count('put')).toBe(0);
    expect(world.uploads.started).toHaveLength(1);
  });

  it('keeps its parts if it was uploaded in parts', async () => {
    const world = new MemoryWorld(large);
    await world.uploadSource(bytesOf(2 * partSize), [partSize, partSize]);
    expect(await world.transfer()).toMatchObject({ route: 'multipart' });
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
  });

  it('goes in larger parts if it is too large for one copy, and in larger batches', async () => {
    const world = new MemoryWorld(large);
    await world.putSource(bytesOf(9 * partSize));
    const context = world.context();
    const state = await planUpload(context, { job: world.job(), attempt: 1, ended: 0 });
    expect(state).toMatchObject({
      target: { method: 'server-side copy', plan: { partSize: 2 * partSize, partCount: 5 } },
      batches: [{ parts: [[1, 5]] }],
    });
    await world.transfer();
    expect(world.gate.count('copyPart')).toBe(5);
    expect(world.copied()?.bytes.equals(bytesOf(9 * partSize))).toBe(true);
  });
});

describe('headers, metadata and tags of a copy inside S3', () => {
  const attributes = { headers: { contentType: 'a/b', websiteRedirect: '/x' }, metadata: { a: 'b' }, tags: { c: 'd' } };

  it('are copied by the store, from the version of the bytes: no read of tags, no look at the source more', async () => {
    const world = new MemoryWorld(inside);
    await world.putSource(bytesOf(11), { attributes });
    await world.transfer();
    expect(world.copied()).toMatchObject(attributes);
    expect([world.gate.count('tags'), world.gate.count('head')]).toEqual([0, 3]);
  });

  it('are never of two versions', async () => {
    const world = new MemoryWorld(inside);
    await world.putSource(bytesOf(11), { attributes: { ...attributes, headers: { contentType: 'a/b' } } });
    const newer = { headers: { contentType: 'c/d' }, metadata: { a: 'new' }, tags: { c: 'new' } };
    const shown: unknown[] = [];
    world.gate.hooks = {
      before: async ({ operation }) => {
        if (operation === 'copy') await world.putSource(bytesOf(11), { attributes: newer });
      },
      after: ({ operation }) => {
        const copy = world.copied();
        if (operation === 'copy') shown.push([copy?.headers.contentType, copy?.metadata['a'], copy?.tags['c']]);
      },
    };
    await world.transfer();
    expect(shown).toEqual([['c/d', 'new', 'new']]);
  });

  it.each([
    ['tags', { headers: attributes.headers, metadata: { a: 'b' }, tags: {} }],
    ['metadata', { headers: attributes.headers, metadata: {}, tags: { c: 'd' } }],
  ])('are those that the task copies: without %s', async (left, copied) => {
    const world = new MemoryWorld({ ...inside, task: { serverSideCopy: 'auto', [left]: false } });
    await world.putSource(bytesOf(11), { attributes });
    await world.transfer();
    const { headers, metadata, tags } = world.copied()!;
    expect({ headers, metadata, tags }).toEqual(copied);
  });
});

describe('a small object in parts', () => {
  it('is relayed, for S3 copies no range of an object up to 5 MB', async () => {
    const world = new MemoryWorld(inside);
    await world.uploadSource(bytesOf(3 * shrunkMiB), [3 * shrunkMiB]);
    await world.transfer();
    expect(world.gate.count('copyPart')).toBe(0);
    expect(world.copied()?.etag).toBe(world.sourceObject()?.etag);
  });
});

describe('canCopyInside', () => {
  it.each([
    [undefined, undefined, true],
    ['cn-north-1', 'cn-northwest-1', true],
    [undefined, 'cn-northwest-1', true],
    ['cn-north-1', undefined, true],
    ['us-east-1', 'eu-west-1', true],
    ['us-east-1', 'cn-north-1', false],
  ])('from region %s to region %s is %s', (from, to, can) => {
    const region = (name: string | undefined): object => (name === undefined ? {} : { region: name });
    const task = taskOf({ serverSideCopy: 'auto', source: region(from), destination: region(to) });
    expect(canCopyInside(task)).toBe(can);
  });
});
