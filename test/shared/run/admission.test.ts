import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryActiveRuns } from '../../../shared/ports/memory/active-runs.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { MemoryLedger } from '../../../shared/ports/memory/ledger.ts';
import type { RunExistence } from '../../../shared/ports/runs.ts';
import { admitRun, overlap, type RunRequest } from '../../../shared/run/admission.ts';
import { beginRun } from '../../../shared/run/begin-run.ts';
import { MemoryWorld } from '../../support/memory-world.ts';

/** A task's runs, and executions that tests end. */
class Runs {
  readonly gate = new Gate();
  readonly active = new MemoryActiveRuns(this.gate);
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly states = new Map<string, RunExistence>();
  asked = 0;
  readonly executions = {
    existence: async (run: string): Promise<RunExistence> => {
      this.asked++;
      return this.states.get(run) ?? 'unknown';
    },
  };

  /** Starts the execution of a run, and asks whether the run may begin. @returns the run in its way */
  async start(run: string, more: Partial<RunRequest> = {}): Promise<string | undefined> {
    this.states.set(run, 'running');
    const rival = await admitRun(this, { task: 't', run, prefix: '', whileBusy: 'supersede', ...more });
    if (rival) this.end(run);
    return rival?.run;
  }

  end(run: string): void {
    this.states.set(run, 'ended');
  }
}

describe('admitRun', () => {
  it('admits one run of a task at a time', async () => {
    const runs = new Runs();
    expect(await runs.start('first')).toBeUndefined();
    expect(await runs.start('second')).toBe('first');
    expect(await runs.start('of another task', { task: 'u' })).toBeUndefined();
    runs.end('first');
    expect(await runs.start('third')).toBeUndefined();
    expect(await runs.start('fourth')).toBe('third');
  });

  it('costs a superseded run one read and one look at an execution', async () => {
    const runs = new Runs();
    await runs.start('first');
    runs.gate.forgetCounts();
    await runs.start('second');
    expect([runs.gate.count(), runs.asked]).toEqual([1, 1]);
  });

  it('gives a run that asks again, after a crash, the same answer', async () => {
    const runs = new Runs();
    await runs.start('first');
    expect(await runs.start('first')).toBeUndefined();
    expect((await runs.active.read('t')).runs).toHaveLength(1);
  });

  it.each([
    ['', 'a/', 'a/'],
    ['a/', 'a/b', ''],
    ['a/', 'b/', undefined],
  ])('with a run over %j under way, and then one over %j', async (first, second, third) => {
    const runs = new Runs();
    await runs.start('first', { prefix: first });
    const apart = !overlap(first, second);
    expect(await runs.start('second', { prefix: second })).toBe(apart ? undefined : 'first');
    if (third !== undefined) expect(await runs.start('third', { prefix: third })).toBe('first');
  });

  it('admits every run of a task that wants it, and shows them to those that do not', async () => {
    const runs = new Runs();
    await runs.start('first');
    expect(await runs.start('beside', { whileBusy: 'run' })).toBeUndefined();
    runs.end('first');
    expect(await runs.start('third')).toBe('beside');
  });

  it('takes an execution that is not visible for one that just started, for some minutes', async () => {
    const runs = new Runs();
    await runs.start('first');
    runs.states.delete('first');
    expect(await runs.start('second')).toBe('first');
    runs.clock.pass(301_000);
    expect(await runs.start('third')).toBeUndefined();
  });

  it('admits one of two runs that ask at the same time', async () => {
    const runs = new Runs();
    const rivals = await Promise.all([runs.start('one'), runs.start('other')]);
    expect(rivals.filter((rival) => rival === undefined)).toHaveLength(1);
  });

  it('keeps the list short, and refuses more runs than it may hold', async () => {
    const runs = new Runs();
    for (let index = 0; index < 60; index++) {
      await runs.start(`done-${index}`, { prefix: `p${index}/` });
      runs.end(`done-${index}`);
    }
    expect((await runs.active.read('t')).runs.length).toBeLessThanOrEqual(21);
    for (let index = 0; index < 99; index++) await runs.start(`run-${index}`, { prefix: `q${index}/` });
    await runs.start('last', { prefix: 'r/' });
    await expect(runs.start('one more', { prefix: 's/' })).rejects.toMatchObject({ name: 'TaskBusy' });
  });

  it('never has two runs under way over the same key, whatever starts, ends, and dies', async () => {
    const prefixes = fc.constantFrom('', 'a/', 'a/b/', 'b/');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('start' as const), prefix: prefixes, dies: fc.boolean() }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat(20) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 12 }), async (rounds) => {
        const runs = new Runs();
        const underWay = new Map<string, string>();
        let count = 0;
        for (const steps of rounds) {
          await Promise.all(
            steps.map(async (one) => {
              if (one.kind === 'end') {
                const run = [...underWay.keys()][one.which];
                if (run !== undefined) runs.end(run);
                underWay.delete(run ?? '');
                return;
              }
              const run = `run-${count++}`;
              if ((await runs.start(run, { prefix: one.prefix })) !== undefined) return;
              if (one.dies) runs.end(run);
              else underWay.set(run, one.prefix);
            }),
          );
          const all = [...underWay.values()];
          for (const [index, prefix] of all.entries()) {
            expect(all.slice(index + 1).filter((other) => overlap(prefix, other))).toEqual([]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('beginRun', () => {
  const first = { run: 'first', startedAt: '2026-11-01T00:00:00.000Z' };
  const second = { run: 'second', startedAt: '2026-11-01T01:00:00.000Z' };

  async function busy() {
    const { task } = new MemoryWorld();
    const runs = Object.assign(new Runs(), { ledger: new MemoryLedger() });
    runs.states.set('first', 'running');
    expect(await beginRun(runs, task, { task: 'test' }, first)).toBeUndefined();
    return { runs, task };
  }

  it('records a run that begins, and one that is superseded with the run in its way', async () => {
    const { runs, task } = await busy();
    expect(await runs.ledger.getRun('test', 'first')).toMatchObject({ status: 'RUNNING', startedAt: first.startedAt });
    const { superseded } = (await beginRun(runs, task, { task: 'test' }, second)) ?? {};
    const reason = expect.stringMatching(/^execution first, a run of task test, is under way since 20.*whole source; /);
    expect(superseded?.reason).toMatch(/; to see it: npm run runs -- --task test$/);
    expect(superseded).toEqual({ task: 'test', by: 'first', reason });
    expect(await runs.ledger.getRun('test', 'second')).toMatchObject({ status: 'SUPERSEDED', reason });
    expect(await runs.ledger.getLastRun('test')).toBeUndefined();
  });

  it('refuses a prefix that a person asks for, with the reason', async () => {
    const { runs, task } = await busy();
    await expect(beginRun(runs, task, { task: 'test', prefix: 'a/' }, second)).rejects.toMatchObject({
      name: 'TaskBusy',
      message: expect.stringContaining('execution first, a run of task test, is under way'),
    });
  });

  it.each([{ dryRun: true }, { checkOnly: true }])('lets one that sends nothing begin: %j', async (input) => {
    const { runs, task } = await busy();
    expect(await beginRun(runs, task, { task: 'test', ...input }, second)).toBeUndefined();
    expect(runs.asked).toBe(0);
    expect((await runs.active.read('test')).runs).toHaveLength(1);
  });
});
