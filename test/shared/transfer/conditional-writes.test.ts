import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../shared/model/faults.ts';
import type { Job } from '../../../shared/model/job.ts';
import { missingTrustedMillis } from '../../../shared/model/limits.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import type { TransferContext } from '../../../shared/transfer/context.ts';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

const inside: MemoryWorldOptions = { task: { serverSideCopy: 'auto' }, oneStore: true };

/** The store's calls of one method are made twice: the first answer is lost, as the SDK's retries hide it. */
function repeating(store: ObjectStore, method: 'put' | 'copy' | 'completeUpload'): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return name === method ? async (...args: unknown[]) => call(...args).then(() => call(...args)) : call;
    },
  });
}

describe('a write whose answer was lost, and which is sent again', () => {
  it.each([
    ['put', 'put', {}, 10],
    ['copy', 'server-side copy', inside, 10],
    ['completeUpload', 'multipart', {}, 2 * partSize],
  ] as const)('%s is known as its own, and counts as done', async (method, route, options, size) => {
    for (const existed of [false, true]) {
      const world = new MemoryWorld(options);
      if (existed) {
        await world.putSource(bytesOf(size, 'old'));
        await world.transfer();
      }
      await world.putSource(bytesOf(size, 'new'), { attributes: { ...noAttributes, metadata: { a: 'b' } } });
      const destination = repeating(world.context().destination, method);
      expect(await world.transfer('k', { destination })).toMatchObject({ route });
      expect(await world.ledger.get('test', 'k')).toMatchObject({ status: 'DONE', route });
      expect(world.gate.count(method)).toBe(1);
      expect(world.openUploads()).toEqual([]);
    }
  });

  it('is made once more where the ETag cannot tell whose it is', async () => {
    const world = new MemoryWorld({ opaque: { destination: true } });
    await world.putSource(bytesOf(10));
    const { destination } = world.context();
    let lost = false;
    const losing = new Proxy(destination, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (name !== 'put' || lost) return call;
        lost = true;
        return async (...args: unknown[]) => call(...args).then(() => call(...args));
      },
    });
    expect(await world.transfer('k', { destination: losing })).toMatchObject({ route: 'put' });
    expect(world.gate.count('put')).toBe(2);
  });

  it('is no own write if the object there has other attributes', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(10), { attributes: { ...noAttributes, metadata: { a: 'new' } } });
    world.at('before', 'put', async () => {
      const other = { ...noAttributes, metadata: { a: 'other' } };
      world.gate.hooks = {};
      await world.context().destination.put(objectKey('k'), { data: bytesOf(10), size: 10 }, other);
    });
    await world.transfer();
    expect(world.copied()?.metadata).toEqual({ a: 'new' });
  });
});

describe('a destination that others keep writing', () => {
  it('ends the job after four attempts; the queue delivers it later', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(10));
    let writes = 0;
    const { destination } = world.context();
    world.gate.hooks = {
      before: async ({ operation, bucket }) => {
        if (operation !== 'put' || bucket !== 'destination' || writes % 2 === 1) return;
        writes++;
        await destination.put(objectKey('k'), { data: bytesOf(9, writes), size: 9 }, noAttributes);
        writes++;
      },
    };
    await expect(world.transfer()).rejects.toMatchObject({ name: 'DestinationConflict', retry: 'restart' });
    expect(writes / 2).toBe(4);
    world.gate.hooks = {};
    expect(await world.transfer()).toMatchObject({ route: 'put' });
  });
});

describe('an upload that S3 wants begun again after a conflict', () => {
  it('is aborted, and another one is completed', async () => {
    const world = new MemoryWorld();
    await world.putSource(bytesOf(2 * partSize));
    const ended: string[] = [];
    world.at('before', 'completeUpload', () => {
      ended.push(...world.openUploads());
      throw new Fault('UploadGone', 'ConditionalRequestConflict');
    });
    await world.transfer();
    expect(ended).toHaveLength(1);
    expect(world.openUploads()).toEqual([]);
    expect(world.gate.count('createUpload')).toBe(2);
    expect(world.copied()?.bytes.equals(bytesOf(2 * partSize))).toBe(true);
  });
});

describe('what a run found missing, at a store that compares what a write replaces', () => {
  const hours = 3_600_000;

  function requestsOf(world: MemoryWorld): string[] {
    const seen: string[] = [];
    const note = ({ operation, bucket }: { operation: string; bucket: string }): void =>
      void seen.push(`${operation} ${bucket}`);
    world.gate.hooks = { before: note };
    return seen;
  }

  /** A world whose relayed objects are small, and a job for one that a run found missing hours ago. */
  async function hintedWorld(options: MemoryWorldOptions = {}): Promise<[MemoryWorld, TransferContext, Job]> {
    const world = new MemoryWorld({ task: { largeObjectThreshold: '5 MiB' }, ...options });
    await world.putSource(bytesOf(10));
    const job = world.job('k', { size: 10, missingAt: world.clock.now() });
    world.clock.pass(14 * 24 * hours);
    return [world, world.context(), job];
  }

  it('is relied on at any age: no look at the destination', async () => {
    const [world, context, job] = await hintedWorld();
    const requests = requestsOf(world);
    await transferObject(context, job);
    expect(requests).toEqual(['get source', 'put destination', 'head source', 'ledger.close ledger']);
  });

  it('is not relied on for longer than five minutes elsewhere', async () => {
    const [world, context, job] = await hintedWorld({ destination: { conditionalWrites: false } });
    const requests = requestsOf(world);
    await transferObject(context, job);
    expect(requests).toEqual([
      'head destination',
      'get source',
      'put destination',
      'head source',
      'ledger.close ledger',
    ]);
    expect(missingTrustedMillis).toBeLessThan(14 * 24 * hours);
  });

  it('was overtaken by a newer copy: nothing is lost, and the next twenty jobs look', async () => {
    const [world, context, job] = await hintedWorld();
    await world.transfer();
    const requests = requestsOf(world);
    expect(await transferObject(context, job)).toMatchObject({ route: 'put' });
    // The object that is there is what the job was to write.
    expect(requests).toEqual([
      ...['get source', 'put destination', 'head destination'],
      ...['head source', 'ledger.close ledger'],
    ]);
    const looks: boolean[] = [];
    for (let count = 1; count <= 22; count++) {
      const seen = requestsOf(world);
      await transferObject(context, job);
      looks.push(seen[0] === 'head destination');
    }
    expect(looks).toEqual([...Array<boolean>(20).fill(true), false, true]);
  });

  it('is another version now: it is overwritten after a look', async () => {
    const [world, context, job] = await hintedWorld();
    await context.destination.put(objectKey('k'), { data: bytesOf(9), size: 9 }, noAttributes);
    await transferObject(context, job);
    expect(world.copied()?.bytes.equals(bytesOf(10))).toBe(true);
  });
});
