import { describe, expect, it } from '@jest/globals';
import { JobSender } from '../../../shared/find/job-sender.ts';
import { finishRun } from '../../../shared/find/finish-run.ts';
import { findSegment } from '../../../shared/find/find-segment.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { noCounts } from '../../../shared/model/run-counts.ts';
import { parseSyncInput, planRun } from '../../../shared/find/plan-run.ts';
import type { Job } from '../../../shared/model/job.ts';
import { MiB } from '../../../shared/model/limits.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { MemoryWorld } from '../../support/memory-world.ts';

const run = { run: 'run-1', startedAt: '2026-11-01T00:00:00.000Z' };

describe('the input of a run', () => {
  it.each([[{ task: 't' }], [{ task: 't', prefix: '', dryRun: true }], [{ task: 't', prefix: 'a//' }]])(
    'accepts %j',
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
  ])('rejects %j and names the field: %s', (input, part) => {
    expect(() => parseSyncInput(input)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    expect(() => parseSyncInput(input)).toThrow(part);
  });
});

describe('planRun', () => {
  it('returns segments for the whole task, or for a part of it', async () => {
    const world = new MemoryWorld({ task: { source: { prefix: 'in/' } } });
    const plan = await planRun(world.context(), world.task, { task: 'test' }, run);
    expect(plan).toEqual({ task: 'test', ...run, dryRun: false, prefix: 'in/', prefixList: {}, segments: [{}] });
    const part = await planRun(world.context(), world.task, { task: 'test', prefix: 'in/a', dryRun: true }, run);
    expect(part).toMatchObject({ dryRun: true, prefix: 'in/a' });
    await expect(planRun(world.context(), world.task, { task: 'test', prefix: 'out' }, run)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('prefix: found "out", expected one that begins with the task\'s own'),
    });
  });

  it.each(['source', 'destination'] as const)('names the side whose bucket is missing: %s', async (side) => {
    const world = new MemoryWorld();
    const missing = new MemoryObjectStore(world.sourceStorage, 'missing');
    await expect(
      planRun({ ...world.context(), [side]: missing }, world.task, { task: 'test' }, run),
    ).rejects.toMatchObject({
      name: 'BucketNotFound',
      message: expect.stringContaining(`task test, ${side}.bucket: `),
    });
  });
});

describe('a prefix list', () => {
  const world = (): MemoryWorld => new MemoryWorld({ task: { source: { prefix: 'in/' }, prefixList: 'lists/today' } });
  const planned = (one: MemoryWorld, prefix?: string) =>
    planRun(one.context(), one.task, { task: 'test', ...(prefix !== undefined && { prefix }) }, run);
  const list = (one: MemoryWorld, text: string | Buffer): Promise<void> =>
    one.putSource(Buffer.from(text), { key: 'lists/today' });

  it('is pinned by the plan', async () => {
    const one = world();
    await list(one, 'b/\r\na/x\n\na/\n');
    const plan = await planned(one);
    expect(plan).toMatchObject({ prefix: 'in/', prefixList: { etag: expect.stringMatching(/^[0-9a-f]{32}$/) } });
  });

  it('may have thousands, but not more', async () => {
    const one = world();
    const prefixes = Array.from({ length: 10_000 }, (_, index) => `customer-${String(index).padStart(5, '0')}/`);
    await list(one, prefixes.join('\n'));
    await expect(planned(one)).resolves.toMatchObject({ segments: [{}] });
    await list(one, [...prefixes, 'more/'].join('\n'));
    await expect(planned(one)).rejects.toThrow('found 10001 prefixes, expected at most 10000');
  });

  it.each([
    ['is not there', undefined, 'does not exist; put the list there'],
    ['is empty', '', 'found no prefix, expected one per line'],
    ['has only empty lines', '\n\r\n', 'found no prefix, expected one per line'],
    ['has a line that is no prefix', `a/\n${'x'.repeat(1025)}\nb/`, 'line 2: a key has at most 1024 UTF-8 bytes'],
    ['has a line with a slash before it', '/a/\r\nb/', 'line 1: found "/a/"'],
    ['has a line with a space behind it', 'a/ \nb/', 'line 1: found "a/ "'],
    ['is no text', Buffer.from([0x61, 0xff]), 'found bytes that are not UTF-8'],
    ['is too long', Buffer.alloc(MiB + 1, 'a\n'), `found ${MiB + 1} bytes, expected at most ${MiB}`],
  ])('that %s fails the run, rather than covering the whole bucket', async (_name, text, part) => {
    const one = world();
    if (text !== undefined) await list(one, text);
    await expect(planned(one)).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining(part) });
    await expect(planned(one)).rejects.toThrow('task test, prefixList: source: "lists/today"');
  });

  it('that changes during a run fails it', async () => {
    const one = world();
    await list(one, 'a/');
    const plan = await planned(one);
    await list(one, 'b/');
    const state = { ...plan, segment: {} };
    const context = { ...one.context(), queue: new MemoryQueue(), margin: 0 };
    await expect(findSegment(context, state)).rejects.toMatchObject({
      name: 'SourceChanged',
      message: expect.stringContaining('start the run again'),
    });
  });

  it('rejects a run outside its prefixes', async () => {
    const one = world();
    await list(one, 'a/\nb/c/');
    await expect(planned(one, 'in/z')).rejects.toThrow('prefix "in/z" is under none of the task\'s 2 prefixes');
    expect(await planned(one, 'in/b/c/d')).toMatchObject({ segments: [{}] });
  });
});

describe('finishRun', () => {
  it('sums the counts of the segments', async () => {
    const world = new MemoryWorld();
    const counts = { ...noCounts, listed: 2, jobs: 1, bytes: 5 };
    const input = { task: 'test', dryRun: true };
    const record = await finishRun(
      { ...world.context(), lookup: world.ledger },
      { ...run, input, results: [{ counts }, { counts }] },
    );
    expect(record).toMatchObject({ status: 'DONE', dryRun: true, counts: { listed: 4, jobs: 2, bytes: 10 } });
    expect(await world.ledger.getRun('test', 'run-1')).toEqual(record);
  });

  it('counts the copies of the task that lack something', async () => {
    const world = new MemoryWorld();
    const done = { key: 'k', status: 'DONE', updatedAt: 1 } as const;
    await world.ledger.put({ ...done, task: 'test', lost: ['tags'] });
    await world.ledger.put({ ...done, task: 'test', key: 'whole' });
    await world.ledger.put({ ...done, task: 'other', lost: ['tags'] });
    const input = { task: 'test' };
    const record = await finishRun({ ...world.context(), lookup: world.ledger }, { ...run, input, results: [] });
    expect(record.counts).toEqual({ ...noCounts, incomplete: 1 });
  });

  it.each([[null], ['text'], [{ task: 7 }], [{}]])('records a failed run whatever its input was: %j', async (input) => {
    const world = new MemoryWorld();
    const error = { Error: 'InvalidInput', Cause: '{"errorMessage":"task: is missing"}' };
    const record = await finishRun({ ...world.context(), lookup: world.ledger }, { ...run, input, error });
    expect(record).toMatchObject({ task: '(unknown)', status: 'FAILED', reason: 'InvalidInput: task: is missing' });
  });
});

describe('JobSender', () => {
  const job = (number: number): Job => ({ task: 't', key: objectKey(String(number)), action: 'copy' });

  it('sends full batches, and waits while the queue is slow', async () => {
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

  it('throws the error of a call, at the latest in finish', async () => {
    const sender = new JobSender({ send: () => Promise.reject(new Error('no')) }, false);
    await sender.add(job(1));
    await expect(sender.finish()).rejects.toThrow('no');
  });
});
