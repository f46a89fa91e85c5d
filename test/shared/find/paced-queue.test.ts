import { expect, it } from '@jest/globals';
import { maxQueuedJobs, PacedQueue } from '../../../shared/find/paced-queue.ts';
import type { Job } from '../../../shared/model/job.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

const job: Job = { task: 'test', key: objectKey('k'), action: 'copy' };

/** A queue that is drained at a rate, and a finder that sends as fast as it may. */
async function filled({ perSecond, seconds, finders = 1 }: { perSecond: number; seconds: number; finders?: number }) {
  let [now, waiting, most, sent, looks] = [0, 0, 0, 0, 0];
  const clock = {
    now: () => now,
    sleep: (millis: number) => {
      now += millis;
      waiting = Math.max(0, waiting - (perSecond * millis) / 1000);
      return Promise.resolve();
    },
  };
  const deadline = { remaining: () => seconds * 1000 - now };
  const queue = {
    send: (jobs: readonly Job[]) => {
      waiting += jobs.length * finders;
      sent += jobs.length;
      most = Math.max(most, waiting);
      // 5,000 a second.
      return clock.sleep(jobs.length / 5);
    },
  };
  const counted = {
    depth: () => {
      looks++;
      return Promise.resolve({ waiting, inFlight: 0, delayed: 0 });
    },
  };
  const paced = new PacedQueue({ queue, counted, clock, deadline, finders });
  const batch = Array.from({ length: 1000 }, () => job);
  while (deadline.remaining() > 0) await paced.send(batch);
  return { most, sent, waiting, looks, heldMillis: paced.heldMillis };
}

it('keeps the queue filled and not fuller than it may be', async () => {
  const { most, sent, waiting, heldMillis } = await filled({ perSecond: 1000, seconds: 1200 });
  expect(most).toBeLessThanOrEqual(maxQueuedJobs + 1000);
  expect(waiting).toBeGreaterThan(maxQueuedJobs / 2);
  expect(sent).toBeGreaterThan(1_200_000);
  expect(heldMillis).toBeGreaterThan(600_000);
});

it('does not hold back a finder that is slower than the copies, and looks rarely', async () => {
  const { heldMillis, looks } = await filled({ perSecond: 10_000, seconds: 600 });
  expect(heldMillis).toBe(0);
  expect(looks).toBeLessThan(60);
});

it('shares the room between the finders', async () => {
  const { most } = await filled({ perSecond: 1000, seconds: 600, finders: 20 });
  expect(most).toBeLessThanOrEqual(maxQueuedJobs + 20_000);
});
