import { describe, expect, it } from '@jest/globals';
import { findSegment, type FindContext } from '../../../shared/find/find-segment.ts';
import { inOrder } from '../../../shared/find/in-order.ts';
import { Fault, type FaultName } from '../../../shared/model/faults.ts';
import { decodeJob, type Job } from '../../../shared/model/job.ts';
import type { FindObjectsState } from '../../../shared/model/messages/payloads.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { noDeadline } from '../../../shared/ports/clock.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import type { ListedPage, ListOptions, ObjectStore } from '../../../shared/ports/object-store.ts';
import { recordFailed } from '../../../shared/transfer/record.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';

const start: FindObjectsState = {
  task: 'test',
  run: 'r',
  dryRun: false,
  prefix: '',
  prefixList: {},
  segment: {},
};

const keyOf = (index: number): string => `k${String(index).padStart(4, '0')}`;

async function put(store: ObjectStore, key: string, text = 'x'): Promise<void> {
  await store.put(objectKey(key), { data: Buffer.from(text), size: text.length }, noAttributes);
}

/** A world whose source has this many objects; its store lists 100 keys per page. */
async function worldOf(objects: number, options: MemoryWorldOptions = {}): Promise<MemoryWorld> {
  const world = new MemoryWorld({ ...options, source: { pageSize: 100, ...options.source } });
  for (let index = 0; index < objects; index++) await put(world.context().source, keyOf(index));
  world.gate.forgetCounts();
  return world;
}

/** The keys of the jobs in a queue, in the order in which they were sent. */
function keysIn(queue: MemoryQueue): string[] {
  const keys: string[] = [];
  for (let batch = queue.receive(); batch.length > 0; batch = queue.receive()) {
    keys.push(...batch.map(({ body }) => decodeJob(body).key));
  }
  return keys;
}

/** The store, with other methods in the place of some of its own. */
function replaced(store: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A store whose listing has a stretch of empty pages in front of one key, as after a mass delete. */
function withStretch(store: ObjectStore, key: string, emptyPages: number, pages: { count: number }): ObjectStore {
  async function* list(options: ListOptions): AsyncGenerator<ListedPage> {
    // Tokens are `<number of the next empty page>`, as long as the stretch lasts.
    let from = options.token === undefined ? undefined : Number(options.token);
    if (from === undefined) {
      const before = [];
      for await (const page of store.list(options))
        for (const object of page) if (object.key < key) before.push(object);
      pages.count++;
      from = options.after !== undefined && options.after >= key ? emptyPages : 0;
      if (before.length > 0) yield Object.assign(before, { next: '0' });
    }
    for (let page = from; page < emptyPages; page++) {
      pages.count++;
      yield Object.assign([], { next: String(page + 1) });
    }
    const behind = [];
    for await (const page of store.list({ prefix: options.prefix })) {
      for (const object of page) if (object.key >= key && object.key > (options.after ?? '')) behind.push(object);
    }
    pages.count++;
    yield behind;
  }
  return replaced(store, { list });
}

describe('a stretch of a listing without keys', () => {
  it.each([
    ['source', 'source'],
    ['destination', 'destination'],
  ] as const)('at the %s is walked in as many calls as its time needs, each page once', async (_name, side) => {
    const world = await worldOf(20);
    for (let index = 0; index < 20; index++) await put(world.context().destination, keyOf(index), 'differs');
    const emptyPages = 5000;
    const pages = { count: 0 };
    const queue = new MemoryQueue();
    const context = world.context();
    const stores = { [side]: withStretch(context[side], keyOf(10), emptyPages, pages) };
    let state = start;
    let calls = 0;
    while (state.done !== true) {
      const before = pages.count;
      // Time for some 600 pages a call.
      const deadline = { remaining: () => (pages.count - before > 600 ? 0 : 1000) };
      const finder: FindContext = { ...context, ...stores, queue, deadline, margin: 10 };
      state = JSON.parse(JSON.stringify(await findSegment(finder, state))) as FindObjectsState;
      if (++calls > 50) throw new Error('no end');
    }
    expect(calls).toBeGreaterThanOrEqual(8);
    // Each call reads the page again at which the one before stopped, and one is requested ahead.
    expect(pages.count).toBeLessThan(emptyPages + 5 * calls);
    expect(keysIn(queue)).toEqual(Array.from({ length: 20 }, (_, index) => keyOf(index)));
    expect(state.counts).toMatchObject({ listed: 20, listedAtDestination: 20, jobs: 20 });
  });

  it('is walked likewise by the search with a HEAD for each key', async () => {
    const world = await worldOf(20);
    const pages = { count: 0 };
    const queue = new MemoryQueue();
    const context = world.context();
    const source = withStretch(context.source, keyOf(10), 1000, pages);
    let state: FindObjectsState = { ...start, cursor: { mode: 'heads', listing: 'source' } };
    let calls = 0;
    while (state.done !== true) {
      const before = pages.count;
      const deadline = { remaining: () => (pages.count - before > 300 ? 0 : 1000) };
      state = await findSegment({ ...context, source, queue, deadline, margin: 10 }, state);
      if (++calls > 50) throw new Error('no end');
    }
    expect(calls).toBeGreaterThanOrEqual(3);
    expect(pages.count).toBeLessThan(1000 + 5 * calls);
    expect(keysIn(queue)).toEqual(Array.from({ length: 20 }, (_, index) => keyOf(index)));
  });
});

describe('a page that fails', () => {
  const failAt = (world: MemoryWorld, nth: number, name: FaultName): void => {
    world.at('before', 'list', () => Promise.reject(new Fault(name, 'as the test says')), { nth, bucket: 'source' });
  };

  it.each(['Throttled', 'Unavailable', 'AccessDenied'] as const)(
    'with %s keeps what was done before it: the next call sends the rest, and nothing twice',
    async (name) => {
      const world = await worldOf(3000);
      failAt(world, 29, name);
      const queue = new MemoryQueue();
      const context: FindContext = { ...world.context(), queue, deadline: noDeadline, margin: 0 };
      const first = await findSegment(context, start);
      expect(first).toMatchObject({ done: false, cursor: { mode: 'merge', after: keyOf(2799) } });
      expect(first.counts).toMatchObject({ listed: 2800, jobs: 2800 });
      const last = await findSegment(context, first);
      expect(last).toMatchObject({ done: true, counts: { listed: 3000, jobs: 3000 } });
      expect(keysIn(queue).length).toBe(3000);
    },
  );

  it('before any progress fails the call, so that its retries are counted', async () => {
    const world = await worldOf(300);
    failAt(world, 1, 'Throttled');
    const context: FindContext = { ...world.context(), queue: new MemoryQueue(), deadline: noDeadline, margin: 0 };
    await expect(findSegment(context, start)).rejects.toMatchObject({ name: 'Throttled' });
  });

  it('with a fault that no retry helps fails the call, whatever was done before', async () => {
    const world = await worldOf(300);
    failAt(world, 3, 'BucketNotFound');
    const context: FindContext = { ...world.context(), queue: new MemoryQueue(), deadline: noDeadline, margin: 0 };
    await expect(findSegment(context, start)).rejects.toMatchObject({ name: 'BucketNotFound' });
  });

  it('is followed by a queue that fails: the call fails, for its jobs are not in the queue', async () => {
    const world = await worldOf(300);
    failAt(world, 3, 'Throttled');
    const queue = { send: () => Promise.reject(new Fault('Unavailable', 'the queue is away')) };
    const context: FindContext = { ...world.context(), queue, deadline: noDeadline, margin: 0 };
    await expect(findSegment(context, start)).rejects.toThrow('the queue is away');
  });
});

describe('looks at objects', () => {
  it('are made 48 at once and used in order, by checksum and by a HEAD for each key', async () => {
    for (const [state, options] of [
      [start, { task: { compare: 'checksum' }, opaque: { destination: true } }],
      [{ ...start, cursor: { mode: 'heads', listing: 'source' } }, {}],
    ] as [FindObjectsState, MemoryWorldOptions][]) {
      const world = await worldOf(250, options);
      for (let index = 0; index < 250; index++) await put(world.context().destination, keyOf(index), 'y');
      world.gate.forgetCounts();
      let under = 0;
      let most = 0;
      const slow = world.context().destination;
      const head: ObjectStore['head'] = async (...args) => {
        most = Math.max(most, ++under);
        for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
        under--;
        return slow.head(...args);
      };
      const destination = replaced(slow, { head });
      const queue = new MemoryQueue();
      const context = { ...world.context(), destination, queue, deadline: noDeadline, margin: 0 };
      expect((await findSegment(context, state)).done).toBe(true);
      expect(keysIn(queue)).toEqual(Array.from({ length: 250 }, (_, index) => keyOf(index)));
      expect(most).toBe(48);
    }
  });
});

describe('inOrder', () => {
  const window = { waiting: 3, items: 5 };

  it('reads nothing ahead of an item that needs no wait', async () => {
    let read = 0;
    function* source(): Generator<number> {
      for (; read < 10; read++) yield read;
    }
    const steps = inOrder(source(), (item) => item * 2, window)[Symbol.asyncIterator]();
    expect((await steps.next()).value).toEqual([0, 0]);
    expect(read).toBe(0);
  });

  it('throws an error where it belongs: after all results before it', async () => {
    const seen: number[] = [];
    const start = (item: number): Promise<number> =>
      item === 4 ? Promise.reject(new Error('four')) : Promise.resolve(item);
    const walk = async (): Promise<void> => {
      for await (const [item] of inOrder([1, 2, 3, 4, 5], start, window)) seen.push(item);
    };
    await expect(walk()).rejects.toThrow('four');
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('archived objects', () => {
  async function archive(world: MemoryWorld, key: string, storageClass: string, readable = false): Promise<void> {
    await put(world.context().source, key);
    const bucket = world.sourceStorage.bucket('source');
    bucket.write(key, { ...bucket.get(key)!, storageClass, readable }, false);
  }

  it('are counted and not sent, run after run; restored ones and those that are the same are no matter', async () => {
    const world = await worldOf(1);
    await archive(world, 'glacier', 'GLACIER');
    await archive(world, 'deep', 'DEEP_ARCHIVE');
    await archive(world, 'restored', 'GLACIER', true);
    await archive(world, 'instant', 'GLACIER_IR', true);
    await archive(world, 'there', 'GLACIER');
    await put(world.context().destination, 'there');
    for (let run = 0; run < 2; run++) {
      const queue = new MemoryQueue();
      const context: FindContext = { ...world.context(), queue, deadline: noDeadline, margin: 0 };
      const { counts } = await findSegment(context, start);
      expect(keysIn(queue)).toEqual(['instant', keyOf(0), 'restored']);
      expect(counts).toMatchObject({ listed: 6, jobs: 3, same: 1, archived: 2 });
    }
    expect(world.gate.count('head')).toBe(0);
  });

  it('in a tier that no listing shows fail once, and are not sent again until they change or a week has passed', async () => {
    const world = await worldOf(0);
    await archive(world, 'tiered', 'INTELLIGENT_TIERING');
    const find = async (): Promise<{ job: Job | undefined; archived: number | undefined }> => {
      const queue = new MemoryQueue();
      const context = { ...world.context(), queue, lookup: world.ledger, deadline: noDeadline, margin: 0 };
      const { counts } = await findSegment(context, start);
      const [message] = queue.receive();
      return { job: message && decodeJob(message.body), archived: counts?.archived };
    };
    const { job } = await find();
    const fault = new Fault('ArchivedSource', 'restore it');
    await recordFailed(world.context(), job!, fault);
    expect(await find()).toEqual({ job: undefined, archived: 1 });
    world.clock.pass(8 * 24 * 3600 * 1000);
    expect((await find()).job).toMatchObject({ key: 'tiered' });
    await recordFailed(world.context(), job!, fault);
    expect((await find()).job).toBeUndefined();
    await put(world.context().source, 'tiered', 'another version');
    expect((await find()).job).toMatchObject({ key: 'tiered' });
    // Failures for other reasons are tried again.
    await archive(world, 'tiered', 'INTELLIGENT_TIERING');
    await recordFailed(world.context(), (await find()).job ?? job!, new Fault('AccessDenied', 'no'));
    expect((await find()).job).toMatchObject({ key: 'tiered' });
  });

  it('of a store that does not say whether they are restored are looked at', async () => {
    const world = await worldOf(0);
    await archive(world, 'asleep', 'GLACIER');
    await archive(world, 'awake', 'GLACIER', true);
    const { source } = world.context();
    async function* list(options: ListOptions): AsyncGenerator<ListedPage> {
      for await (const page of source.list(options)) yield page.map((one) => ({ ...one, archived: 'maybe' as const }));
    }
    const unsure = replaced(source, { list });
    const queue = new MemoryQueue();
    const context: FindContext = { ...world.context(), source: unsure, queue, deadline: noDeadline, margin: 0 };
    const { counts } = await findSegment(context, start);
    expect(keysIn(queue)).toEqual(['awake']);
    expect(counts).toMatchObject({ jobs: 1, archived: 1 });
  });
});

describe('objects that failed for good', () => {
  it.each(['TooLarge', 'NotSupported', 'Refused', 'AttributeLost'] as const)(
    'with %s are counted and not sent, until they change or a week has passed',
    async (name) => {
      const world = await worldOf(3);
      const find = async (): Promise<{ keys: string[]; failedBefore: number | undefined }> => {
        const queue = new MemoryQueue();
        const context = { ...world.context(), queue, lookup: world.ledger, deadline: noDeadline, margin: 0 };
        const { counts } = await findSegment(context, start);
        return { keys: keysIn(queue), failedBefore: counts?.failedBefore };
      };
      const all = [keyOf(0), keyOf(1), keyOf(2)];
      expect(await find()).toEqual({ keys: all, failedBefore: undefined });
      const key = objectKey(keyOf(0));
      const { etag } = (await world.context().source.head(key))!;
      const job: Job = { task: world.context().task.name, key, action: 'copy', etag };
      await recordFailed(world.context(), job, new Fault(name, 'why'));
      expect(await find()).toEqual({ keys: all.slice(1), failedBefore: 1 });
      world.clock.pass(8 * 24 * 3600 * 1000);
      expect((await find()).keys).toEqual(all);
      await recordFailed(world.context(), job, new Fault(name, 'why'));
      await put(world.context().source, keyOf(0), 'another version');
      expect((await find()).keys).toEqual(all);
    },
  );

  it.each(['AccessDenied', 'UploadStuck', 'InvalidTask', 'VerificationFailed'] as const)(
    'are not those that failed with %s: a later job may succeed',
    async (name) => {
      const world = await worldOf(1);
      const key = objectKey(keyOf(0));
      const { etag } = (await world.context().source.head(key))!;
      const job: Job = { task: world.context().task.name, key, action: 'copy', etag };
      await recordFailed(world.context(), job, new Fault(name, 'why'));
      const queue = new MemoryQueue();
      await findSegment({ ...world.context(), queue, lookup: world.ledger, deadline: noDeadline, margin: 0 }, start);
      expect(keysIn(queue)).toEqual([keyOf(0)]);
    },
  );
});
