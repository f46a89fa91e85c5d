import { describe, expect, it } from '@jest/globals';
import { JobSender } from '../../../shared/find/job-sender.ts';
import { finishRun } from '../../../shared/find/finish-run.ts';
import { noCounts } from '../../../shared/find/find-segment.ts';
import { parseSyncInput, planRun } from '../../../shared/find/plan-run.ts';
import type { Job } from '../../../shared/model/job.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { World } from '../transfer/world.ts';

const run = { run: 'run-1', startedAt: '2026-11-01T00:00:00.000Z' };

describe('the input of a run', () => {
  it.each([[{ task: 't' }], [{ task: 't', prefix: '', dryRun: true }], [{ task: 't', prefix: 'a//' }]])(
    '%j is taken',
    (input) => {
      expect(parseSyncInput(input)).toEqual(input);
    },
  );

  it.each([
    [{}, 'task: is missing'],
    [{ task: 7 }, 'task: found 7, expected string'],
    [{ task: 't', dryrun: true }, 'dryrun: unknown option'],
    [{ task: 't', dryRun: 'yes' }, 'dryRun: found "yes", expected boolean'],
    [{ task: 't', prefix: 1 }, 'prefix: found 1, expected'],
    ['t', '(whole): found "t", expected Object'],
    [null, '(whole): found null, expected Object'],
  ])('%j is refused and the field named: %s', (input, part) => {
    expect(() => parseSyncInput(input)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    expect(() => parseSyncInput(input)).toThrow(part);
  });
});

describe('planRun', () => {
  it('gives segments over the whole task, or over a part of it', async () => {
    const world = new World({ task: { source: { prefix: 'in/' } } });
    const plan = await planRun(world.context(), world.task, { task: 'test' }, run);
    expect(plan).toEqual({ task: 'test', ...run, dryRun: false, prefix: 'in/', segments: [{}] });
    const part = await planRun(world.context(), world.task, { task: 'test', prefix: 'in/a', dryRun: true }, run);
    expect(part).toMatchObject({ dryRun: true, prefix: 'in/a' });
    await expect(planRun(world.context(), world.task, { task: 'test', prefix: 'out' }, run)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('prefix: found "out", expected one that begins with the task\'s own'),
    });
  });

  it.each(['source', 'destination'] as const)('says which side has no bucket: %s', async (side) => {
    const world = new World();
    const missing = new MemoryObjectStore(world.sourceStorage, 'missing');
    await expect(
      planRun({ ...world.context(), [side]: missing }, world.task, { task: 'test' }, run),
    ).rejects.toMatchObject({
      name: 'BucketNotFound',
      message: expect.stringContaining(`task test, ${side}.bucket: `),
    });
  });

  it.each([
    ['in its first page', 1],
    ['only from page to page', 2000],
  ])('does not cut what is listed in another order, %s', async (_name, first) => {
    const world = new World({ source: { order: 'utf16' } });
    const store = world.context().source;
    for (let index = 0; index < first + 1001; index++) {
      const key = `${index < first ? '\u{10000}' : '\u{ffff}'}${String(index).padStart(4, '0')}`;
      await store.put(key, { data: Buffer.alloc(0), size: 0 }, { headers: {}, metadata: {}, tags: {} });
    }
    const plan = await planRun(world.context(), world.task, { task: 'test' }, run);
    expect(plan.segments).toEqual([{}]);
  });
});

describe('finishRun', () => {
  it('sums the segments up', async () => {
    const world = new World();
    const counts = { ...noCounts, listed: 2, jobs: 1, bytes: 5 };
    const input = { task: 'test', dryRun: true };
    const record = await finishRun(world.context(), { ...run, input, results: [{ counts }, { counts }] });
    expect(record).toMatchObject({ status: 'DONE', dryRun: true, counts: { listed: 4, jobs: 2, bytes: 10 } });
    expect(await world.ledger.getRun('test', 'run-1')).toEqual(record);
  });

  it.each([[null], ['text'], [{ task: 7 }], [{}]])('records a failed run whatever its input was: %j', async (input) => {
    const world = new World();
    const error = { Error: 'InvalidInput', Cause: '{"errorMessage":"task: is missing"}' };
    const record = await finishRun(world.context(), { ...run, input, error });
    expect(record).toMatchObject({ task: '(unknown)', status: 'FAILED', reason: 'InvalidInput: task: is missing' });
  });
});

describe('JobSender', () => {
  const job = (number: number): Job => ({ task: 't', key: String(number), action: 'copy' });

  it('sends full batches, and holds back while the queue is slow', async () => {
    let under = 0;
    let most = 0;
    const sizes: number[] = [];
    const queue = {
      send: async (jobs: readonly Job[]) => {
        most = Math.max(most, ++under);
        sizes.push(jobs.length);
        await new Promise((resolve) => setImmediate(resolve));
        under--;
      },
    };
    const sender = new JobSender(queue, false);
    for (let number = 0; number < 505; number++) await sender.add(job(number));
    await sender.finish();
    expect(most).toBe(16);
    expect(sizes.filter((size) => size === 10)).toHaveLength(50);
    expect(sizes.at(-1)).toBe(5);
    expect(under).toBe(0);
  });

  it('throws what a call failed with, at the latest in the end', async () => {
    const sender = new JobSender({ send: () => Promise.reject(new Error('no')) }, false);
    await sender.add(job(1));
    await expect(sender.finish()).rejects.toThrow('no');
  });
});
