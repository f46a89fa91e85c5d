import { DynamoActiveRuns } from '../../shared/aws/dynamodb/active-runs.ts';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { createMachineClient, createTableClient } from '../../shared/aws/service-clients.ts';
import { SfnRunExecutions } from '../../shared/aws/sync-executions.ts';
import type { Task } from '../../shared/model/config/task.ts';
import type { PlanSyncInput, SupersededRun, SyncInput, SyncPlan } from '../../shared/model/messages/payloads.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { standingByHours } from '../../shared/run/hours.ts';
import { parseSyncInput, planRun } from '../../shared/find/plan-run.ts';
import { beginRun } from '../../shared/run/begin-run.ts';
import { readEnvironment } from '../environment.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const table = createTableClient();
const machines = createMachineClient();
const active = new DynamoActiveRuns(table, environment.LEDGER_TABLE);
const ledger = new DynamoLedger(table, environment.LEDGER_TABLE);

/**
 * The first step of the SYNC machine: admits the run, checks input, buckets and permissions, and cuts the keys into
 * segments.
 */
export const handler = async (event: PlanSyncInput, invocation: Invocation): Promise<SyncPlan | SupersededRun> => {
  const input = parseSyncInput(event.input);
  const { task, source, destination } = await wiring.partContext(input.task, invocation, noProgress);
  const superseded = outsideHours(task, input) ?? (await begin(event, task, input));
  if (superseded) return superseded;
  const principal = (side: 'source' | 'destination'): Promise<string> => wiring.principal(task[side]);
  const plan = await planRun({ source, destination, principal }, task, input, event);
  logger.info('run planned', { task: task.name, run: event.run, segments: plan.segments.length, dryRun: plan.dryRun });
  return plan;
};

/** A run that sends something does not begin while its task may not work. */
function outsideHours(task: Task, { dryRun, checkOnly }: SyncInput): SupersededRun | undefined {
  const standing = standingByHours(task, systemClock.now());
  if (standing.kind !== 'held' || dryRun === true || checkOnly === true) return undefined;
  const { reason } = standing;
  logger.info('run not begun', { task: task.name, reason });
  return { superseded: { task: task.name, by: '', reason } };
}

async function begin(event: PlanSyncInput, task: Task, input: SyncInput): Promise<SupersededRun | undefined> {
  if (event.execution === undefined) return undefined;
  const executions = new SfnRunExecutions(machines, event.execution);
  const superseded = await beginRun({ active, executions, ledger, clock: systemClock }, task, input, event);
  if (!superseded) return undefined;
  const tally = new Tally();
  tally.add(task.name, 'RunsSuperseded', 1);
  tally.publish();
  logger.info('run superseded', { task: task.name, run: event.run, by: superseded.superseded.by });
  return superseded;
}
