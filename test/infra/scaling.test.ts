import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { evaluate } from '../support/metric-math.ts';
import { poolRules, simulatePool, type Minute, type PoolRules, type World } from '../support/pool-simulation.ts';
import { synthesize } from '../support/synthesize.ts';

/** The size of the worker pool over curves of load, by the alarms and policies of the synthesized template. */

const maxInstances = 20;
const rules = {} as Record<'ec2' | 'both', PoolRules>;

beforeAll(() => {
  const tasks = [{ name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } }];
  for (const workerMode of ['ec2', 'both'] as const) {
    rules[workerMode] = poolRules(
      synthesize({ configuration: { stack: { workerMode, worker: { maxInstances } }, tasks } }),
    );
  }
});

/** A worker that finishes 100 objects a minute. */
const workerRate = 100;
const nothing = (): number => 0;
const once = (messages: number) => (minute: number) => (minute === 5 ? messages : 0);

function run(mode: 'ec2' | 'both', world: Partial<World>): Minute[] {
  return simulatePool(rules[mode], { minutes: 600, arrivals: nothing, workerRate, ...world });
}

const peak = (minutes: readonly Minute[]): number => Math.max(...minutes.map(({ workers }) => workers));
const firstAt = (minutes: readonly Minute[], found: (minute: Minute) => boolean): number => minutes.findIndex(found);
const workersAt = (minutes: readonly Minute[], at: number): number | undefined => minutes.at(at)?.workers;
/** the last minute with a worker */
const endOf = (minutes: readonly Minute[]): number => minutes.findLastIndex(({ workers }) => workers > 0);
/** the last minute with a message */
const doneAt = (minutes: readonly Minute[]): number => minutes.findLastIndex(({ messages }) => messages > 0);
/** workers that were started after others had been removed */
const regrowth = (minutes: readonly Minute[]): number => {
  const shrunkAt = firstAt(minutes, ({ workers }) => workers === peak(minutes));
  const after = minutes.slice(shrunkAt).findIndex(({ workers }) => workers < peak(minutes));
  const rest = after < 0 ? [] : minutes.slice(shrunkAt + after);
  return rest.filter(({ workers }, index) => index > 0 && workers > rest[index - 1]!.workers).length;
};

describe('the pool in ec2 mode', () => {
  it('has no worker without messages', () => {
    expect(peak(run('ec2', {}))).toBe(0);
  });

  it('starts one worker for a few messages, and ends it', () => {
    for (const messages of [1, 100, 199]) {
      const minutes = run('ec2', { arrivals: once(messages) });
      expect(peak(minutes)).toBe(1);
      expect(endOf(minutes) - doneAt(minutes)).toBeLessThanOrEqual(14);
    }
  });

  it('starts workers one after another while a backlog lasts, and all of them at 20,000 messages', () => {
    const few = run('ec2', { arrivals: once(3_000) });
    expect(workersAt(few, 5 + 3)).toBe(2);
    expect(peak(few)).toBeGreaterThan(3);
    expect(peak(few)).toBeLessThan(maxInstances);
    const many = run('ec2', { arrivals: once(200_000) });
    expect(workersAt(many, 5 + 3)).toBe(maxInstances);
  });

  it('follows the load down to nothing', () => {
    for (const messages of [3_000, 20_000, 200_000]) {
      const minutes = run('ec2', { arrivals: once(messages) });
      expect(workersAt(minutes, -1)).toBe(0);
      expect(endOf(minutes) - doneAt(minutes)).toBeLessThanOrEqual(37);
      expect(regrowth(minutes)).toBe(0);
    }
  });

  it('has one worker for a trickle of events after a bulk run, not its peak', () => {
    const minutes = run('ec2', { arrivals: (minute) => once(50_000)(minute) + (minute % 3 === 0 ? 5 : 0) });
    expect(peak(minutes)).toBe(maxInstances);
    expect(workersAt(minutes, -1)).toBe(1);
    expect(firstAt(minutes.slice(200), ({ workers }) => workers !== 1)).toBe(-1);
  });

  it('has one worker while a message that fails is hidden, and none once it is buried', () => {
    const minutes = run('ec2', { arrivals: once(50_000), poisoned: 1 });
    expect(workersAt(minutes, 74)).toBeLessThanOrEqual(2);
    expect(workersAt(minutes, -1)).toBe(0);
  });

  it('settles under a steady load', () => {
    // The work of five workers.
    for (const metricDelay of [1, 2, 3]) {
      const minutes = run('ec2', { arrivals: () => 450, metricDelay, minutes: 1_000 });
      const last = minutes.slice(-300);
      expect(peak(last)).toBeLessThanOrEqual(8);
      expect(Math.min(...last.map(({ workers }) => workers))).toBeGreaterThanOrEqual(3);
      expect(Math.max(...last.map(({ messages }) => messages))).toBeLessThan(3_000);
    }
  });

  it('takes no more than it needs from a load that falls slowly, even if every guard of AWS is missing', () => {
    const arrivals = (minute: number): number => Math.max(0, 1_500 - 5 * minute);
    const minutes = run('ec2', { arrivals, metricDelay: 3, endingCounts: false });
    expect(workersAt(minutes, -1)).toBe(0);
    expect(doneAt(minutes)).toBeLessThan(330);
  });
});

describe('the pool in both mode', () => {
  /** 100 calls of copy-objects, each with 10 objects in 3 seconds. */
  const functionRate = 20_000;

  it('starts no machine for a lone event, nor for what functions do in a minute', () => {
    for (const messages of [1, 100, 15_000]) {
      expect(peak(run('both', { arrivals: once(messages), functionRate }))).toBe(0);
    }
    expect(peak(run('both', { arrivals: () => 900 }).slice(0, 3))).toBe(0);
  });

  it('starts machines for a backlog and leaves the rest of it to functions', () => {
    const minutes = run('both', { arrivals: (minute) => (minute < 60 ? 30_000 : 5), functionRate });
    expect(peak(minutes)).toBe(maxInstances);
    expect(workersAt(minutes, -1)).toBe(0);
    expect(regrowth(minutes)).toBe(0);
  });
});

describe('the guide of the worker', () => {
  it('has the numbers of the simulation', () => {
    const guide = readFileSync('docs/worker.md', 'utf8').replaceAll(/ +/g, ' ');
    for (const [load, arrivals] of [
      ['one message', once(1)],
      ['3,000 messages', once(3_000)],
      ['20,000 messages', once(20_000)],
      ['200,000 messages', once(200_000)],
    ] as const) {
      const minutes = run('ec2', { arrivals });
      const [done, gone] = [doneAt(minutes) + 1 - 5, endOf(minutes) - doneAt(minutes)];
      expect(guide).toContain(`| ${load} | ${peak(minutes)} | ${done} min | ${gone} min |`);
    }
  });
});

describe('the metric math of the tests', () => {
  it('computes as CloudWatch documents it', () => {
    const series = { a: [1, undefined, 3], b: [0, 2, 2] };
    expect(evaluate('a + b * 2', series)).toEqual([1, undefined, 7]);
    expect(evaluate('FILL(a, 0) / b', series)).toEqual([undefined, 0, 1.5]);
    expect(evaluate('FILL(a, REPEAT)', series)).toEqual([1, 1, 3]);
    expect(evaluate('IF(b > 0 AND b < 3, (a + 1), 9)', series)).toEqual([9, undefined, 4]);
    expect(() => evaluate('MAX(a)', series)).toThrow('MAX is unknown');
    expect(() => evaluate('c', series)).toThrow('"c" is unknown');
  });
});
