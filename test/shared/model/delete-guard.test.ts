import { describe, expect, it } from '@jest/globals';
import { allowedDeletes, parseShare, refusedDeletes, type DeleteGuard } from '../../../shared/model/delete-guard.ts';
import { noCounts } from '../../../shared/model/run-counts.ts';

interface Row {
  readonly listed: number;
  readonly there: number;
  readonly deletes: number;
  readonly last?: number;
  readonly guard?: DeleteGuard;
}

function refusal({ listed, there, deletes, last, guard = {} }: Row): string | undefined {
  const counts = { ...noCounts, listed, listedAtDestination: there, deletes };
  return refusedDeletes({ task: 't', counts, lastListed: last, examples: ['a', 'b', 'c', 'd'] }, guard);
}

describe('refusedDeletes', () => {
  it.each<[string, Row]>([
    ['no deletes, whatever is listed', { listed: 0, there: 0, deletes: 0, guard: { maxDeletes: 0 } }],
    ['few deletes', { listed: 90, there: 100, deletes: 10 }],
    ['1,000 deletes of a small destination', { listed: 1000, there: 2000, deletes: 1000 }],
    ['a tenth of a large destination', { listed: 90_000, there: 100_000, deletes: 10_000 }],
    ['half of what the last run listed', { listed: 50, there: 100, deletes: 50, last: 100 }],
    ['a destination with many others, if the source is as it was', { listed: 10, there: 900, deletes: 890, last: 10 }],
    ['an empty source that the task allows', { listed: 0, there: 5, deletes: 5, guard: { allowEmptySource: true } }],
    ['as many as the task allows', { listed: 90, there: 100, deletes: 10, guard: { maxDeletes: 10 } }],
    ['the share that the task allows', { listed: 93, there: 100, deletes: 7, guard: { maxDeletes: '7%' } }],
    ['everything, if the run allows deletes', { listed: 0, there: 9e6, deletes: 9e6, guard: { allowDeletes: true } }],
  ])('allows %s', (_name, row) => {
    expect(refusal(row)).toBeUndefined();
  });

  it.each<[string, Row, RegExp]>([
    ['an empty source', { listed: 0, there: 5, deletes: 5 }, /5 of 5 .* lists no object .*"allowEmptySource": true/],
    ['an empty source that was empty before', { listed: 0, there: 1, deletes: 1, last: 0 }, /lists no object/],
    [
      'less than half of what the last run listed',
      { listed: 49, there: 100, deletes: 51, last: 100 },
      /lists 49 objects, less than half of the 100 that the last run that was done found/,
    ],
    [
      'a first run whose source lists less than half of the destination',
      { listed: 1, there: 3, deletes: 3 },
      /less than half of the 3 that the destination lists/,
    ],
    ['over 1,000 and over a tenth', { listed: 1000, there: 2001, deletes: 1001 }, /1001 of 2001 .* allows 1000/],
    ['over a tenth of a large destination', { listed: 9e4, there: 1e5, deletes: 10_001 }, /allows 10000/],
    ['one, where the task allows none', { listed: 9, there: 10, deletes: 1, guard: { maxDeletes: 0 } }, /allows 0/],
    ['over the share of the task', { listed: 90, there: 100, deletes: 10, guard: { maxDeletes: '9.9%' } }, /9\.9%/],
    [
      'over the limit although the source may be empty',
      { listed: 0, there: 5, deletes: 5, guard: { allowEmptySource: true, maxDeletes: 4 } },
      /maxDeletes \(4\) allows 4/,
    ],
  ])('refuses %s, with numbers, examples and the way out', (_name, row, message) => {
    expect(refusal(row)).toMatch(message);
    expect(refusal(row)).toMatch(/^task t: .*, such as "a", "b", "c", but .*No delete was sent.*"allowDeletes": true$/);
    expect(refusal(row)!.length).toBeLessThan(900);
  });
});

it.each([
  [undefined, 0, 1000],
  [undefined, 50_000, 5000],
  [3, 100, 3],
  ['10%', 99, 9],
  ['0%', 1e9, 0],
  ['100%', 7, 7],
])('maxDeletes %p allows, of %i objects, %i', (maxDeletes, listed, allowed) => {
  expect(allowedDeletes(maxDeletes, listed)).toBe(allowed);
});

it.each(['', '10', '%', '-1%', '101%', '1e1%', 'ten%', '10%%'])('%j is no share', (text) => {
  expect(parseShare(text)).toBeUndefined();
});
