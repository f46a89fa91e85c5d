import { unknownTask } from '../model/job.ts';
import type { RunRecord } from '../model/ledger-entry.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import { causeText, type FinishRunInput } from '../model/messages/payloads.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';

/**
 * Records how a run ended. A run that failed before its task was read is recorded under the name in its input.
 * @returns the record that was written
 */
export async function finishRun(
  { ledger, clock }: { ledger: Ledger; clock: Clock },
  { input, run, startedAt, results, error }: FinishRunInput,
): Promise<RunRecord> {
  const counts = (results ?? []).map((result) => result.counts).reduce<RunCounts>(addCounts, noCounts);
  const record: RunRecord = {
    task: field(input, 'task') ?? unknownTask,
    run,
    status: error ? 'FAILED' : 'DONE',
    dryRun: typeof input === 'object' && input !== null && 'dryRun' in input && input.dryRun === true,
    counts,
    ...(error && { reason: `${error.Error}: ${causeText(error.Cause)}`.slice(0, 1000) }),
    startedAt,
    updatedAt: clock.now(),
  };
  await ledger.putRun(record);
  return record;
}

function field(input: unknown, name: string): string | undefined {
  if (typeof input !== 'object' || input === null || !(name in input)) return undefined;
  const value = (input as Record<string, unknown>)[name];
  return typeof value === 'string' ? value.slice(0, 100) : undefined;
}
