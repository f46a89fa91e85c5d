import * as v from 'valibot';
import type { DeleteGuard } from '../model/delete-guard.ts';
import { Fault } from '../model/faults.ts';
import { keyTextSchema } from '../model/object-key.ts';
import { maxSegmentProbes, maxSegments } from '../model/limits.ts';
import { parseWith } from '../model/parse.ts';
import type { PlanSyncInput, Segment, SyncInput, SyncPlan } from '../model/messages/payloads.ts';
import type { Task } from '../model/config/task.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { checkAccess, type AccessStores } from './check-access.ts';
import { isDryRun } from './finish-run.ts';
import { compareKeys } from './order.ts';
import { readPrefixes } from './prefixes.ts';
import { cutKeys, highest, segmentsBetween, type Probe } from './segments.ts';

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
 * Plans a run: checks that both buckets exist and that objects may be read and written, and cuts the source's key space
 * into segments. There are none if the run is only to check.
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
  const checkOnly = input.checkOnly ?? false;
  const segments = checkOnly ? [] : await cut(stores.source, prefix, prefixes);
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

/**
 * Cuts the prefixes into segments. A few prefixes are each cut by their keys; many are only cut between each other.
 * @param prefixes in order, relative to `base`
 */
async function cut(source: ObjectStore, base: string, prefixes: readonly string[]): Promise<Segment[]> {
  const each = Math.floor(maxSegments / prefixes.length);
  if (each < 2) {
    const step = Math.ceil(prefixes.length / maxSegments);
    const ends = prefixes.filter((_prefix, index) => index % step === step - 1 && index < prefixes.length - 1);
    return segmentsBetween(ends.map((prefix) => prefix + highest));
  }
  const limits = { maxSegments: each, maxProbes: Math.floor(maxSegmentProbes / prefixes.length) };
  const cuts: string[] = [];
  for (const [index, prefix] of prefixes.entries()) {
    const { probe, isSorted } = probeOf(source, base + prefix);
    const keys = await cutKeys(probe, limits);
    // In a store with another order, "after a key" has another meaning, so its listing stays in one piece.
    if (!isSorted()) return [{}];
    cuts.push(...keys.map((key) => prefix + key));
    if (index < prefixes.length - 1) cuts.push(prefix + highest);
  }
  return segmentsBetween(cuts);
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

/** Lists one page of the source, with keys relative to the prefix; nothing once a page was not in order. */
function probeOf(store: ObjectStore, prefix: string): { probe: Probe; isSorted: () => boolean } {
  let sorted = true;
  const probe: Probe = async (after) => {
    if (!sorted) return { first: [], more: false };
    const { objects, more } = await store.firstPage({
      prefix,
      ...(after !== undefined && { after: prefix + after }),
    });
    const first = objects.map((object) => object.key.slice(prefix.length));
    sorted = first.every((key, index) => {
      const before = index === 0 ? after : first[index - 1];
      return before === undefined || compareKeys(before, key) < 0;
    });
    return sorted ? { first, more } : { first: [], more: false };
  };
  return { probe, isSorted: () => sorted };
}
