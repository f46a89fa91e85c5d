import { Fault } from '../model/faults.ts';
import { noCounts } from '../model/run-counts.ts';
import type { RunRecord } from '../model/ledger-entry.ts';
import type { Task } from '../model/config/task.ts';
import type { PlanSyncInput, SupersededRun, SyncInput } from '../model/messages/payloads.ts';
import type { Ledger } from '../ports/ledger.ts';
import { admitRun, describeRival, type AdmissionContext } from './admission.ts';

/**
 * Begins a run: admits it and records it. One that sends nothing always begins: it disturbs no other.
 * @returns what the run ends with if another is under way; undefined if it may go on
 * @throws Fault `TaskBusy` if a prefix was asked for and another run is under way over some of its keys
 */
export async function beginRun(
  context: AdmissionContext & { readonly ledger: Pick<Ledger, 'putRun'> },
  task: Task,
  input: SyncInput,
  { run, startedAt }: Pick<PlanSyncInput, 'run' | 'startedAt'>,
): Promise<SupersededRun | undefined> {
  if (input.dryRun === true || input.checkOnly === true) return undefined;
  const { ledger, clock } = context;
  const prefix = input.prefix ?? task.source.prefix;
  const rival = await admitRun(context, { task: task.name, run, prefix, whileBusy: task.whileBusy });
  const record: RunRecord = {
    task: task.name,
    run,
    ...(input.prefix !== undefined && { prefix: input.prefix }),
    status: 'RUNNING',
    dryRun: false,
    counts: noCounts,
    startedAt,
    updatedAt: clock.now(),
  };
  if (!rival) {
    await ledger.putRun(record);
    return undefined;
  }
  const reason = describeRival(task.name, rival);
  // A person asked for this part of the task: the execution must not look as if the part had been done.
  if (input.prefix !== undefined) throw new Fault('TaskBusy', reason);
  await ledger.putRun({ ...record, status: 'SUPERSEDED', reason });
  return { superseded: { task: task.name, by: rival.run, reason } };
}
