import { beforeEach, describe, expect, it } from '@jest/globals';
import { describeRow, describeRun, rowHeading } from '../../operations/describe-runs.ts';
import { listRuns, showRun, type RunsContext, type RunView } from '../../operations/run-views.ts';
import type { RunRecord } from '../../shared/model/ledger-entry.ts';
import { noCounts } from '../../shared/model/run-counts.ts';
import { noEnds } from '../../shared/model/run-ends.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { MemoryRunCounters } from '../../shared/ports/memory/run-counters.ts';
import type { RunExistence } from '../../shared/ports/runs.ts';

const begun = Date.UTC(2026, 10, 1);
const startedAt = new Date(begun).toISOString();
const later = begun + 3600_000;
const done: RunRecord = {
  ...{ task: 'photos', run: 'done', status: 'DONE', dryRun: false, startedAt, updatedAt: later, endedAt: later },
  counts: { ...noCounts, jobs: 12, archived: 3 },
  ends: { ...noEnds, put: 4, multipart: 2, 'server-side copy': 1, skip: 1, delete: 1, failed: 2, bytes: 2048 },
  slowest: [{ key: 'slow\u001b[2J', tookMillis: 1500, bytes: 1024 }],
  failedKeys: ['a', 'b'],
};
const running: RunRecord = {
  ...{ task: 'photos', run: 'running', status: 'RUNNING', dryRun: false, counts: noCounts },
  ...{ startedAt: new Date(later).toISOString(), updatedAt: later },
};

let ledger: MemoryLedger;
let counters: MemoryRunCounters;
let existences: Record<string, RunExistence>;
let context: RunsContext;
beforeEach(() => {
  ledger = new MemoryLedger();
  counters = new MemoryRunCounters();
  existences = { running: 'running' };
  context = {
    ...{ ledger, lookup: ledger, counters, tasks: ['photos', 'logs'], clock: new ManualClock(later + 3600_000) },
    executions: { existence: async (run) => existences[run] ?? 'unknown' },
  };
});

async function list(task?: string): Promise<RunView[]> {
  const views: RunView[] = [];
  for await (const view of listRuns(context, task)) views.push(view);
  return views;
}

describe('the list of runs', () => {
  it('has the latest first, with what is known of each', async () => {
    for (const record of [done, running]) await ledger.putRun(record);
    await counters.add('photos', 'running', { ...noEnds, put: 5, bytes: 50 });
    const [first, second, ...more] = await list('photos');
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      ...{ run: 'running', state: 'RUNNING', found: null, archived: null, unaccounted: null },
      ends: { copied: 5, bytes: 50 },
    });
    expect(second).toMatchObject({
      ...{ run: 'done', state: 'DONE', found: 12, archived: 3, unaccounted: 1, endedAt: new Date(later).toISOString() },
      ends: { copied: 7, skipped: 1, deleted: 1, failed: 2, bytes: 2048 },
    });
  });

  it('has a few runs of each task, or more of one', async () => {
    for (let index = 10; index < 40; index++) await ledger.putRun({ ...done, run: `r${index}` });
    await ledger.putRun({ ...done, task: 'logs' });
    await ledger.putRun({ ...done, task: 'gone' });
    expect((await list()).map(({ task, run }) => `${task} ${run}`)).toEqual([
      ...['r39', 'r38', 'r37', 'r36', 'r35'].map((run) => `photos ${run}`),
      'logs done',
    ]);
    expect(await list('photos')).toHaveLength(20);
    await expect(list('fotos')).rejects.toMatchObject({
      name: 'UnknownTask',
      message: 'the stack has no task "fotos"; it has photos, logs',
    });
  });

  it.each<[RunExistence, number, RunView['state']]>([
    ['running', 0, 'RUNNING'],
    ['ended', 3600_000, 'STOPPED'],
    ['unknown', 3600_000, 'STOPPED'],
    ['unknown', 60_000, 'RUNNING'],
  ])('knows what became of a run whose execution is %s after %d ms', async (existence, age, state) => {
    existences['running'] = existence;
    await ledger.putRun(running);
    const clock = new ManualClock(later + age);
    for await (const view of listRuns({ ...context, clock }, 'photos')) expect(view.state).toBe(state);
  });

  it('has the end of a run that ended between two reads', async () => {
    await ledger.putRun(running);
    const executions = {
      existence: async () => {
        await ledger.putRun({ ...done, run: 'running' });
        return 'ended' as const;
      },
    };
    for await (const view of listRuns({ ...context, executions }))
      expect(view).toMatchObject({ state: 'DONE', found: 12 });
  });

  it('shows a run in a row, and numbers that a former version did not record as unknown', async () => {
    const { ends: _none, ...former } = done;
    await ledger.putRun({ ...former, dryRun: true });
    const [view] = await list('photos');
    expect(view).toMatchObject({ ends: null, unaccounted: null, found: 12 });
    const cells = (text: string): string[] => text.split(/ +/);
    expect(cells(describeRow(view!))).toEqual([
      ...['DONE', '2026-11-01T00:00:00Z', '2026-11-01T01:00:00Z', '12', '-', '-', '-', '-', '3', '-'],
      ...['photos', 'done', '(dry', 'run)'],
    ]);
    expect(cells(rowHeading).slice(0, 4)).toEqual(['state', 'started', 'ended', 'found']);
  });
});

describe('one run', () => {
  it('is found in its task, or in any, and shown by route, with the slowest copies and failed keys', async () => {
    await ledger.putRun({ ...done, reason: 'why\nnot' });
    const detail = await showRun(context, 'done', 'photos');
    expect(await showRun(context, 'done')).toEqual(detail);
    expect(detail).toMatchObject({ slowest: done.slowest, failedKeys: ['a', 'b'] });
    const text = describeRun(detail);
    for (const [name, value] of [
      ['state', 'DONE'],
      ['reason', 'why\\\\u000anot'],
      ['found', '12'],
      ['copied', '7'],
      ['  put', '4'],
      ['  multipart', '2'],
      ['  server-side', '1'],
      ['unaccounted', '1'],
      ['slow copy', '1\\.5 s, 1\\.0 KiB: slow\\\\u001b\\[2J'],
      ['failed key', 'b'],
    ] as const) {
      expect(text).toMatch(new RegExp(`^${name} *${value}$`, 'm'));
    }
  });

  it('is shown while it is under way, with what has failed until now', async () => {
    await ledger.putRun(running);
    await ledger.put({ task: 'photos', key: 'bad', run: 'running', status: 'FAILED', updatedAt: 1 });
    const slow = { key: 'slow', tookMillis: 5, bytes: 5 };
    await counters.add('photos', 'running', { ...noEnds, put: 1, failed: 1 }, slow);
    expect(await showRun(context, 'running')).toMatchObject({
      ...{ state: 'RUNNING', ends: { copied: 1, failed: 1 }, slowest: [slow], failedKeys: ['bad'] },
    });
  });

  it('shows why a run did not begin', async () => {
    await ledger.putRun({ ...running, run: 'second', status: 'SUPERSEDED', reason: 'execution running ...' });
    expect(describeRun(await showRun(context, 'second'))).toMatch(/^reason +execution running \.\.\.$/m);
  });

  it('is named if it is unknown, as its task is', async () => {
    await ledger.putRun(done);
    for (const [run, task, message] of [
      ['none', undefined, '--run: found "none", expected the name of a recorded run'],
      ['done', 'logs', '--run: found "done", expected the name of a recorded run of task logs'],
    ] as const) {
      await expect(showRun(context, run, task)).rejects.toMatchObject({ name: 'InvalidInput', message });
    }
    await expect(showRun(context, 'done', 'fotos')).rejects.toMatchObject({ name: 'UnknownTask' });
  });
});
