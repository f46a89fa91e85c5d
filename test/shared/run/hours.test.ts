import { expect, it } from '@jest/globals';
import { cancel } from '../../../shared/model/control.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryControls } from '../../../shared/ports/memory/controls.ts';
import { Governor } from '../../../shared/run/governor.ts';
import { standingByHours, type Hours } from '../../../shared/run/hours.ts';
import { heldBy, holdWaitSeconds } from '../../../shared/run/standing.ts';
import { Held } from '../../../shared/model/held.ts';

const night = { from: '22:00', to: '06:00', zone: 'UTC' };
const noon = Date.parse('2026-11-01T12:00:00Z');

it.each<[Partial<Hours>, number, object]>([
  [{}, noon, { kind: 'free' }],
  [{ enabled: true }, noon, { kind: 'free' }],
  [{ enabled: false }, noon, { kind: 'held', reason: 'task t is not enabled' }],
  [{ windows: [night] }, noon + 11 * 3600_000, { kind: 'free' }],
  [
    { windows: [night] },
    noon,
    {
      kind: 'held',
      reason: 'task t works in windows, the next opens at 2026-11-01T22:00:00.000Z',
      waitSeconds: 36_000,
    },
  ],
])('a task with %j stands at %i as %j', (hours, now, standing) => {
  expect(standingByHours({ name: 't', ...hours }, now)).toMatchObject(standing);
});

it('work comes back over the minute after a window opens, and is looked at every hour before', () => {
  const at = (now: number) => {
    const standing = standingByHours({ name: 't', windows: [night] }, now);
    if (standing.kind !== 'held') throw new Error(standing.kind);
    const fault = heldBy(standing, now);
    if (!(fault instanceof Held)) throw fault;
    return { job: fault.delaySeconds, machine: holdWaitSeconds(standing, now, 0) };
  };
  expect(at(noon)).toEqual({ job: 900, machine: 3600 });
  const { job, machine } = at(noon + 10 * 3600_000 - 100_000);
  expect(machine).toBe(100);
  expect(job).toBeGreaterThanOrEqual(100);
  expect(job).toBeLessThanOrEqual(160);
});

it('a governor asks for the hours of a task, and goes on if it cannot read it; what is cancelled leaves', async () => {
  const clock = new ManualClock(noon);
  const controls = new MemoryControls();
  const governor = new Governor({ controls, clock, onFault: () => undefined });
  governor.readTasks(async (name) => {
    if (name === 'unknown') throw new Error('no such task');
    return { name, windows: [night] };
  });
  await controls.change('t', (control) => cancel(control, { since: 1, reason: '', by: '' }, 'r'));
  expect((await governor.standing({ task: 't' })).kind).toBe('held');
  expect((await governor.standing({ task: 't', run: 'r' })).kind).toBe('cancelled');
  expect((await governor.standing({ task: 'unknown' })).kind).toBe('free');
  clock.pass(10 * 3600_000);
  expect((await governor.standing({ task: 't' })).kind).toBe('free');
});
