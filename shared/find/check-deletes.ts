import { refusedDeletes } from '../model/delete-guard.ts';
import { Fault } from '../model/faults.ts';
import type {
  CheckDeletesInput,
  CheckedDeletes,
  FindProgress,
  FindState,
  SearchedPlan,
} from '../model/messages/payloads.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import type { Ledger } from '../ports/ledger.ts';
import { noProgress } from './find-progress.ts';
import { prefixOf } from './finish-run.ts';

type Ports = { readonly ledger: Pick<Ledger, 'getLastRun'> };

/**
 * Decides, once all keys are searched and before the first delete is sent, whether the run may delete what it found.
 * Each delete job is checked against the source again, but a source that is read under a wrong name has none of them.
 * @returns what is left to do: the ranges that have deletes, each with their number
 * @throws Fault `DeletesRefused` saying how many of how many objects would be deleted, and how to allow it
 */
export async function checkDeletes(ports: Ports, { input, plan }: CheckDeletesInput): Promise<CheckedDeletes> {
  if (isOfSegments(plan)) return checkSegments(ports, { input, plan });
  const { progress = noProgress, guard: _guard, segments: _segments, ...kept } = plan;
  const refusal = await judged(ports, { input, plan }, progress);
  return { ...kept, ...secondPass(progress, plan.dryRun), results: [{ counts: progress.counts }], refusal };
}

/** The second pass, from the ranges in which the first one found deletes. */
function secondPass(progress: FindProgress, dryRun: boolean): Required<Pick<FindState, 'pass' | 'work' | 'progress'>> {
  const { briefRanges, unsorted } = progress;
  const cursor = { mode: 'heads', listing: 'destination' } as const;
  return {
    pass: 'deletes',
    work: dryRun
      ? []
      : progress.stretches.map(({ segment, deletes }) => ({
          ...segment,
          ...(unsorted && { cursor }),
          atMost: deletes,
        })),
    progress: { ...noProgress, briefRanges, ...(unsorted && { unsorted }) },
  };
}

function isOfSegments(plan: CheckDeletesInput['plan']): plan is SearchedPlan {
  return plan.progress === undefined;
}

/** For machines of earlier versions, which search segments that were cut once. */
async function checkSegments(
  ports: Ports,
  { input, plan }: { readonly input: unknown; readonly plan: SearchedPlan },
): Promise<CheckedDeletes> {
  const { segments, results, guard: _guard, ...kept } = plan;
  const counts = results.map((result) => result.counts).reduce<RunCounts>(addCounts, noCounts);
  const examples = results.flatMap((result) => result.examples ?? []);
  const refusal = await judged(ports, { input, plan }, { counts, examples });
  const withDeletes = segments.flatMap((segment, index) => {
    const deletes = results[index]?.counts.deletes ?? 0;
    return deletes > 0 ? [{ segment, deletes }] : [];
  });
  return { ...kept, results: [{ counts }], segments: plan.dryRun ? [] : withDeletes, refusal };
}

/** @returns why the deletes of a dry run would be refused; empty if they would not */
async function judged(
  { ledger }: Ports,
  { input, plan: { task, guard = {}, dryRun } }: CheckDeletesInput,
  { counts, examples }: Pick<FindProgress, 'counts' | 'examples'>,
): Promise<string> {
  const last = counts.deletes > 0 ? await ledger.getLastRun(task, prefixOf(input)) : undefined;
  const refusal = refusedDeletes({ task, counts, lastListed: last?.counts.listed, examples }, guard);
  if (refusal !== undefined && !dryRun) throw new Fault('DeletesRefused', refusal);
  return refusal ?? '';
}
