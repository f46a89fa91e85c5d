import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../../shared/model/job.ts';
import { runTask } from '../../support/memory-run.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

const names = (jobs: readonly Job[]): string[] => jobs.map(({ action, key }) => `${action} ${key}`).sort();

/** A world with these keys at the source and at the destination. */
async function worldWith(
  source: readonly string[],
  destination: readonly string[],
  options: MemoryWorldOptions = {},
): Promise<MemoryWorld> {
  const world = new MemoryWorld({ ...options, task: { deletes: true, ...options.task } });
  const context = world.context();
  for (const key of source) await context.source.put(objectKey(key), { data: Buffer.from('x'), size: 1 }, noAttributes);
  for (const key of destination)
    await context.destination.put(objectKey(key), { data: Buffer.from('x'), size: 1 }, noAttributes);
  return world;
}

const keys = (count: number, name = 'k'): string[] => Array.from({ length: count }, (_, index) => `${name}${index}`);

describe.each([
  ['in order', {}],
  ['in another order', { source: { order: 'utf16' }, destination: { order: 'utf16' } }],
] as const)('a run that deletes, with listings %s', (_name, features) => {
  it('deletes nothing if the source lists nothing, and says what it would have deleted', async () => {
    const world = await worldWith([], keys(5), features);
    const { record, jobs } = await runTask(world);
    expect(jobs).toEqual([]);
    expect(record).toMatchObject({ status: 'FAILED' });
    expect(record.reason).toMatch(/^DeletesRefused: task test: 5 of 5 objects .*"k0", "k1", "k2".* lists no object/);
  });

  it('deletes nothing if its prefix is mistyped, so that another folder or none is listed', async () => {
    const there = keys(10).map((key) => `mirror/${key}`);
    const source = [...keys(10).map((key) => `photos/${key}`), 'photo/x', '/photos/x'];
    for (const prefix of ['/photos/', 'photo/', 'Photos/']) {
      const task = { source: { prefix, verbatimPrefix: true }, destination: { prefix: 'mirror/' } };
      const { record, jobs } = await runTask(await worldWith(source, there, { ...features, task }));
      expect(record.reason).toMatch(/^DeletesRefused: task test: 10 of 10 objects/);
      expect(names(jobs).filter((name) => name.startsWith('delete'))).toEqual([]);
    }
  });

  it('copies what differs and deletes what is gone, each once, if that is little', async () => {
    const world = await worldWith(['a', 'both', 'c', 'd'], ['both', 'gone', '\u{10000}', '\u{ffff}', 'c'], features);
    const { record, jobs } = await runTask(world);
    const wanted = ['copy a', 'copy d', 'delete gone', 'delete \u{10000}', 'delete \u{ffff}'].sort();
    expect([...new Set(names(jobs))]).toEqual(wanted);
    expect(record).toMatchObject({ status: 'DONE', counts: { jobs: 5, deletes: 3, listed: 4, same: 2 } });
  });

  it('sends at most as many deletes as were counted, if the source vanishes between the passes', async () => {
    const world = await worldWith(keys(9), [...keys(9), 'z-gone'], features);
    const { record, jobs } = await runTask(world, {
      between: async () => {
        for (const key of keys(9)) await world.deleteSource(key);
      },
    });
    expect(jobs).toHaveLength(1);
    expect(record).toMatchObject({ status: 'DONE', counts: { jobs: 1, deletes: 1 } });
  });

  it('counts a delete that is no longer needed in the second pass as none', async () => {
    const world = await worldWith(keys(9), [...keys(9), 'back', 'gone'], features);
    const { record, jobs } = await runTask(world, {
      between: () => world.putSource(Buffer.from('x'), { key: 'back' }),
    });
    expect(names(jobs)).toEqual(['delete gone']);
    expect(record).toMatchObject({ counts: { jobs: 1, deletes: 1 } });
  });
});

describe('the limits of deletes', () => {
  it('are those of the last run that was done over the same prefix: half of what it listed', async () => {
    const world = await worldWith(keys(10), keys(10));
    expect((await runTask(world)).record.status).toBe('DONE');
    for (const key of keys(10).slice(4)) await world.deleteSource(key);
    const refused = await runTask(world);
    expect(refused.record.reason).toMatch(/lists 4 objects, less than half of the 10 that the last run/);
    expect(refused.jobs).toEqual([]);
    // A refused run does not become the measure of the next, and neither does a dry one.
    await runTask(world, { input: { dryRun: true } });
    expect((await runTask(world)).record.status).toBe('FAILED');
    // A run over another prefix is measured separately.
    expect((await runTask(world, { input: { prefix: 'k1' } })).record).toMatchObject({ status: 'DONE' });
    const allowed = await runTask(world, { input: { allowDeletes: true } });
    expect(allowed.jobs).toHaveLength(6);
    expect(allowed.record).toMatchObject({ status: 'DONE', counts: { deletes: 6 } });
    // The run that was allowed is the new measure.
    expect((await runTask(world)).record.status).toBe('DONE');
  });

  it('are 1,000 or a tenth by default, and what the task says otherwise', async () => {
    const world = await worldWith(keys(1500), [...keys(1500), ...keys(1001, 'old')]);
    const { record, jobs } = await runTask(world);
    expect(jobs).toEqual([]);
    expect(record.reason).toMatch(/^DeletesRefused: task test: 1001 of 2501 .*allows 1000.*raise "maxDeletes"/);
    const wide = await worldWith(keys(1500), [...keys(1500), ...keys(1001, 'old')], { task: { maxDeletes: '50%' } });
    expect((await runTask(wide)).jobs).toHaveLength(1001);
    const strict = await worldWith(keys(9), [...keys(9), 'old'], { task: { maxDeletes: 0 } });
    expect((await runTask(strict)).record.status).toBe('FAILED');
  });

  it('are not in the way of copies, which are sent although the run is refused', async () => {
    const world = await worldWith(['new'], keys(5));
    const { record, jobs } = await runTask(world);
    expect(names(jobs)).toEqual(['copy new']);
    expect(record.status).toBe('FAILED');
  });

  it('do not concern a task that does not replicate deletes', async () => {
    const world = await worldWith([], keys(5), { task: { deletes: false } });
    expect((await runTask(world)).record).toMatchObject({ status: 'DONE', counts: { deletes: 0 } });
  });

  it('are reported by a dry run, which counts the deletes and ends well', async () => {
    const world = await worldWith([], keys(5));
    const { record, jobs } = await runTask(world, { input: { dryRun: true } });
    expect(jobs).toEqual([]);
    expect(record).toMatchObject({ status: 'DONE', dryRun: true, counts: { deletes: 5, jobs: 5 } });
    expect(record.reason).toMatch(/5 of 5 objects/);
  });

  it('hold for a source that may be empty, up to maxDeletes', async () => {
    const world = await worldWith([], keys(5), { task: { allowEmptySource: true } });
    expect((await runTask(world)).jobs).toHaveLength(5);
    const limited = await worldWith([], keys(5), { task: { allowEmptySource: true, maxDeletes: 4 } });
    expect((await runTask(limited)).jobs).toEqual([]);
  });
});
