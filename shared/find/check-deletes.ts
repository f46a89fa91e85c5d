import { refusedDeletes } from '../model/delete-guard.ts';
import { Fault } from '../model/faults.ts';
import type { CheckDeletesInput, CheckedDeletes } from '../model/messages/payloads.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import type { Ledger } from '../ports/ledger.ts';
import { prefixOf } from './finish-run.ts';

/**
 * Decides, once all segments are searched and before the first delete is sent, whether the run may delete what it
 * found. Each delete job is checked against the source again, but a source that is read under a wrong name has none of
 * them.
 * @returns what is left to do: the segments that have deletes, each with their number
 * @throws Fault `DeletesRefused` saying how many of how many objects would be deleted, and how to allow it
 */
export async function checkDeletes(
  { ledger }: { ledger: Pick<Ledger, 'getLastRun'> },
  { input, plan: { segments, results, guard, ...plan } }: CheckDeletesInput,
): Promise<CheckedDeletes> {
  const counts = results.map((result) => result.counts).reduce<RunCounts>(addCounts, noCounts);
  const examples = results.flatMap((result) => result.examples ?? []);
  const last = counts.deletes > 0 ? await ledger.getLastRun(plan.task, prefixOf(input)) : undefined;
  const refusal = refusedDeletes({ task: plan.task, counts, lastListed: last?.counts.listed, examples }, guard ?? {});
  if (refusal !== undefined && !plan.dryRun) throw new Fault('DeletesRefused', refusal);
  const withDeletes = segments.flatMap((segment, index) => {
    const deletes = results[index]?.counts.deletes ?? 0;
    return deletes > 0 ? [{ segment, deletes }] : [];
  });
  return { ...plan, results: [{ counts }], segments: plan.dryRun ? [] : withDeletes, refusal: refusal ?? '' };
}
