import { describe, expect, it } from '@jest/globals';
import { copyShares, reservedStepCalls, sharesOf, shortage } from '../../../../shared/model/config/concurrency.ts';
import { parseConfiguration } from '../../../../shared/model/config/configuration.ts';
import { defaultStackSettings, type StackSettings } from '../../../../shared/model/config/settings.ts';

function settings(changed: object = {}): StackSettings {
  const tasks = [{ name: 'n', source: { bucket: 'bucket-a' }, destination: { bucket: 'bucket-b' } }];
  return parseConfiguration(JSON.stringify({ tasks, stack: changed }), 'file').stack;
}

describe('the budget of calls', () => {
  it('leaves some of an account with 1,000 calls to others by default', () => {
    expect(sharesOf(defaultStackSettings)).toEqual({ copies: 100, finders: 20, steps: 45, parts: 735, uploads: 735 });
  });

  it.each([
    [{ concurrency: { calls: 200 } }, { copies: 100, finders: 20, steps: 10, parts: 70, uploads: 70 }],
    [
      { copyConcurrency: 2, concurrency: { calls: 7, finders: 1 } },
      { copies: 2, finders: 1, steps: 3, parts: 1 },
    ],
    [{ concurrency: { calls: 5000 } }, { copies: 100, finders: 20, steps: 250, parts: 4630, uploads: 900 }],
    [
      { workerMode: 'ec2', concurrency: { calls: 30 } },
      { copies: 0, parts: 7 },
    ],
    // A stack that was deployed before there was a budget.
    [{ copyConcurrency: 1000 }, { copies: 1000, parts: 690 }],
    [{ concurrency: { finders: 400 } }, { copies: 100, finders: 400 }],
  ])('divides %j', (changed, shares) => {
    const found = sharesOf(settings(changed));
    expect(found).toMatchObject(shares);
    const { copies, finders, steps, parts, uploads } = found;
    const { calls } = settings(changed).concurrency;
    if (calls !== undefined) expect(copies + finders + steps + parts).toBeLessThanOrEqual(calls);
    // Each execution can have one call.
    expect(uploads).toBeLessThanOrEqual(parts);
  });

  it('is refused if it does not suffice, with what is needed', () => {
    expect(() => settings({ concurrency: { calls: 50 } })).toThrow(
      'stack.concurrency.calls: found 50, expected at least 124: 100 for copyConcurrency, 20 for finders, 3 to plan, ' +
        'check and abandon uploads, and 1 to send parts',
    );
    expect(shortage(settings({ concurrency: { calls: 124 } }))).toBeUndefined();
  });

  it.each([
    [{ calls: 0 }, 'stack.concurrency.calls: '],
    [{ calls: 1.5 }, 'stack.concurrency.calls: '],
    [{ finders: 0 }, 'stack.concurrency.finders: '],
    [{ reserved: 'yes' }, 'stack.concurrency.reserved: '],
    [{ call: 900 }, 'stack.concurrency.call: unknown option'],
  ])('is refused as %j, naming the field', (concurrency, part) => {
    expect(() => settings({ concurrency })).toThrow(part);
  });

  it('reserves calls only if it is asked to', () => {
    expect(reservedStepCalls(defaultStackSettings)).toBeUndefined();
    expect(reservedStepCalls(settings({ concurrency: { reserved: true } }))).toBe(15);
    expect(reservedStepCalls(settings({ copyConcurrency: 2, concurrency: { calls: 30, reserved: true } }))).toBe(1);
  });
});

describe('the calls of copy-objects', () => {
  it.each([
    ['runs and events', 100, { events: true, schedules: true }, { jobs: 80, events: 20 }],
    ['events alone', 100, { events: true, schedules: false }, { jobs: 20, events: 80 }],
    ['runs alone', 100, { events: false, schedules: true }, { jobs: 98, events: 2 }],
    ['runs by hand', 100, { events: false, schedules: false }, { jobs: 98, events: 2 }],
    ['a small setting', 5, { events: true, schedules: true }, { jobs: 3, events: 2 }],
    // Two are the least that a mapping has.
    ['the smallest setting', 2, { events: true, schedules: true }, { jobs: 2, events: 2 }],
  ])('are divided between jobs and events: %s', (_, calls, use, shares) => {
    expect(copyShares(calls, use)).toEqual(shares);
  });
});
