import { describe, expect, test } from '@jest/globals';
import { beatOf, longestHold, wayBack, type Beat } from '../../worker/beat.ts';
import { isProcessHealth, silence, silentOnes } from '../../worker/health.ts';

const limits = { visibility: 300, jobTimeout: 3600, maxHold: 39_600 };
const hour = 3_600_000;

describe('a heartbeat', () => {
  test.each<{ what: string; progressAt: number; now: number; beat: Beat }>([
    { what: 'hides the message again', progressAt: 0, now: 100_000, beat: { kind: 'extend', seconds: 300 } },
    { what: 'waits for a slow part', progressAt: 0, now: hour, beat: { kind: 'extend', seconds: 300 } },
    { what: 'gives up a job without progress', progressAt: 0, now: hour + 1, beat: { kind: 'stuck' } },
    { what: 'goes on for hours', progressAt: 5 * hour, now: 5.5 * hour, beat: { kind: 'extend', seconds: 300 } },
    {
      what: 'asks for no more than SQS allows',
      progressAt: 12 * hour - 100_000,
      now: 12 * hour - 100_000,
      beat: { kind: 'extend', seconds: 100 },
    },
    {
      what: 'asks for nothing after twelve hours',
      progressAt: 12 * hour,
      now: longestHold * 1000,
      beat: { kind: 'none' },
    },
  ])('$what', ({ progressAt, now, beat }) => {
    expect(beatOf({ receivedAt: 0, progressAt }, limits, now)).toEqual(beat);
  });
});

test.each([
  { receives: 1, held: false, way: 'visible again' },
  { receives: 4, held: false, way: 'visible again' },
  // The queue would bury it at the next delivery, although nothing failed.
  { receives: 5, held: false, way: 'new message' },
  { receives: 1, held: true, way: 'new message' },
])('a message of delivery $receives, held $held, goes back as: $way', ({ receives, held, way }) => {
  expect(wayBack({ receives, held }, 5)).toBe(way);
});

test('a process that has been silent for a minute hangs', () => {
  const heard = new Map([
    [1, 0],
    [2, 1],
  ]);
  expect(silentOnes(heard, silence)).toEqual([]);
  expect(silentOnes(heard, silence + 1)).toEqual([1]);
  expect(silentOnes(heard, silence + 2)).toEqual([1, 2]);
});

test('health is told from other messages', () => {
  expect(isProcessHealth({ pid: 1, state: 'working', jobs: 0, receivedAt: null })).toBe(true);
  for (const other of [undefined, null, 'text', { pid: 1 }]) expect(isProcessHealth(other)).toBe(false);
});
