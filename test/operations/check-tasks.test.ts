import { describe, expect, it } from '@jest/globals';
import { checkTasks, type CheckedTask } from '../../operations/check-tasks.ts';
import { Fault } from '../../shared/model/faults.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import type { Runs, RunState } from '../../shared/ports/runs.ts';

/** Runs whose states follow each other, one at each look; the last stays. */
function runsOf(states: Readonly<Record<string, readonly RunState[]>>): Runs & { readonly started: object[] } {
  const looks = new Map<string, number>();
  const started: object[] = [];
  return {
    started,
    start: async (input) => {
      started.push(input);
      if (!(input.task in states)) throw new Fault('Throttled', 'StartExecution: slow down');
      return input.task;
    },
    state: async (task) => {
      const look = looks.get(task) ?? 0;
      looks.set(task, look + 1);
      const those = states[task] ?? [];
      return those[Math.min(look, those.length - 1)] ?? { status: 'done' };
    },
  };
}

async function check(states: Parameters<typeof runsOf>[0], tasks: readonly string[]) {
  const clock = new ManualClock();
  const runs = runsOf(states);
  const outcomes: CheckedTask[] = [];
  const waiting = { now: () => clock.now(), sleep: async (millis: number) => clock.pass(millis) };
  const failed = await checkTasks({ runs, clock: waiting }, tasks, (outcome) => outcomes.push(outcome));
  return { failed, outcomes, started: runs.started };
}

describe('the preflight of a stack', () => {
  it('starts a run of each task that only checks, and waits for its end', async () => {
    const { failed, outcomes, started } = await check(
      { a: [{ status: 'running' }, { status: 'running' }, { status: 'done' }], b: [{ status: 'done' }] },
      ['a', 'b'],
    );
    expect(failed).toBe(0);
    expect(outcomes.map(({ task }) => task).sort()).toEqual(['a', 'b']);
    expect(started).toEqual(['a', 'b'].map((task) => ({ task, checkOnly: true })));
  });

  it('says why a task fails, and goes on with the others', async () => {
    const reason = 'AccessDenied: task a, destination: arn:aws:iam::1:role/r lacks the permission s3:PutObject';
    const { failed, outcomes } = await check({ a: [{ status: 'failed', reason }], b: [{ status: 'done' }] }, [
      'a',
      'busy',
      'b',
    ]);
    expect(failed).toBe(2);
    expect(outcomes).toEqual(
      expect.arrayContaining([
        { task: 'a', reason },
        { task: 'b' },
        { task: 'busy', reason: 'Throttled: StartExecution: slow down' },
      ]),
    );
  });

  it('does not wait for ever', async () => {
    const { outcomes } = await check({ a: [{ status: 'running' }] }, ['a']);
    expect(outcomes).toEqual([{ task: 'a', reason: 'the run has not ended within 15 minutes' }]);
  });
});
