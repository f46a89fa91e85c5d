import { Fault } from '../model/faults.ts';
import type { ActiveRun, ActiveRuns } from '../ports/active-runs.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunExecutions } from '../ports/runs.ts';

/**
 * This folder governs runs: which may begin (this file), and when they have ended. It decides from plain data, and
 * reaches the world through ports.
 */

/** A run that asks to begin. */
export interface RunRequest {
  readonly task: string;
  readonly run: string;
  /** the part of the source that it covers */
  readonly prefix: string;
  /** the task's `whileBusy` */
  readonly whileBusy: 'supersede' | 'run';
}

export interface AdmissionContext {
  readonly active: ActiveRuns;
  readonly executions: RunExecutions;
  readonly clock: Clock;
}

/** Attempts to change the list while other runs change it. Each failed one means that another run got on. */
const maxAttempts = 10;
/** Runs in a list. Above the first number, also those beside the request are looked at; the second is refused. */
const tidiedRuns = 20;
const maxActiveRuns = 100;
/**
 * How long an execution may be invisible after its start. DescribeExecution "is eventually consistent" (Step Functions
 * API Reference), without a time; a run that was admitted has already run its first step, so minutes are plenty.
 */
const invisibleMillis = 5 * 60_000;

/**
 * Admits a run, unless one that covers some of the same keys is under way. What counts is whether the execution of that
 * run is running, so a run that crashed or was stopped leaves nothing that has to be removed. Called again by the same
 * run, it gives the same answer.
 * @returns the run in the way; undefined if the run may begin, and is in the list of the task's runs
 * @throws Fault `TaskBusy` if the task has too many runs at once, `Unavailable` if the list keeps changing
 */
export async function admitRun(context: AdmissionContext, request: RunRequest): Promise<ActiveRun | undefined> {
  const { active, clock } = context;
  const { task, run, prefix, whileBusy } = request;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { runs, version } = await active.read(task);
    if (runs.some((one) => one.run === run)) return undefined;
    const left = await withoutEnded(context, runs, prefix);
    const rival = left.find((one) => overlap(one.prefix, prefix));
    if (rival && whileBusy === 'supersede') return rival;
    if (left.length >= maxActiveRuns) {
      throw new Fault('TaskBusy', `task ${task}: ${left.length} runs are under way, the most at once; start it later`);
    }
    if (await active.replace(task, [...left, { run, prefix, admittedAt: clock.now() }], version)) return undefined;
  }
  throw new Fault('Unavailable', `task ${task}: other runs changed the list of runs ${maxAttempts} times`);
}

/** Those of the runs that may be under way. One that covers other keys is only looked at if the list is long. */
async function withoutEnded(
  context: AdmissionContext,
  runs: readonly ActiveRun[],
  prefix: string,
): Promise<ActiveRun[]> {
  const left: ActiveRun[] = [];
  for (const one of runs) {
    const matters = overlap(one.prefix, prefix) || runs.length > tidiedRuns;
    if (!matters || (await isUnderWay(context, one))) left.push(one);
  }
  return left;
}

/** Is the execution of a run running, or may it have begun so lately that it is not visible yet? */
export async function isUnderWay(
  { executions, clock }: Pick<AdmissionContext, 'executions' | 'clock'>,
  { run, admittedAt }: Pick<ActiveRun, 'run' | 'admittedAt'>,
): Promise<boolean> {
  const existence = await executions.existence(run);
  return existence === 'running' || (existence === 'unknown' && clock.now() - admittedAt < invisibleMillis);
}

/** Does a key exist that begins with both? */
export function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** Why a run does not begin, which one is in its way, and the command that shows it. */
export function describeRival(task: string, { run, prefix, admittedAt }: ActiveRun): string {
  const since = new Date(admittedAt).toISOString();
  const what = prefix === '' ? 'the whole source' : `keys that begin with ${JSON.stringify(prefix)}`;
  const found = `execution ${run}, a run of task ${task}, is under way since ${since}, over ${what}`;
  return `${found}; to see it: npm run runs -- --task ${task}`;
}
