import * as v from 'valibot';
import { Fault } from '../model/faults.ts';
import { keySchema } from '../model/job.ts';
import { maxSegmentProbes, maxSegments } from '../model/limits.ts';
import { parseWith } from '../model/parse.ts';
import type { PlanSyncInput, SyncInput, SyncPlan } from '../model/payloads.ts';
import type { Task } from '../model/task.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { compareKeys } from './order.ts';
import { cutSegments, type Probe } from './segments.ts';

const syncInputSchema = v.strictObject({
  task: v.pipe(v.string(), v.minLength(1)),
  prefix: v.exactOptional(v.union([v.literal(''), keySchema])),
  dryRun: v.exactOptional(v.boolean()),
});

/** The input of a run. EventBridge and people write it. @throws Fault `InvalidInput` naming each wrong field */
export function parseSyncInput(input: unknown): SyncInput {
  return parseWith(syncInputSchema, input, 'input of the sync machine');
}

/**
 * Plans a run: checks that both buckets are there, and cuts the source's key space into segments.
 * @throws Fault `InvalidInput` for a prefix outside the task's, `BucketNotFound`, `AccessDenied`
 */
export async function planRun(
  stores: { readonly source: ObjectStore; readonly destination: ObjectStore },
  task: Task,
  input: SyncInput,
  { run, startedAt }: Pick<PlanSyncInput, 'run' | 'startedAt'>,
): Promise<SyncPlan> {
  const prefix = input.prefix ?? task.source.prefix;
  if (!prefix.startsWith(task.source.prefix)) {
    throw new Fault(
      'InvalidInput',
      `input of the sync machine is not valid:\n  prefix: found ${JSON.stringify(prefix)}, expected one that begins with ` +
        `the task's own source prefix ${JSON.stringify(task.source.prefix)}`,
    );
  }
  await Promise.all([named('source', task, stores.source), named('destination', task, stores.destination)]);
  const { probe, isSorted } = probeOf(stores.source, prefix);
  const cut = await cutSegments(probe, { maxSegments, maxProbes: maxSegmentProbes });
  // What "after" a key means is another thing in a store with another order: its listing stays in one piece.
  const segments = isSorted() ? cut : [{}];
  return { task: task.name, run, startedAt, dryRun: input.dryRun ?? false, prefix, segments };
}

/** Checks a side's bucket; its fault says which field of the task is meant. */
async function named(side: 'source' | 'destination', task: Task, store: ObjectStore): Promise<void> {
  try {
    await store.checkBucket();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.name, `task ${task.name}, ${side}.bucket: ${error.message}`, { cause: error });
  }
}

/** One listing page of the source, keys relative to the prefix; nothing more once it shows another order. */
function probeOf(store: ObjectStore, prefix: string): { probe: Probe; isSorted: () => boolean } {
  let sorted = true;
  const probe: Probe = async (after) => {
    if (!sorted) return { first: [], more: false };
    const pages = store.list({ prefix, ...(after !== undefined && { after: prefix + after }) });
    for await (const page of pages) {
      const first = page.map((object) => object.key.slice(prefix.length));
      sorted = first.every((key, index) => {
        const before = index === 0 ? after : first[index - 1];
        return before === undefined || compareKeys(before, key) < 0;
      });
      return sorted ? { first, more: page.length >= fullPage } : { first: [], more: false };
    }
    return { first: [], more: false };
  };
  return { probe, isSorted: () => sorted };
}

/** S3 lists 1,000 keys a page; a page that is not full is the last. */
const fullPage = 1000;
