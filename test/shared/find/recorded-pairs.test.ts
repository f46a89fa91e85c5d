import { describe, expect, it } from '@jest/globals';
import { findSegment } from '../../../shared/find/find-segment.ts';
import { decodeJob } from '../../../shared/model/job.ts';
import type { FindObjectsState } from '../../../shared/model/messages/payloads.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { RunCounts } from '../../../shared/model/run-counts.ts';
import type { StoredPart } from '../../../shared/model/part-plan.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryWorld, partSize } from '../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

const start: FindObjectsState = { task: 'test', run: 'r', dryRun: false, prefix: '', prefixList: {}, segment: {} };

/** What a run finds. @param keysACall keys that a call deals with before its time is over */
async function find(world: MemoryWorld, keysACall = Infinity): Promise<{ keys: string[]; counts: RunCounts }> {
  const queue = new MemoryQueue();
  let state = start;
  while (state.done !== true) {
    let left = keysACall;
    const deadline = { remaining: () => (left-- > 0 ? 1000 : 0) };
    state = await findSegment({ ...world.context(), queue, lookup: world.ledger, deadline, margin: 10 }, state);
  }
  const keys: string[] = [];
  for (let batch = queue.receive(); batch.length > 0; batch = queue.receive()) {
    keys.push(...batch.map(({ body }) => decodeJob(body).key));
  }
  return { keys: keys.sort(), counts: state.counts! };
}

const size = 2 * partSize;

/** Begins an upload of `bytes` at the source. @returns completes it */
async function begin(world: MemoryWorld, bytes: Buffer): Promise<() => Promise<void>> {
  const { source } = world.context();
  const { uploadId } = await source.createUpload(objectKey('k'), noAttributes);
  const parts: StoredPart[] = [];
  for (const number of [1, 2]) {
    const data = bytes.subarray((number - 1) * partSize, number * partSize);
    parts.push(await source.uploadPart({ key: objectKey('k'), uploadId, number }, { data, size: partSize }));
  }
  return async () => {
    await source.completeUpload(objectKey('k'), uploadId, parts, { size });
  };
}

describe('a version whose upload began before the copy of the one before it', () => {
  it.each([
    ['its copy was the last', {}],
    ['the ETags of copies are no MD5s', { opaque: { destination: true } }],
  ])('is found, though it has the same size and an older time, if %s', async (_name, options) => {
    const world = new MemoryWorld(options);
    const complete = await begin(world, bytesOf(size, 'v2'));
    world.clock.pass(5000);
    await world.putSource(bytesOf(size, 'v1'));
    world.clock.pass(5000);
    await world.transfer();
    world.clock.pass(5000);
    expect((await find(world)).keys).toEqual([]);
    await complete();
    expect(world.sourceObject()!.modified).toBeLessThan(world.copied()!.modified);
    expect((await find(world)).keys).toEqual(['k']);
    await world.transfer();
    expect(world.copied()?.bytes.equals(bytesOf(size, 'v2'))).toBe(true);
    expect((await find(world)).keys).toEqual([]);
  });
});

describe('copies that were made in the second of their source', () => {
  /** A world with `count` such copies. */
  async function copied(count: number): Promise<MemoryWorld> {
    const world = new MemoryWorld({ opaque: { destination: true } });
    for (let number = 0; number < count; number++) {
      const key = `key-${String(number).padStart(4, '0')}`;
      await world.putSource(bytesOf(10), { key });
      await world.transfer(key);
    }
    return world;
  }

  it('are found by no run, for the ledger has their ETags', async () => {
    const world = await copied(3);
    expect(await find(world)).toMatchObject({ keys: [], counts: { jobs: 0, same: 3 } });
  });

  it('are looked up many at a time, whatever the length of a call', async () => {
    const world = await copied(250);
    await world.putSource(bytesOf(10, 'other'), { key: 'key-0123' });
    world.gate.forgetCounts();
    const whole = await find(world);
    expect(whole).toMatchObject({ keys: ['key-0123'], counts: { listed: 250, jobs: 1, same: 249, bytes: 10 } });
    // A window of 48 pairs waits at once.
    expect(world.gate.count('ledger.getMany')).toBeLessThanOrEqual(7);
    world.gate.forgetCounts();
    expect(await find(world, 60)).toEqual(whole);
    expect(world.gate.count('ledger.getMany')).toBeLessThanOrEqual(15);
  });

  it('are sent again if the copy was replaced since, or if the ledger does not know it', async () => {
    const world = await copied(2);
    const { destination } = world.context();
    const body = { data: bytesOf(10), size: 10 };
    await destination.put(objectKey('key-0001'), body, noAttributes);
    await world.putSource(bytesOf(10), { key: 'unknown' });
    await destination.put(objectKey('unknown'), body, noAttributes);
    expect((await find(world)).keys).toEqual(['key-0001', 'unknown']);
  });

  it('fail the run if the ledger fails', async () => {
    const world = await copied(1);
    world.at('before', 'ledger.getMany', () => Promise.reject(new Error('throttled')));
    await expect(find(world)).rejects.toMatchObject({ message: 'throttled' });
  });
});
