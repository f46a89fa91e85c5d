import { describe, expect, it, test } from '@jest/globals';
import { isProcessHealth, maxSilenceMillis, silentProcesses } from '../../worker/health.ts';
import { giveBackAs, heartbeatAction, sqsMaxHoldSeconds, type HeartbeatAction } from '../../worker/heartbeat.ts';

const limits = { visibilitySeconds: 300, jobTimeoutSeconds: 3600, maxHoldSeconds: 39_600 };
const hour = 3_600_000;

describe('heartbeatAction', () => {
  it.each<{ what: string; progressAt: number; now: number; action: HeartbeatAction }>([
    { what: 'hides the message again', progressAt: 0, now: 100_000, action: { kind: 'extend', seconds: 300 } },
    { what: 'waits for a slow part', progressAt: 0, now: hour, action: { kind: 'extend', seconds: 300 } },
    { what: 'gives up a job without progress', progressAt: 0, now: hour + 1, action: { kind: 'stuck' } },
    {
      what: 'holds a job that makes progress for hours',
      progressAt: 5 * hour,
      now: 5.5 * hour,
      action: { kind: 'extend', seconds: 300 },
    },
    {
      what: 'asks for no more than SQS allows',
      progressAt: 12 * hour - 100_000,
      now: 12 * hour - 100_000,
      action: { kind: 'extend', seconds: 100 },
    },
    {
      what: 'does nothing after twelve hours',
      progressAt: 12 * hour,
      now: sqsMaxHoldSeconds * 1000,
      action: { kind: 'none' },
    },
  ])('$what', ({ progressAt, now, action }) => {
    expect(heartbeatAction({ receivedAt: 0, progressAt }, limits, now)).toEqual(action);
  });
});

describe('giveBackAs', () => {
  it.each([
    { receives: 1, wasHeldLong: false, as: 'visible again' },
    { receives: 4, wasHeldLong: false, as: 'visible again' },
    // The queue would bury it at the next delivery, although nothing failed.
    { receives: 5, wasHeldLong: false, as: 'new message' },
    { receives: 1, wasHeldLong: true, as: 'new message' },
  ])('delivery $receives, held long: $wasHeldLong: the message returns as $as', ({ receives, wasHeldLong, as }) => {
    expect(giveBackAs({ receives, wasHeldLong }, 5)).toBe(as);
  });
});

test('silentProcesses finds a process that has been silent for more than a minute', () => {
  const heard = new Map([
    [1, 0],
    [2, 1],
  ]);
  expect(silentProcesses(heard, maxSilenceMillis)).toEqual([]);
  expect(silentProcesses(heard, maxSilenceMillis + 1)).toEqual([1]);
  expect(silentProcesses(heard, maxSilenceMillis + 2)).toEqual([1, 2]);
});

test('isProcessHealth tells health from other messages', () => {
  expect(isProcessHealth({ pid: 1, state: 'working', jobs: 0, receivedAt: null })).toBe(true);
  for (const other of [undefined, null, 'text', { pid: 1 }]) expect(isProcessHealth(other)).toBe(false);
});
