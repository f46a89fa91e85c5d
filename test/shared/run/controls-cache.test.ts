import { beforeEach, describe, expect, it } from '@jest/globals';
import { pause, resume } from '../../../shared/model/control.ts';
import { Fault } from '../../../shared/model/faults.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryControls } from '../../../shared/ports/memory/controls.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { ControlsCache } from '../../../shared/run/controls-cache.ts';

const order = { since: 1, reason: '', by: '' };
let clock: ManualClock;
let gate: Gate;
let controls: MemoryControls;
let cache: ControlsCache;
let faults: string[];

beforeEach(() => {
  clock = new ManualClock();
  gate = new Gate();
  controls = new MemoryControls(gate);
  faults = [];
  cache = new ControlsCache({ controls, clock, onFault: (task, { name }) => faults.push(`${task} ${name}`) });
});

const reads = (): number => gate.count('controls.read');

function failReads(): void {
  gate.hooks = {
    before: ({ operation }) => {
      if (operation === 'controls.read') throw new Fault('Throttled', 'busy');
    },
  };
}

describe('ControlsCache', () => {
  it('reads once in 15 seconds, however many ask, and once for each task', async () => {
    await Promise.all(Array.from({ length: 50 }, () => cache.of('t')));
    clock.pass(14_999);
    await cache.of('t');
    expect(reads()).toBe(1);
    await cache.of('other');
    expect(reads()).toBe(2);
    clock.pass(1);
    await cache.of('t');
    expect(reads()).toBe(3);
  });

  it('shows an order within 15 seconds', async () => {
    await cache.of('t');
    await controls.change('t', (before) => pause(before, order));
    expect(await cache.of('t')).toEqual({});
    clock.pass(15_000);
    expect(await cache.of('t')).toEqual({ paused: order });
    await controls.change('t', (before) => resume(before));
    clock.pass(15_000);
    expect(await cache.of('t')).toEqual({});
  });

  it('goes on with what was last read if it cannot read', async () => {
    await controls.change('t', (before) => pause(before, order));
    expect(await cache.of('t')).toEqual({ paused: order });
    failReads();
    for (let times = 1; times <= 3; times++) {
      clock.pass(15_000);
      expect(await cache.of('t')).toEqual({ paused: order });
      expect(faults).toHaveLength(times);
    }
    expect(await cache.of('unknown')).toEqual({});
    expect(faults.at(-1)).toBe('unknown Throttled');
    gate.hooks = {};
    await controls.change('t', (before) => resume(before));
    clock.pass(15_000);
    expect(await cache.of('t')).toEqual({});
  });

  it('shows the last answer to callers that cannot wait, and reads meanwhile', async () => {
    await controls.change('t', (before) => pause(before, order));
    expect(cache.lastOf('t')).toEqual({});
    await cache.of('t');
    expect(cache.lastOf('t')).toEqual({ paused: order });
    await controls.change('t', (before) => resume(before));
    clock.pass(15_000);
    expect(cache.lastOf('t')).toEqual({ paused: order });
    await cache.of('t');
    expect(cache.lastOf('t')).toEqual({});
  });

  it('does not grow with the names of tasks that messages invent', async () => {
    for (let index = 0; index < 1001; index++) await cache.of(`t${index}`);
    expect(reads()).toBe(1001);
    await cache.of('t1000');
    expect(reads()).toBe(1001);
    await cache.of('t0');
    expect(reads()).toBe(1002);
  });
});
