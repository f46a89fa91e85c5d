import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../shared/model/faults.ts';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf } from '../../support/objects.ts';

/** A request that its caller cut off may take effect whenever the store comes to it. */

type Write = 'put' | 'copy' | 'completeUpload' | 'delete';

/** A destination whose first write of this kind is cut off; `land` lets it take effect. */
function cutting(
  store: ObjectStore,
  write: Write,
): { readonly store: ObjectStore; readonly land: () => Promise<unknown> } {
  let late: (() => Promise<unknown>) | undefined;
  const proxy = new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (name !== write) return call;
      return (...args: unknown[]) => {
        if (!late) {
          // The caller's buffer is used again.
          const own = args.map((arg) => (isBody(arg) ? { ...arg, data: Buffer.from(arg.data) } : arg));
          late = () => call(...own);
        }
        // Not a fault that would be tried again in the process, which may as well have died here.
        return Promise.reject(new Fault('OutOfTime', 'cut off'));
      };
    },
  });
  return { store: proxy, land: async () => late?.() };
}

function isBody(argument: unknown): argument is { data: Buffer } {
  return typeof argument === 'object' && argument !== null && 'data' in argument;
}

const inside: MemoryWorldOptions = { task: { serverSideCopy: 'auto' }, oneStore: true };
/** The kind of write, the world, and the size of its object. */
const writes: [Exclude<Write, 'delete'>, string, MemoryWorldOptions, number][] = [
  ['put', 'a PUT', {}, 10],
  ['put', 'a PUT to a bucket whose ETags are no MD5s', { opaque: { destination: true } }, 10],
  ['copy', 'a copy inside the store', inside, 10],
  ['completeUpload', 'a Complete', {}, 2 * partSize],
];

describe('a write that was cut off by its caller', () => {
  it.each(writes)('%s: %s lands late and cannot overwrite a newer copy', async (write, _name, options, size) => {
    for (const existed of [false, true]) {
      const world = new MemoryWorld(options);
      if (existed) {
        await world.putSource(bytesOf(size, 'old'));
        await world.transfer();
      }
      await world.putSource(bytesOf(size, 'one'));
      const { store, land } = cutting(world.context().destination, write);
      await expect(world.transfer('k', { destination: store })).rejects.toMatchObject({ name: 'OutOfTime' });
      await world.putSource(bytesOf(size, 'two'));
      await world.transfer();
      expect(world.copied()?.bytes.equals(bytesOf(size, 'two'))).toBe(true);
      await land().catch(() => undefined);
      expect(world.copied()?.bytes.equals(bytesOf(size, 'two'))).toBe(true);
    }
  });

  it('a DELETE lands late and cannot delete a newer copy', async () => {
    const world = new MemoryWorld({ task: { deletes: true } });
    await world.putSource(bytesOf(10, 'one'));
    await world.transfer();
    await world.deleteSource();
    const { store, land } = cutting(world.context().destination, 'delete');
    await expect(world.transfer('k', { destination: store })).rejects.toMatchObject({ name: 'OutOfTime' });
    await world.putSource(bytesOf(10, 'two'));
    await world.transfer();
    await land().catch(() => undefined);
    expect(world.copied()?.bytes.equals(bytesOf(10, 'two'))).toBe(true);
  });

  it.each(writes)(
    '%s: %s lands between the look of another consumer and its write',
    async (write, _n, options, size) => {
      const world = new MemoryWorld(options);
      await world.putSource(bytesOf(size, 'one'));
      const { store, land } = cutting(world.context().destination, write);
      await expect(world.transfer('k', { destination: store })).rejects.toMatchObject({ name: 'OutOfTime' });
      await world.putSource(bytesOf(size, 'two'));
      let landed = false;
      world.at('before', write, async () => {
        landed = true;
        await land().catch(() => undefined);
      });
      await world.transfer();
      expect(landed).toBe(true);
      expect(world.copied()?.bytes.equals(bytesOf(size, 'two'))).toBe(true);
      expect(world.openUploads()).toEqual([]);
    },
  );
});
