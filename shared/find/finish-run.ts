import { unknownTask } from '../model/job.ts';
import { maxKeyBytes } from '../model/limits.ts';
import type { RunRecord } from '../model/ledger-entry.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import { causeText, type Drain, type FinishRunInput } from '../model/messages/payloads.ts';
import { endedOf } from '../model/run-ends.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { LedgerLookup } from '../ports/ledger-lookup.ts';
import type { RunCounters } from '../ports/run-counters.ts';
import { free, type Belonging, type Standing } from '../run/standing.ts';

/** Copies that a run counts as incomplete, at most: some hundred queries of a second or two in all. */
const maxCountedIncomplete = 100_000;
/** Objects that failed, and slow copies, that a record names. */
const maxNamed = 10;

export interface FinishContext {
  readonly ledger: Ledger;
  readonly lookup: Pick<LedgerLookup, 'lossyCopies' | 'failedKeysOf'>;
  /** has the slowest copies; without it, none are named */
  readonly counters?: Pick<RunCounters, 'read'>;
  readonly clock: Clock;
  /** Was the run cancelled? Without it, it was not. Never throws. */
  standing?(run: Belonging): Promise<Standing>;
}

/**
 * Records how a run ended. A run that failed before its task was read is recorded under the name in its input. A dry
 * run whose deletes would be refused says so as its reason.
 * @returns the record that was written
 */
export async function finishRun(context: FinishContext, finished: FinishRunInput): Promise<RunRecord> {
  const { ledger, lookup, clock } = context;
  const { input, run, startedAt, results, deleted, refusal, error, drain } = finished;
  const prefix = prefixOf(input);
  const dryRun = isDryRun(input);
  const task = field(input, 'task', 100) ?? unknownTask;
  const ordered = (await context.standing?.({ task, run })) ?? free;
  const isCancelled = error === undefined && ordered.kind === 'cancelled';
  const reason = error ? `${error.Error}: ${causeText(error.Cause)}` : isCancelled ? ordered.reason : (refusal ?? '');
  const incomplete = error ? 0 : await countIncomplete(lookup, task);
  const record: RunRecord = {
    task,
    run,
    ...(prefix !== undefined && { prefix }),
    status: error ? 'FAILED' : isCancelled ? 'CANCELLED' : 'DONE',
    dryRun,
    counts: { ...countsOf(results ?? [], dryRun ? undefined : deleted), ...(incomplete > 0 && { incomplete }) },
    ...(drain && (await endsOf(context, { task, run }, drain))),
    ...(reason !== '' && { reason: reason.slice(0, 1000) }),
    startedAt,
    endedAt: clock.now(),
    updatedAt: clock.now(),
  };
  await ledger.putRun(record);
  return record;
}

/** How the jobs of the run ended, with the slowest copies and some of the objects that failed. */
async function endsOf(
  { lookup, counters }: FinishContext,
  { task, run }: Pick<RunRecord, 'task' | 'run'>,
  { ends }: Drain,
): Promise<Pick<RunRecord, 'ends' | 'slowest' | 'failedKeys'>> {
  const slowest = endedOf(ends) === 0 ? [] : ((await counters?.read(task, run))?.slowest ?? []);
  const failedKeys = ends.failed === 0 ? [] : await lookup.failedKeysOf(task, run, maxNamed);
  return {
    ends,
    ...(slowest.length > 0 && { slowest: slowest.slice(0, maxNamed) }),
    ...(failedKeys.length > 0 && { failedKeys }),
  };
}

/** Copies that lack something, up to {@link maxCountedIncomplete}. */
async function countIncomplete(lookup: Pick<LedgerLookup, 'lossyCopies'>, task: string): Promise<number> {
  let count = 0;
  for await (const page of lookup.lossyCopies(task)) {
    count += page.length;
    if (count >= maxCountedIncomplete) return maxCountedIncomplete;
  }
  return count;
}

type Parts = readonly { readonly counts: RunCounts }[];

/**
 * Deletes that were held back count as the second pass sent them: an object may have come back in between. A dry run
 * has no second pass.
 */
function countsOf(results: Parts, deleted: Parts | undefined): RunCounts {
  const found = sum(results);
  if (deleted === undefined) return found;
  const { jobs, deletes } = sum(deleted);
  return { ...found, jobs: found.jobs + jobs, deletes };
}

function sum(parts: Parts): RunCounts {
  return parts.map(({ counts }) => counts).reduce<RunCounts>(addCounts, noCounts);
}

/** What the run was limited to; undefined for the whole task. @param input anything that a person wrote */
export function prefixOf(input: unknown): string | undefined {
  return field(input, 'prefix', maxKeyBytes);
}

/** Does the run send nothing? One that only checks finds nothing either. @param input anything that a person wrote */
export function isDryRun(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false;
  const { dryRun, checkOnly } = input as { dryRun?: unknown; checkOnly?: unknown };
  return dryRun === true || checkOnly === true;
}

function field(input: unknown, name: string, limit: number): string | undefined {
  if (typeof input !== 'object' || input === null || !(name in input)) return undefined;
  const value = (input as Record<string, unknown>)[name];
  return typeof value === 'string' ? value.slice(0, limit) : undefined;
}
