import { sweptAfterDays } from '../../shared/model/limits.ts';
import { parseTask } from '../../shared/model/config/task.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { sweepUploads } from '../../shared/transfer/upload/sweep-uploads.ts';

/**
 * Runs the sweeper as it will run when the uploads that are open now are old enough.
 * @param task as it is configured
 * @returns the uploads that it aborted, and those that it left: nothing else would ever end them
 */
export async function sweepOldUploads(
  task: object,
  destination: ObjectStore,
  ledger: Ledger,
): Promise<{ swept: number; left: number }> {
  const olderThanMillis = sweptAfterDays * 24 * 3600 * 1000;
  const { listed, aborted } = await sweepUploads({
    task: parseTask(JSON.stringify(task), 'task'),
    destination,
    ledger,
    clock: { ...systemClock, now: () => Date.now() + olderThanMillis + 60_000 },
    deadline: noDeadline,
    olderThanMillis,
  });
  return { swept: aborted, left: listed - aborted };
}
