import { describe, expect, it } from '@jest/globals';
import {
  cancel,
  maxControlledRuns,
  noControl,
  pause,
  resume,
  runControlKeptMillis,
  type Control,
  type Order,
} from '../../../shared/model/control.ts';

const order = (since = 1): Order => ({ since, reason: `since ${since}`, by: 'me' });

describe('pause, resume and cancel', () => {
  it.each<[string, Control, Control]>([
    ['a task is paused', pause(noControl, order()), { paused: order() }],
    ['the first pause stays', pause({ paused: order() }, order(2)), { paused: order() }],
    ['a task goes on', resume({ paused: order() }), {}],
    ['a task goes on that was not paused', resume(noControl), {}],
    ['a run is paused', pause(noControl, order(), 'r'), { runs: [{ run: 'r', kind: 'paused', ...order() }] }],
    ['a run goes on', resume(pause(noControl, order(), 'r'), 'r'), { runs: [] }],
    ['a run goes on that was not paused', resume(noControl, 'r'), {}],
    ['a paused run is cancelled', cancel(pause(noControl, order(), 'r'), order(2), 'r'), cancelled(2)],
    ['a run is cancelled twice', cancel(cancel(noControl, order(), 'r'), order(2), 'r'), cancelled(1)],
    ['a cancelled run does not go on', resume(cancel(noControl, order(), 'r'), 'r'), cancelled(1)],
    ['a cancelled run is not paused', pause(cancel(noControl, order(), 'r'), order(2), 'r'), cancelled(1)],
  ])('%s', (_what, changed, expected) => {
    expect(changed).toEqual(expected);
  });

  function cancelled(since: number): Control {
    return { runs: [{ run: 'r', kind: 'cancelled', ...order(since) }] };
  }

  it('forgets runs that nothing can need any more, and refuses more than an item holds', () => {
    let control = noControl;
    for (let index = 0; index < maxControlledRuns; index++) control = cancel(control, order(5), `r${index}`);
    expect(() => cancel(control, order(6), 'one more')).toThrow('no more fit');
    expect(cancel(control, order(6), 'r0')).toBe(control);
    const later = cancel(control, order(5 + runControlKeptMillis), 'new');
    expect(later.runs?.map(({ run }) => run)).toEqual(['new']);
  });
});
