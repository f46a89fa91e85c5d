import { describe, expect, it } from '@jest/globals';
import { scheduleFault } from '../../../../shared/model/config/schedule.ts';

describe('scheduleFault', () => {
  it.each([
    'rate(1 minute)',
    'rate(2 minutes)',
    'rate(1 hour)',
    'rate(24 hours)',
    'rate(1 day)',
    'rate(7 days)',
    'cron(0 12 * * ? *)',
    'cron(15 10 ? * 6L 2026-2030)',
    'cron(0/15 * * * ? *)',
    'cron(*/5 8-17 ? * MON-FRI *)',
    'cron(0 8 1,15 jan,JUL ? 2027)',
    'cron(0 0 L * ? *)',
    'cron(0 0 LW * ? *)',
    'cron(0 0 15W * ? *)',
    'cron(0 18 ? * TUE#2 *)',
    'cron(59 23 31 12 ? 2199)',
  ])('accepts %s', (text) => {
    expect(scheduleFault(text)).toBeUndefined();
  });

  it.each([
    ['', 'expected rate(...) or cron(...)'],
    ['at(2026-01-01T00:00:00)', 'expected rate(...) or cron(...)'],
    ['rate(1 hour) ', 'expected rate(...) or cron(...)'],
    ['rate(1 hours)', 'expected rate(1 hour), the unit in the singular'],
    ['rate(5 minute)', 'expected rate(5 minutes), the unit in the plural'],
    ['rate(0 minutes)', 'expected rate(N minutes), rate(N hours) or rate(N days), N from 1'],
    ['rate(1.5 hours)', 'N from 1'],
    ['rate(-1 hours)', 'N from 1'],
    ['rate(30 seconds)', 'expected rate(N minutes)'],
    ['rate(5minutes)', 'expected rate(N minutes)'],
    ['cron(0\t12 * * ? *)', 'six fields'],
    ['cron(0 12\n* * ? *)', 'six fields'],
    ['cron(0 12\u00a0* * ? *)', 'six fields'],
    ['cron()', 'six fields, minutes hours day-of-month month day-of-week year; found 0'],
    ['cron(0 12 * * ?)', 'found 5'],
    ['cron(0 0 12 * * ? *)', 'found 7'],
    ['cron(60 12 * * ? *)', 'expected 0 to 59 for minutes, found "60"'],
    ['cron(0 24 * * ? *)', 'expected 0 to 23 for hours, found "24"'],
    ['cron(0 0 0 * ? *)', 'expected 1 to 31 for day of month, found "0"'],
    ['cron(0 0 1 13 ? *)', 'expected 1 to 12 for month, found "13"'],
    ['cron(0 0 ? * 0 *)', 'expected 1 to 7 for day of week, found "0"'],
    ['cron(0 0 ? * MON-SUN *)', 'for day of week, found "MON-SUN"'],
    ['cron(0 0 ? * TUE#6 *)', 'for day of week, found "TUE#6"'],
    ['cron(0 0 1 * ? 1969)', 'expected 1970 to 2199 for year, found "1969"'],
    ['cron(1,,2 0 1 * ? *)', 'for minutes, found ""'],
    ['cron(5-1 0 1 * ? *)', 'for minutes, found "5-1"'],
    ['cron(*/0 0 1 * ? *)', 'for minutes, found "*/0"'],
    ['cron(? 0 1 * ? *)', 'for minutes, found "?"'],
    ['cron(L 0 1 * ? *)', 'for minutes, found "L"'],
    ['cron(0 0 * * * *)', 'expected "?" in exactly one of day of month and day of week'],
    ['cron(0 0 ? * ? *)', 'expected "?" in exactly one of day of month and day of week'],
  ])('rejects %s: %s', (text, expected) => {
    expect(scheduleFault(text)).toContain(expected);
  });
});
