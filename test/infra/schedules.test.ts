import { expect, it } from '@jest/globals';
import { rulesOf } from '../../infra/schedules.ts';
import { taskOf } from '../support/tasks.ts';

it('a task that is not enabled has no rule, and one with windows has: its runs see whether one is open', () => {
  const schedule = 'rate(1 hour)';
  const windows = [{ from: '22:00', to: '06:00', zone: 'UTC' }];
  const tasks = [
    taskOf({ name: 'off', schedule, enabled: false }),
    taskOf({ name: 'on', schedule, enabled: true }),
    taskOf({ name: 'nights', schedule, windows }),
  ];
  expect(rulesOf(tasks).map(({ tasks: names }) => names)).toEqual([['on'], ['nights']]);
});
