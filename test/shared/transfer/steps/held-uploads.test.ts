import { beforeEach, describe, expect, it } from '@jest/globals';
import { maxIdleRounds } from '../../../../shared/model/limits.ts';
import { free, type Standing } from '../../../../shared/run/standing.ts';
import type { TransferContext } from '../../../../shared/transfer/context.ts';
import { checkUpload } from '../../../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../../../shared/transfer/steps/send-batch.ts';
import { bytesOf } from '../../../support/objects.ts';
import { MemoryWorld, shrunkMiB } from '../../../support/memory-world.ts';
import { runUpload } from '../../../support/upload-machine.ts';

/** Uploads of tasks that are paused, and of runs that are cancelled, while they are under way. */

const bytes = bytesOf(21 * shrunkMiB);
const cancelled: Standing = { kind: 'cancelled', reason: 'run r of task test was cancelled' };

let world: MemoryWorld;
let standing: Standing;
beforeEach(async () => {
  world = new MemoryWorld();
  await world.putSource(bytes);
  standing = free;
});

const paused = (): Standing => ({ kind: 'held', reason: 'task test is paused', since: world.clock.now() });
const context = (): TransferContext => world.context({ standing: async () => standing, partsAtOnce: 1 });
const sent = (): number => world.gate.count('uploadPart');

/** Orders something after the n-th part was sent. */
function afterPart(nth: number, ordered: () => Standing): void {
  world.gate.hooks = {
    after: ({ operation }) => {
      if (operation === 'uploadPart' && sent() === nth) standing = ordered();
    },
  };
}

describe('an execution of a paused task', () => {
  it('stops between two parts, waits, and sends only the others when it goes on', async () => {
    afterPart(2, paused);
    let looks = 0;
    const waiting = (): TransferContext => {
      // The pause ends after some looks at it.
      if (standing.kind === 'held' && ++looks > 12) standing = free;
      return context();
    };
    const { path } = await runUpload(waiting, world.job());
    expect(sent()).toBe(5);
    expect(path.slice(0, 3)).toEqual(['plan: uploading', 'check: waiting', 'check: waiting']);
    expect(path.at(-1)).toBe('check: finished');
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
  });

  it('completes nothing while it is paused, even if all parts are there', async () => {
    afterPart(5, paused);
    const state = await planUpload(context(), { job: world.job(), attempt: 0 });
    if (state.state !== 'uploading') throw new Error(state.state);
    const { job, target } = state;
    for (const batch of state.batches) expect(await sendBatch(context(), { job, target, batch })).toBe('sent');
    const waits = await checkUpload(context(), { ...state, outcomes: [{ outcome: 'sent' }] });
    expect(waits).toMatchObject({ state: 'waiting', round: 0, idleRounds: 0 });
    expect(world.copied()).toBeUndefined();
    standing = free;
    expect(await checkUpload(context(), waits)).toMatchObject({ state: 'finished' });
  });

  it('counts none of the time that it waits', async () => {
    const state = await planUpload(context(), { job: world.job(), attempt: 0 });
    if (state.state !== 'uploading') throw new Error(state.state);
    standing = paused();
    const began = world.clock.now();
    let held = await checkUpload(context(), { ...state, idleRounds: maxIdleRounds, faultsSince: 1, outcomes: [] });
    let looks = 0;
    while (world.clock.now() - began < 90 * 24 * 3600 * 1000) {
      if (held.state !== 'waiting' || held.waitSeconds === undefined) throw new Error(held.state);
      world.clock.pass(held.waitSeconds * 1000);
      held = await checkUpload(context(), held);
      looks++;
    }
    expect(held).toMatchObject({ state: 'waiting', round: state.round, idleRounds: 0 });
    expect(held).not.toHaveProperty('faultsSince');
    // Ten events each: far from the 25,000 of an execution.
    expect(looks).toBeLessThan(900);
    standing = free;
    expect(await checkUpload(context(), held)).toMatchObject({ state: 'uploading' });
  });

  it('waits already after its plan', async () => {
    standing = paused();
    expect(await planUpload(context(), { job: world.job(), attempt: 0 })).toMatchObject({
      state: 'waiting',
      missing: 5,
    });
    expect(sent()).toBe(0);
  });
});

describe('an execution of a cancelled run', () => {
  it('ends, and leaves its upload to a later one, which sends only the other parts', async () => {
    afterPart(2, () => cancelled);
    const { path } = await runUpload(context, world.job());
    expect(path).toEqual(['plan: uploading', 'check: finished']);
    expect([sent(), world.copied(), world.openUploads().length]).toEqual([2, undefined, 1]);
    expect(world.ledger.entries()).toEqual([expect.objectContaining({ status: 'STARTED', upload: expect.anything() })]);
    standing = free;
    world.gate.hooks = {};
    await runUpload(context, world.job());
    expect(sent()).toBe(5);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });

  it('plans nothing', async () => {
    standing = cancelled;
    const { path } = await runUpload(context, world.job());
    expect([path, world.openUploads()]).toEqual([['plan: finished'], []]);
  });
});

describe('an upload in one process', () => {
  it.each([
    ['paused', paused, 'task test is paused'],
    ['cancelled', () => cancelled, 'run r of task test was cancelled'],
  ])('stops when its work is %s, and is resumed later', async (_what, ordered, message) => {
    afterPart(3, ordered);
    await expect(world.transfer('k', context())).rejects.toMatchObject({ name: 'Held', message });
    expect(sent()).toBe(3);
    standing = free;
    world.gate.hooks = {};
    await world.transfer('k', context());
    expect(sent()).toBe(5);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
  });
});
