import { Fault } from '../shared/model/faults.ts';
import type { RunRecord } from '../shared/model/ledger-entry.ts';
import { summaryOf, type RunEndEvent } from '../shared/model/run-summary.ts';
import type { SlowCopy } from '../shared/model/run-ends.ts';
import { quoted } from '../shared/model/text.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Ledger } from '../shared/ports/ledger.ts';
import type { LedgerLookup } from '../shared/ports/ledger-lookup.ts';
import type { RunCounters } from '../shared/ports/run-counters.ts';
import type { RunExecutions } from '../shared/ports/runs.ts';
import { isUnderWay } from '../shared/run/admission.ts';
import { checkTask } from './known-task.ts';

/** What the command about runs needs. */
export interface RunsContext {
  readonly ledger: Pick<Ledger, 'getRun'>;
  readonly lookup: Pick<LedgerLookup, 'latestRuns' | 'failedKeysOf'>;
  readonly counters: Pick<RunCounters, 'read'>;
  readonly executions: RunExecutions;
  readonly clock: Clock;
  /** the names of the tasks of the stack */
  readonly tasks: readonly string[];
}

/** A run as an operator sees it. Numbers that are not known are null. */
export type RunView = Pick<RunEndEvent, 'task' | 'run' | 'prefix' | 'dryRun' | 'startedAt' | 'endedAt' | 'reason'> & {
  /** STOPPED: the execution has ended without its last step, so it was stopped or timed out */
  readonly state: RunRecord['status'] | 'STOPPED';
  /** Objects that need work. A run counts them when it has ended. */
  readonly found: number | null;
  readonly archived: number | null;
  readonly unaccounted: number | null;
  /** how objects ended until now; null for a record that has no such numbers */
  readonly ends: Pick<
    RunEndEvent,
    'copied' | 'skipped' | 'deleted' | 'failed' | 'cancelled' | 'bytes' | 'routes'
  > | null;
};

/** One run, with what only it is asked for. */
export interface RunDetail extends RunView {
  readonly slowest: readonly SlowCopy[];
  /** some of the objects that failed */
  readonly failedKeys: readonly string[];
}

/** Runs of a task that are listed, and runs of each task if no task is named. */
const listedOfTask = 20;
const listedOfEach = 5;
/** Objects that failed, of a run that has not recorded any. */
const maxFailedKeys = 10;

/**
 * The latest runs, task by task, the one that started last first.
 * @param task without it, a few of each task
 * @throws Fault `UnknownTask`
 */
export async function* listRuns(context: RunsContext, task?: string): AsyncGenerator<RunView> {
  const { lookup, tasks } = context;
  if (task !== undefined) checkTask(tasks, task);
  for (const one of task === undefined ? tasks : [task]) {
    const records = await lookup.latestRuns(one, task === undefined ? listedOfEach : listedOfTask);
    for (const record of records) yield (await look(context, record)).view;
  }
}

/**
 * One run in detail.
 * @param task without it, the run is looked for in every task
 * @throws Fault `UnknownTask`; `InvalidInput` if no such run is recorded
 */
export async function showRun(context: RunsContext, run: string, task?: string): Promise<RunDetail> {
  const { ledger, lookup, counters, tasks } = context;
  if (task !== undefined) checkTask(tasks, task);
  const found = await recordOf(ledger, run, task === undefined ? tasks : [task]);
  if (!found) {
    const expected = `the name of a recorded run${task === undefined ? '' : ` of task ${task}`}`;
    throw new Fault('InvalidInput', `--run: found ${quoted(run)}, expected ${expected}`);
  }
  const { view, record } = await look(context, found);
  if (view.endedAt !== undefined) {
    return { ...view, slowest: record.slowest ?? [], failedKeys: record.failedKeys ?? [] };
  }
  const { slowest } = await counters.read(record.task, run);
  return { ...view, slowest, failedKeys: await lookup.failedKeysOf(record.task, run, maxFailedKeys) };
}

async function recordOf(
  ledger: RunsContext['ledger'],
  run: string,
  tasks: readonly string[],
): Promise<RunRecord | undefined> {
  for (const task of tasks) {
    const record = await ledger.getRun(task, run);
    if (record) return record;
  }
  return undefined;
}

/** The run as it stands now: one whose record says RUNNING may have ended since, or without another record. */
async function look(context: RunsContext, read: RunRecord): Promise<{ view: RunView; record: RunRecord }> {
  const { ledger, counters } = context;
  const { task, run, startedAt } = read;
  if (read.status !== 'RUNNING') return { view: viewOf(read, read.status), record: read };
  const underWay = await isUnderWay(context, { run, admittedAt: Date.parse(startedAt) });
  const record = underWay ? read : ((await ledger.getRun(task, run)) ?? read);
  if (record.status !== 'RUNNING') return { view: viewOf(record, record.status), record };
  const { ends } = await counters.read(task, run);
  return { view: viewOf({ ...record, ends }, underWay ? 'RUNNING' : 'STOPPED'), record };
}

function viewOf(record: RunRecord, state: RunView['state']): RunView {
  const { found, archived, unaccounted, status: _recorded, ...summary } = summaryOf(record);
  const { copied, skipped, deleted, failed, cancelled, bytes, routes, ...about } = summary;
  const hasCounts = record.status !== 'RUNNING';
  const hasEnds = record.ends !== undefined;
  return {
    ...about,
    state,
    found: hasCounts ? found : null,
    archived: hasCounts ? archived : null,
    unaccounted: hasCounts && hasEnds ? unaccounted : null,
    ends: hasEnds ? { copied, skipped, deleted, failed, cancelled, bytes, routes } : null,
  };
}
