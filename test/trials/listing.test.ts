import { afterEach, expect, test } from '@jest/globals';
import { findSegment } from '../../shared/find/find-segment.ts';
import type { Job } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ListedObject } from '../../shared/model/object.ts';
import type { ListOptions, ObjectStore } from '../../shared/ports/object-store.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { taskOf } from '../support/tasks.ts';
import { contextOf } from '../support/context.ts';
import { Random } from '../support/random.ts';
import { Stores } from '../../trials/faults/stores.ts';
import { noAttributes } from '../support/objects.ts';

/** Both buckets change while they are listed: between any two pages of either side. */

const task = taskOf({ name: 'listed', deletes: true });

let stores: Stores | undefined;
afterEach(async () => {
  await stores?.close();
  stores = undefined;
});

/** The store, with few keys a page and something that happens before each. */
function disturbed(store: ObjectStore, between: () => Promise<void>): ObjectStore {
  const list = async function* (options: ListOptions): AsyncGenerator<readonly ListedObject[]> {
    for await (const page of store.list({ ...options, pageSize: 7 })) {
      await between();
      yield page;
    }
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'list') return list;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

test.each([1, 2, 3])(
  'the finder misses no object and sends none twice while both buckets change (seed %d)',
  async (seed) => {
    const random = new Random(seed);
    const open = (stores = await Stores.open());
    const { source, destination } = open;
    const put = async (store: ObjectStore, key: string, text: string): Promise<void> => {
      await store.put(objectKey(key), { data: Buffer.from(text), size: text.length }, noAttributes);
    };
    const keys = Array.from({ length: 60 }, (_, index) => `key ${String(index).padStart(3, '0')}`);
    const rested = { same: new Set<string>(), missing: new Set<string>(), extra: new Set<string>() };
    for (const key of keys) {
      const kind = random.pick(['same', 'same', 'missing', 'extra'] as const);
      rested[kind].add(key);
      if (kind !== 'extra') await put(source, key, `first ${key}`);
      if (kind !== 'missing') await put(destination, key, `first ${key}`);
    }
    const context = contextOf(task, source, destination, { partsAtOnce: 1 });
    const work = async (job: Job): Promise<void> => {
      await transferObject(context, job);
    };

    let moment = 0;
    const between = async (): Promise<void> => {
      const key = random.chance(0.4) ? `${random.pick(keys)} new ${++moment}` : random.pick(keys);
      for (const one of Object.values(rested)) one.delete(key);
      const action = random.pick(['write', 'write', 'delete'] as const);
      if (action === 'write') await put(source, key, `later ${key}`);
      else await source.delete(objectKey(key));
      // Its event may be handled immediately, so that the other side changes too, or later.
      if (random.chance(0.6))
        await work({ task: task.name, key: objectKey(key), action: action === 'write' ? 'copy' : 'delete' });
    };
    const find = async (disturb: () => Promise<void>): Promise<Job[]> => {
      const jobs: Job[] = [];
      const queue = {
        send: (some: readonly Job[]): Promise<void> => {
          jobs.push(...some);
          return Promise.resolve();
        },
      };
      const sides = { source: disturbed(source, disturb), destination: disturbed(destination, disturb) };
      const start = { task: task.name, run: 'r', dryRun: false, prefix: '', prefixList: {}, segment: {} };
      const state = await findSegment({ ...context, ...sides, queue, margin: 0 }, start);
      expect(state.done).toBe(true);
      return jobs;
    };

    const jobs = await find(between);
    expect(moment).toBeGreaterThan(0);
    const found = jobs.map(({ key, action }) => `${action} ${key}`);
    // No key comes twice; what rested was judged as it is; nothing that rested the same on both sides is sent.
    expect(new Set(jobs.map(({ key }) => key)).size).toBe(jobs.length);
    expect(found).toEqual(expect.arrayContaining([...rested.missing].map((key) => `copy ${key}`)));
    expect(found).toEqual(expect.arrayContaining([...rested.extra].map((key) => `delete ${key}`)));
    expect(jobs.filter(({ key }) => rested.same.has(key))).toEqual([]);
    open.watch.forget();
    for (const job of jobs) await work(job);
    // What the finder saw in passing is looked at again: nothing is written twice.
    expect(open.watch.writes.duplicates).toBe(0);

    // The next run finds what came behind the first one's back, and the one after that finds nothing.
    for (const job of await find(() => Promise.resolve())) await work(job);
    expect(await find(() => Promise.resolve())).toEqual([]);
    expect(await contents(destination)).toEqual(await contents(source));
  },
);

async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const page of store.list({ prefix: '' })) for (const { key, etag } of page) all[key] = etag;
  return all;
}
