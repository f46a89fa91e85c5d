import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { secondsUntilOpen, weekdays, type Window } from '../../../../shared/model/config/windows.ts';

const at = (text: string): number => Date.parse(text);
const nights: Window = { from: '22:00', to: '06:00', zone: 'Europe/Berlin' };
const weekend: Window = { days: ['sat', 'sun'], from: '00:00', to: '24:00', zone: 'UTC' };
const friday: Window = { days: ['fri'], from: '22:00', to: '06:00', zone: 'Asia/Shanghai' };
const early: Window = { from: '02:00', to: '03:00', zone: 'Europe/Berlin' };

describe('secondsUntilOpen', () => {
  it.each<[string, Window, string, number]>([
    ['in a winter night', nights, '2026-01-15T21:00:00Z', 0],
    ['just before a winter night', nights, '2026-01-15T20:59:59Z', 1],
    ['in a summer night', nights, '2026-07-15T20:00:00Z', 0],
    ['just before a summer night', nights, '2026-07-15T19:59:00Z', 60],
    ['at the end of a night', nights, '2026-01-15T04:59:59Z', 0],
    ['after a night', nights, '2026-01-15T05:00:00Z', 16 * 3600],
    ['on a Saturday', weekend, '2026-01-17T00:00:00Z', 0],
    ['at the last second of a Sunday', weekend, '2026-01-18T23:59:59Z', 0],
    ['on a Monday', weekend, '2026-01-19T00:00:00Z', 5 * 24 * 3600],
    ['on the day after it opened', friday, '2026-01-16T21:59:59Z', 0],
    ['when that has ended', friday, '2026-01-16T22:00:00Z', 7 * 24 * 3600 - 8 * 3600],
    ['on the evening before', friday, '2026-01-15T14:00:00Z', 24 * 3600],
    ['before an hour that the clocks skip', early, '2026-03-29T00:59:59Z', 1],
    ['after an hour that the clocks skipped', early, '2026-03-29T01:00:00Z', 23 * 3600],
    ['in an hour that comes twice, first', early, '2026-10-25T00:30:00Z', 0],
    ['in an hour that comes twice, second', early, '2026-10-25T01:30:00Z', 0],
  ])('%s', (_what, window, now, seconds) => {
    expect(secondsUntilOpen([window], at(now))).toBe(seconds);
  });

  it('is that of the window that opens first', () => {
    expect(secondsUntilOpen([weekend, nights], at('2026-01-19T20:59:00Z'))).toBe(60);
    expect(secondsUntilOpen([weekend, nights], at('2026-01-18T12:00:00Z'))).toBe(0);
  });

  it('leads to an open window, and every window that is accepted opens every week', () => {
    const time = fc
      .integer({ min: 0, max: 24 * 60 - 1 })
      .map((all) => `${String(Math.floor(all / 60)).padStart(2, '0')}:${String(all % 60).padStart(2, '0')}`);
    const zone = fc.constantFrom('UTC', 'Asia/Kolkata', 'Asia/Shanghai', 'Pacific/Chatham');
    const days = fc.subarray([...weekdays], { minLength: 1 });
    const now = fc.integer({ min: at('2026-05-01T00:00:00Z'), max: at('2026-08-01T00:00:00Z') });
    fc.assert(
      fc.property(time, time, zone, days, now, (from, to, where, on, when) => {
        fc.pre(from !== to);
        const windows = [{ days: on, from, to, zone: where }];
        const seconds = secondsUntilOpen(windows, when);
        expect(seconds).toBeGreaterThanOrEqual(0);
        expect(seconds).toBeLessThanOrEqual(7 * 24 * 3600);
        // No clock is changed in these zones in these months.
        expect(secondsUntilOpen(windows, when + seconds * 1000)).toBe(0);
      }),
    );
  });
});

describe('the windows of a task', () => {
  const parse = (windows: unknown) => () =>
    parseTask(
      JSON.stringify({ name: 't', source: { bucket: 'source' }, destination: { bucket: 'destination' }, windows }),
      'task t',
    );

  it.each<[string, unknown, string]>([
    ['no window', [], 'windows: expected at least one window: without any, nothing would ever be done'],
    ['no day', [{ ...nights, days: [] }], 'windows.0.days: expected at least one day: this window never opens'],
    ['no time', [{ ...nights, to: '22:00' }], 'windows.0: expected two different times: this window never opens'],
    ['a time that is none', [{ ...nights, to: '25:00' }], 'windows.0.to: expected a time from "00:00" to "24:00"'],
    ['a day that begins at its end', [{ ...nights, from: '24:00' }], 'windows.0: expected a time of the day before'],
    ['an unknown zone', [{ ...nights, zone: 'Europe/Berln' }], 'windows.0.zone: expected the name of a time zone'],
    ['no zone', [{ from: '01:00', to: '02:00' }], 'windows.0.zone: is missing'],
    ['an unknown day', [{ ...nights, days: ['Sunday'] }], 'windows.0.days.0: found "Sunday"'],
  ])('are refused with %s', (_what, windows, message) => {
    expect(parse(windows)).toThrow(message);
  });

  it('are accepted over midnight, for whole days, and more than one', () => {
    expect(parse([nights, weekend, friday])().windows).toEqual([nights, weekend, friday]);
  });
});
