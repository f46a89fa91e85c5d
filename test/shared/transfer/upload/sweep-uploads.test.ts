import { beforeEach, describe, expect, it, test } from '@jest/globals';
import { Fault } from '../../../../shared/model/faults.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { MemoryObjectStore } from '../../../../shared/ports/memory/object-store.ts';
import { inTurn, sweepUploads, type SweepCounts } from '../../../../shared/transfer/upload/sweep-uploads.ts';
import { shrunkMiB, MemoryWorld } from '../../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';

const hour = 3600_000;
const day = 24 * hour;

let world: MemoryWorld;
beforeEach(() => {
  world = new MemoryWorld({ task: { source: { prefix: 'in/' }, destination: { prefix: 'out/' } } });
});

function sweep(overrides: Partial<Parameters<typeof sweepUploads>[0]> = {}): Promise<SweepCounts> {
  return sweepUploads({ ...world.context(), olderThanMillis: 7 * day, ...overrides });
}

/** Another writer's upload at the destination. @returns its ID */
async function foreign(key: string): Promise<string> {
  const store = new MemoryObjectStore(world.destinationStorage, 'destination');
  return (await store.createUpload(objectKey(key), noAttributes)).uploadId;
}

/** A copy whose process dies at a call. */
async function died(operation: string, key = 'in/k'): Promise<void> {
  await world.putSource(bytesOf(11 * shrunkMiB), { key });
  world.at('before', operation, () => world.kill());
  await world.transfer(key).catch(() => undefined);
  world.revive();
}

describe('sweepUploads, of an upload that the ledger names', () => {
  it('aborts it after seven days without progress, and a later copy opens another', async () => {
    await died('completeUpload');
    world.clock.pass(7 * day - hour);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 0, foreign: 0 });
    world.clock.pass(2 * hour);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 1, foreign: 0 });
    expect(world.openUploads()).toEqual([]);
    await world.transfer('in/k');
    expect(world.copied('out/k')?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });

  it('keeps it if the ledger entry was updated since', async () => {
    await died('completeUpload');
    world.clock.pass(6 * day);
    const entry = (await world.ledger.get('test', 'in/k'))!;
    await world.ledger.put({ ...entry, status: 'FAILED', updatedAt: world.clock.now() });
    world.clock.pass(2 * day);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 0, foreign: 0 });
  });
});

describe('sweepUploads, of the upload with which a run checked its permissions', () => {
  it('aborts it after seven days: its process died before it could', async () => {
    await foreign('out/.s3-ferry-access-check');
    await foreign('out/.s3-ferry-access-check-of-others');
    world.clock.pass(7 * day - hour);
    expect(await sweep()).toMatchObject({ listed: 2, aborted: 0 });
    world.clock.pass(2 * hour);
    expect(await sweep()).toMatchObject({ listed: 2, aborted: 1, foreign: 1 });
  });
});

test('sweepUploads says so if the store does not list uploads', async () => {
  world.at('before', 'listUploads', () => {
    throw new Fault('NotSupported', 'no');
  });
  const counts = { listed: 0, aborted: 0, foreign: 0, complete: true };
  expect(await sweep()).toEqual({ ...counts, unlisted: true });
});

describe('sweepUploads, of an upload that takes longer than seven days', () => {
  it('keeps it while parts arrive, though nothing is written to the ledger, and aborts it seven days later', async () => {
    await died('completeUpload');
    const [uploadId] = world.openUploads();
    world.clock.pass(7 * day - 5 * hour);
    const { destination } = world.context();
    const data = bytesOf(shrunkMiB);
    await destination.uploadPart(
      { key: objectKey('out/k'), uploadId: uploadId!, number: 3 },
      { data, size: data.length },
    );
    world.clock.pass(6 * hour);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 0, foreign: 0 });
    world.clock.pass(7 * day);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 1, foreign: 0 });
  });

  it('aborts none that ends while it is looked at', async () => {
    await died('completeUpload');
    world.clock.pass(8 * day);
    world.at('before', 'listParts', async () => {
      world.revive();
      await world.transfer('in/k');
    });
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 0, foreign: 0 });
    expect(world.copied('out/k')?.bytes.equals(bytesOf(11 * shrunkMiB))).toBe(true);
  });
});

describe('sweepUploads, of an upload that was never claimed', () => {
  it('recognizes it by its announcement, even after later copies of the object', async () => {
    await died('ledger.claimUpload');
    expect(world.openUploads()).toHaveLength(1);
    await world.transfer('in/k');
    world.clock.pass(5 * day);
    await world.putSource(bytesOf(12 * shrunkMiB), { key: 'in/k' });
    await world.transfer('in/k');
    world.clock.pass(3 * day);
    expect(await sweep()).toMatchObject({ listed: 1, aborted: 1, foreign: 0 });
  });
});

describe("sweepUploads, of another writer's upload", () => {
  it('keeps uploads to keys that were never copied, or copied at another time', async () => {
    const unknown = await foreign('out/unknown');
    const before = await foreign('out/k');
    world.clock.pass(2 * hour);
    await died('ledger.claimUpload');
    await world.transfer('in/k');
    world.clock.pass(2 * hour);
    const after = await foreign('out/k');
    const beside = await foreign('elsewhere/k');
    world.clock.pass(30 * day);
    expect(await sweep()).toEqual({ listed: 4, aborted: 1, foreign: 3, complete: true });
    expect(world.openUploads().sort()).toEqual([unknown, before, after, beside].sort());
  });

  it("keeps another task's upload", async () => {
    await died('ledger.claimUpload');
    world.clock.pass(8 * day);
    const counts = await sweep({ task: { ...world.task, name: 'other' } });
    expect(counts).toEqual({ listed: 1, aborted: 0, foreign: 1, complete: true });
  });
});

test('sweepUploads reports that it is incomplete if time runs out', async () => {
  await died('ledger.claimUpload');
  world.clock.pass(8 * day);
  const counts = await sweep({ deadline: { remaining: () => 0 } });
  expect(counts).toEqual({ listed: 0, aborted: 0, foreign: 0, complete: false });
  expect(world.openUploads()).toHaveLength(1);
});

test('inTurn begins with another task each day', () => {
  const tasks = ['a', 'b', 'c'];
  expect([0, 1, 2, 3].map((days) => inTurn(tasks, days * day).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
  expect(inTurn([], 5 * day)).toEqual([]);
});
