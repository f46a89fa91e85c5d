import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findSegment, type FindContext } from '../../../shared/find/find-segment.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { addCounts, noCounts } from '../../../shared/model/run-counts.ts';
import { decodeJob, type Job } from '../../../shared/model/job.ts';
import type { FindObjectsState, Segment } from '../../../shared/model/messages/payloads.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { byBytes, smallKeyArbitrary } from '../../support/keys.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';

/** What a key is like: on which sides, and whether the two are the same. */
type Presence = 'source' | 'destination' | 'same' | 'differs';
const presences = ['source', 'destination', 'same', 'differs'] as const;

interface Case {
  /** relative keys */
  readonly keys: readonly (readonly [string, Presence])[];
  readonly cuts: readonly string[];
  readonly pageSize: number;
  /** keys that a call deals with before its time is over */
  readonly keysACall: number;
  readonly deletes: boolean;
  readonly dryRun: boolean;
}

const cases = fc.record<Case>({
  keys: fc.uniqueArray(fc.tuple(fc.oneof(smallKeyArbitrary, fc.constant('')), fc.constantFrom(...presences)), {
    selector: ([key]) => key,
    maxLength: 14,
  }),
  cuts: fc.uniqueArray(smallKeyArbitrary, { maxLength: 4 }),
  pageSize: fc.integer({ min: 1, max: 5 }),
  keysACall: fc.integer({ min: 1, max: 6 }),
  deletes: fc.boolean(),
  dryRun: fc.boolean(),
});

const sourcePrefix = 'in/';
const destinationPrefix = 'out/sub/';

async function fill(world: MemoryWorld, keys: Case['keys'], more = ''): Promise<void> {
  const { source, destination } = world.context();
  const put = (store: typeof source, key: string, text: string): Promise<unknown> =>
    store.put(objectKey(key), { data: Buffer.from(text), size: text.length }, noAttributes);
  for (const [key, presence] of keys) {
    if (presence !== 'destination') await put(source, sourcePrefix + more + key, 'same');
    if (presence === 'source') continue;
    await put(destination, destinationPrefix + more + key, presence === 'differs' ? 'differs' : 'same');
  }
  // Neighbours outside the prefixes, which the task must ignore.
  for (const name of ['a', 'im', 'in', 'in0', 'z']) await put(source, name, 'neighbour');
  for (const name of ['a', 'out/', 'out/sua', 'out/suc', 'z']) await put(destination, name, 'neighbour');
}

function segmentsOf(cuts: readonly string[]): Segment[] {
  const sorted = [...cuts].sort(byBytes);
  return [undefined, ...sorted].map((after, index) => ({
    ...(after !== undefined && { after }),
    ...(sorted[index] !== undefined && { until: sorted[index] }),
  }));
}

interface Found {
  readonly jobs: Job[];
  readonly counts: typeof noCounts;
  readonly calls: number;
}

/** Runs every segment to its end, the state passing as JSON from call to call. */
async function findAll(world: MemoryWorld, one: Case, prefix = sourcePrefix): Promise<Found> {
  const queue = new MemoryQueue();
  let counts = noCounts;
  let calls = 0;
  for (const segment of segmentsOf(one.cuts)) {
    let state: FindObjectsState = { task: 'test', run: 'r', dryRun: one.dryRun, prefix, prefixList: {}, segment };
    while (state.done !== true) {
      let left = one.keysACall;
      const deadline = { remaining: () => (left-- > 0 ? 100_000 : 0) };
      const context: FindContext = { ...world.context(), queue, deadline, margin: 10_000 };
      state = JSON.parse(JSON.stringify(await findSegment(context, state))) as FindObjectsState;
      if (++calls > 500) throw new Error('no end');
    }
    counts = addCounts(counts, state.counts ?? noCounts);
  }
  const jobs: Job[] = [];
  for (let batch = queue.receive(); batch.length > 0; batch = queue.receive()) {
    for (const message of batch) jobs.push(decodeJob(message.body));
  }
  return { jobs, counts, calls };
}

/** What two buckets like this need, by looking at each key. */
function expected({ keys, deletes }: Case, prefix = sourcePrefix): string[] {
  return keys
    .flatMap(([key, presence]) => {
      if (presence === 'source' || presence === 'differs') return [`copy ${prefix}${key}`];
      return presence === 'destination' && deletes ? [`delete ${prefix}${key}`] : [];
    })
    .sort();
}

function worldOf(one: Case, options: MemoryWorldOptions = {}): MemoryWorld {
  const features = { pageSize: one.pageSize };
  return new MemoryWorld({
    task: {
      source: { prefix: sourcePrefix },
      destination: { prefix: destinationPrefix },
      deletes: one.deletes,
    },
    source: { ...features, ...options.source },
    destination: { ...features, ...options.destination },
  });
}

const names = (jobs: readonly Job[]): string[] => jobs.map(({ action, key }) => `${action} ${key}`).sort();

function expectCounts({ counts }: Found, one: Case, wanted: readonly string[]): void {
  const count = (...which: Presence[]): number => one.keys.filter(([, presence]) => which.includes(presence)).length;
  expect(counts).toEqual({
    listed: count('source', 'same', 'differs'),
    listedAtDestination: count('destination', 'same', 'differs'),
    jobs: wanted.length,
    bytes: 4 * count('source', 'differs'),
    deletes: one.deletes ? count('destination') : 0,
    same: count('same'),
  });
}

describe('findSegment against a model that looks at each key', () => {
  it('finds each difference once, for any segments, pages, interruptions, deletes and dry runs', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const world = worldOf(one);
        await fill(world, one.keys);
        const found = await findAll(world, one);
        expect(names(found.jobs)).toEqual(one.dryRun ? [] : expected(one));
        expectCounts(found, one, expected(one));
        for (const { run, task, size, action } of found.jobs) {
          expect({ run, task, size }).toEqual({ run: 'r', task: 'test', size: action === 'copy' ? 4 : undefined });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('examines only a part of the task if the run is about that part', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (whole) => {
        const one = { ...whole, dryRun: false };
        const world = worldOf(one);
        await fill(world, one.keys, 'part/');
        await fill(world, [['outside', 'source']]);
        const found = await findAll(world, one, `${sourcePrefix}part/`);
        expect(names(found.jobs)).toEqual(expected(one, `${sourcePrefix}part/`));
        expectCounts(found, one, expected(one));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['source', { source: { order: 'utf16' } }],
    ['destination', { destination: { order: 'utf16' } }],
    ['source and destination', { source: { order: 'utf16' }, destination: { order: 'utf16' } }],
  ] as [string, MemoryWorldOptions][])(
    'misses nothing and sends nothing wrong if the %s lists in another order',
    async (_name, options) => {
      await fc.assert(
        fc.asyncProperty(cases, async (one) => {
          const world = worldOf(one, options);
          await fill(world, one.keys);
          const { jobs } = await findAll(world, { ...one, cuts: [], dryRun: false });
          // Jobs that were sent before the order was detected are sent again, and may be needless; consumers check
          // them.
          const wanted = expected(one);
          expect(names(jobs)).toEqual(expect.arrayContaining(wanted));
          const known = new Set(one.keys.map(([key]) => sourcePrefix + key));
          for (const job of jobs) expect(known.has(job.key)).toBe(true);
        }),
        { numRuns: 150 },
      );
    },
  );
});

describe('a task with prefixes', () => {
  const withPrefixes = fc.record({
    one: cases,
    prefixes: fc.array(smallKeyArbitrary, { minLength: 1, maxLength: 5 }),
    order: fc.constantFrom('utf8' as const, 'utf16' as const),
    within: fc.oneof(fc.constant(''), smallKeyArbitrary),
    fromList: fc.boolean(),
  });

  it('examines only keys under them, each once, from the task or a list, even if they overlap', async () => {
    await fc.assert(
      fc.asyncProperty(withPrefixes, async ({ one: any, prefixes, order, within, fromList }) => {
        // Cuts are for listings in order.
        const one = { ...any, dryRun: false, cuts: order === 'utf8' ? any.cuts : [] };
        const features = { pageSize: one.pageSize, order };
        const named = fromList ? { prefixList: 'the list' } : { prefixes };
        const world = new MemoryWorld({
          task: {
            source: { prefix: sourcePrefix, verbatimPrefix: true },
            destination: { prefix: destinationPrefix },
            deletes: one.deletes,
            ...named,
          },
          source: features,
          destination: features,
        });
        await fill(world, one.keys);
        await world.putSource(Buffer.from(`\n${prefixes.join('\r\n')}\n`), { key: 'the list' });
        const runPrefix = sourcePrefix + within;
        const inside = one.keys
          .filter(([key]) => key.startsWith(within) && prefixes.some((prefix) => key.startsWith(prefix)))
          .map(([key, presence]) => [key.slice(within.length), presence] as const);
        if (!prefixes.some((prefix) => prefix.startsWith(within) || within.startsWith(prefix))) {
          await expect(findAll(world, one, runPrefix)).rejects.toMatchObject({ name: 'InvalidInput' });
          return;
        }
        const found = await findAll(world, one, runPrefix);
        const wanted = expected({ ...one, keys: inside }, runPrefix);
        expect([...new Set(names(found.jobs))]).toEqual(wanted);
        if (order === 'utf8') {
          expect(names(found.jobs)).toEqual(wanted);
          expectCounts(found, { ...one, keys: inside }, wanted);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('a task with patterns', () => {
  const patterns = { include: ['part/**', '*.txt'], exclude: ['**.tmp'] };
  const keys: Case['keys'] = [
    ['a.txt', 'source'],
    ['gone.txt', 'destination'],
    ['same.txt', 'same'],
    ['other.bin', 'source'],
    ['theirs.bin', 'destination'],
    ['both.bin', 'differs'],
    ['part/a.bin', 'differs'],
    ['part/b.tmp', 'source'],
    ['part/c.tmp', 'destination'],
  ];
  const one: Case = { keys, cuts: ['m'], pageSize: 2, keysACall: 2, deletes: true, dryRun: false };
  const task = {
    source: { prefix: sourcePrefix },
    destination: { prefix: destinationPrefix },
    deletes: true,
    ...patterns,
  };

  it.each([
    ['in order', {}],
    ['in another order', { order: 'utf16' } as const],
  ])('copies and deletes only keys that match, from listings %s', async (_name, features) => {
    const world = new MemoryWorld({ task, source: features, destination: features });
    await fill(world, keys);
    const { jobs, counts } = await findAll(world, one);
    expect(names(jobs)).toEqual(['copy in/a.txt', 'copy in/part/a.bin', 'delete in/gone.txt']);
    expect(counts).toMatchObject({ jobs: 3, deletes: 1, same: 1, listed: 6, listedAtDestination: 6 });
  });

  it('matches the part of the key after the prefix of the task, not of the run', async () => {
    const world = new MemoryWorld({ task });
    await fill(world, keys);
    const { jobs } = await findAll(world, { ...one, cuts: [] }, `${sourcePrefix}part/`);
    expect(names(jobs)).toEqual(['copy in/part/a.bin']);
  });
});

describe('the search with a HEAD for each key', () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => [key, 'same'] as const);
  const one: Case = { keys, cuts: [], pageSize: 3, keysACall: 2, deletes: true, dryRun: false };

  it('can stop at any key, even if no key needs a job, and counts each key once', async () => {
    const world = worldOf(one);
    await fill(world, one.keys);
    const { source } = world.context();
    let state: FindObjectsState = {
      task: 'test',
      run: 'r',
      dryRun: false,
      prefix: sourcePrefix,
      prefixList: {},
      segment: { after: 'b', until: 'f' },
    };
    state = { ...state, cursor: { mode: 'heads', listing: 'source' } };
    let calls = 0;
    while (state.done !== true) {
      let left = 2;
      const deadline = { remaining: () => (left-- > 0 ? 100_000 : 0) };
      world.gate.forgetCounts();
      state = await findSegment(
        { ...world.context(), source, queue: new MemoryQueue(), deadline, margin: 1000 },
        state,
      );
      expect(world.gate.count('head')).toBeLessThanOrEqual(5);
      calls++;
    }
    // Sixteen keys in the two listings, three a call.
    expect(calls).toBeGreaterThanOrEqual(5);
    expect(state.counts).toEqual({ ...noCounts, listed: 4, listedAtDestination: 4, same: 4 });
  });
});

describe('compare: checksum', () => {
  it('sends HEAD to both sides only if ETags differ, and treats unknown checksums as different', async () => {
    const world = new MemoryWorld({ task: { compare: 'checksum' }, opaque: { destination: true } });
    const { source, destination } = world.context();
    const put = (store: typeof source, key: string, text: string): Promise<unknown> =>
      store.put(objectKey(key), { data: Buffer.from(text), size: text.length }, noAttributes);
    for (const [key, there] of [
      ['equal', 'abc'],
      ['differs', 'abd'],
      ['longer', 'abcd'],
    ] as const) {
      await put(source, key, 'abc');
      await put(destination, key, there);
    }
    const queue = new MemoryQueue();
    const deadline = { remaining: () => Infinity };
    const state = { task: 'test', run: 'r', dryRun: false, prefix: '', prefixList: {}, segment: {} };
    await findSegment({ ...world.context(), queue, deadline, margin: 0 }, state);
    expect(queue.receive().map(({ body }) => decodeJob(body).key)).toEqual(['differs', 'longer']);
    expect(world.gate.count('head')).toBe(4);

    const ignorant = new MemoryWorld({
      task: { compare: 'checksum' },
      opaque: { destination: true },
      source: { checksums: 'ignored' },
    });
    await put(ignorant.context().source, 'k', 'abc');
    await put(ignorant.context().destination, 'k', 'abc');
    await findSegment({ ...ignorant.context(), queue, deadline, margin: 0 }, state);
    expect(queue.receive().map(({ body }) => decodeJob(body).key)).toEqual(['k']);
  });
});

describe('a queue or a listing that fails', () => {
  it('fails the call, so that no unsent job is counted', async () => {
    const world = new MemoryWorld();
    for (let index = 0; index < 25; index++) {
      await world.putSource(Buffer.from('x'), { key: `key-${index}` });
    }
    const state = { task: 'test', run: 'r', dryRun: false, prefix: '', prefixList: {}, segment: {} };
    const deadline = { remaining: () => Infinity };
    const queue = { send: () => Promise.reject(new Error('throttled')) };
    await expect(findSegment({ ...world.context(), queue, deadline, margin: 0 }, state)).rejects.toThrow('throttled');
    const source = new MemoryObjectStore(world.sourceStorage, 'gone');
    const context = { ...world.context(), source, queue: new MemoryQueue(), deadline, margin: 0 };
    await expect(findSegment(context, state)).rejects.toMatchObject({ name: 'BucketNotFound' });
  });
});
