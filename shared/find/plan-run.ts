import * as v from 'valibot';
import type { DeleteGuard } from '../model/delete-guard.ts';
import { Fault } from '../model/faults.ts';
import { keyTextSchema } from '../model/object-key.ts';
import { parseWith } from '../model/parse.ts';
import type { PlanSyncInput, SyncInput, SyncPlan } from '../model/messages/payloads.ts';
import type { Task } from '../model/config/task.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { checkAccess, type AccessStores } from './check-access.ts';
import { isDryRun } from './finish-run.ts';
import { readPrefixes } from './prefixes.ts';

const syncInputSchema = v.strictObject({
  task: v.pipe(v.string(), v.minLength(1)),
  prefix: v.exactOptional(v.union([v.literal(''), keyTextSchema])),
  dryRun: v.exactOptional(v.boolean()),
  allowDeletes: v.exactOptional(v.boolean()),
  checkOnly: v.exactOptional(v.boolean()),
});

/**
 * Parses the input of a run, which EventBridge or a person wrote. @throws Fault `InvalidInput` naming each wrong field
 */
export function parseSyncInput(input: unknown): SyncInput {
  return parseWith(syncInputSchema, input, 'input of the sync machine');
}

/**
 * Plans a run: checks that both buckets exist and that objects may be read and written. The plan has one segment with
 * all keys, which cut-ranges cuts; or none if the run is only to check.
 * @throws Fault `InvalidInput` for a prefix outside the task's or an invalid prefix list, `BucketNotFound`,
 *   `AccessDenied`
 */
export async function planRun(
  stores: AccessStores,
  task: Task,
  input: SyncInput,
  { run, startedAt }: Pick<PlanSyncInput, 'run' | 'startedAt'>,
): Promise<SyncPlan> {
  const prefix = input.prefix ?? task.source.prefix;
  if (!prefix.startsWith(task.source.prefix)) {
    throw new Fault(
      'InvalidInput',
      `input of the sync machine is not valid:\n  prefix: found ${JSON.stringify(prefix)}, ` +
        `expected one that begins with the task's own source prefix ${JSON.stringify(task.source.prefix)}`,
    );
  }
  await Promise.all([checkSide('source', task, stores.source), checkSide('destination', task, stores.destination)]);
  const { prefixes, list } = await readPrefixes(stores.source, task, prefix);
  const whole = prefixes.map((more) => prefix + more);
  await checkAccess(stores, task, whole);
  const segments = input.checkOnly === true ? [] : [{}];
  const { maxDeletes, allowEmptySource } = task;
  const guard: DeleteGuard = {
    ...(maxDeletes !== undefined && { maxDeletes }),
    ...(allowEmptySource !== undefined && { allowEmptySource }),
    ...(input.allowDeletes !== undefined && { allowDeletes: input.allowDeletes }),
  };
  return {
    task: task.name,
    run,
    startedAt,
    dryRun: isDryRun(input),
    prefix,
    prefixList: list,
    segments,
    ...(Object.keys(guard).length > 0 && { guard }),
  };
}

/** Checks a side's bucket. The fault names the field of the task. */
async function checkSide(side: 'source' | 'destination', task: Task, store: ObjectStore): Promise<void> {
  try {
    await store.checkBucket();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.name, `task ${task.name}, ${side}.bucket: ${error.message}`, { cause: error });
  }
}
