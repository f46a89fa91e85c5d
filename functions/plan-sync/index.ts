import type { PlanSyncInput, SyncPlan } from '../../shared/model/messages/payloads.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { parseSyncInput, planRun } from '../../shared/find/plan-run.ts';
import { readEnvironment } from '../environment.ts';
import { logger } from '../../shared/observing/tally.ts';
import { TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);

/** The first step of the SYNC machine: checks input, buckets and permissions, and cuts the keys into segments. */
export const handler = async (event: PlanSyncInput, invocation: Invocation): Promise<SyncPlan> => {
  const input = parseSyncInput(event.input);
  const { task, source, destination } = await wiring.partContext(input.task, invocation, noProgress);
  const principal = (side: 'source' | 'destination'): Promise<string> => wiring.principal(task[side]);
  const plan = await planRun({ source, destination, principal }, task, input, event);
  logger.info('run planned', { task: task.name, run: event.run, segments: plan.segments.length, dryRun: plan.dryRun });
  return plan;
};
