import { forEachConcurrently } from '../shared/flow/concurrently.ts';
import { asFault } from '../shared/model/faults.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Runs } from '../shared/ports/runs.ts';

/** Runs that are under way at the same time. */
const runsAtOnce = 10;
const pollMillis = 2_000;
/** A refusal is retried for a few minutes, in case a policy is not visible everywhere yet; then the run has failed. */
const longestMillis = 15 * 60_000;

export interface CheckedTask {
  readonly task: string;
  /** undefined if nothing is missing */
  readonly reason?: string;
}

/**
 * Starts a run of each task that only checks, and waits for them.
 * @param checked called with each outcome, as soon as it is known
 * @returns how many tasks have something missing
 */
export async function checkTasks(
  { runs, clock }: { readonly runs: Runs; readonly clock: Clock },
  tasks: readonly string[],
  checked: (outcome: CheckedTask) => void,
): Promise<number> {
  let failed = 0;
  await forEachConcurrently(tasks, runsAtOnce, async (task) => {
    const reason = await reasonOf(runs, clock, task);
    if (reason !== undefined) failed++;
    checked({ task, ...(reason !== undefined && { reason }) });
  });
  return failed;
}

/** Why the check of a task failed, or could not be made. */
async function reasonOf(runs: Runs, clock: Clock, task: string): Promise<string | undefined> {
  try {
    const run = await runs.start({ task, checkOnly: true });
    const end = clock.now() + longestMillis;
    for (;;) {
      const { status, reason } = await runs.state(task, run);
      if (status === 'done') return undefined;
      if (status === 'failed') return reason ?? 'for a reason that is not known';
      if (clock.now() >= end) return `the run has not ended within ${longestMillis / 60_000} minutes`;
      await clock.sleep(pollMillis);
    }
  } catch (error) {
    const { name, message } = asFault(error);
    return `${name}: ${message}`;
  }
}
