import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Control, Order } from '../../../shared/model/control.ts';
import { holdDelaySeconds, standingOf } from '../../../shared/run/standing.ts';

const order: Order = { since: 5, reason: 'the line is full', by: 'me' };
const paused = { paused: order };
const runs = (kind: 'paused' | 'cancelled'): Control => ({ runs: [{ run: 'r', kind, ...order, since: 7 }] });

describe('standingOf', () => {
  it.each<[string, Control, string | undefined, object]>([
    ['nothing was ordered', {}, 'r', { kind: 'free' }],
    ['the task is paused', paused, 'r', { kind: 'held', since: 5, reason: 'task t is paused: the line is full' }],
    ['the task is paused, and events have no run', paused, undefined, { kind: 'held' }],
    [
      'the run is paused',
      runs('paused'),
      'r',
      { kind: 'held', since: 7, reason: 'run r of task t is paused: the line is full' },
    ],
    ['another run is paused', runs('paused'), 'other', { kind: 'free' }],
    ['a run is paused, and events go on', runs('paused'), undefined, { kind: 'free' }],
    ['the run was cancelled', runs('cancelled'), 'r', { kind: 'cancelled' }],
    ['another run was cancelled', runs('cancelled'), 'other', { kind: 'free' }],
    ['the run was cancelled, and the task is paused', { ...paused, ...runs('cancelled') }, 'r', { kind: 'cancelled' }],
    [
      'a reason tries to write to a terminal',
      { paused: { ...order, reason: '\u001b[31m' } },
      'r',
      { kind: 'held', reason: 'task t is paused: \\u001b[31m' },
    ],
  ])('%s', (_what, control, run, expected) => {
    expect(standingOf(control, { task: 't', run })).toMatchObject(expected);
  });
});

describe('holdDelaySeconds', () => {
  it.each([
    [0, 0, 15],
    [30, 0, 15],
    [60, 0, 30],
    [600, 0, 300],
    [1800, 0, 900],
    [30 * 24 * 3600, 0, 900],
    [600, 0.999, 150],
  ])('after %i seconds, with the random number %d, it is %i seconds', (age, random, expected) => {
    expect(holdDelaySeconds(1000, 1000 + age * 1000, random)).toBe(expected);
  });

  it('is one that SQS takes, whatever the clocks say', () => {
    const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(time, time, random, (since, now, chance) => {
        const delay = holdDelaySeconds(since, now, chance);
        return Number.isInteger(delay) && delay >= 1 && delay <= 900;
      }),
    );
  });
});
