import { checkDeletes } from '../../shared/find/check-deletes.ts';
import { cutRanges } from '../../shared/find/cut-ranges.ts';
import { findInRange } from '../../shared/find/find-range.ts';
import type { FindContext } from '../../shared/find/find-segment.ts';
import { finishRun } from '../../shared/find/finish-run.ts';
import { parseSyncInput, planRun } from '../../shared/find/plan-run.ts';
import { asFault } from '../../shared/model/faults.ts';
import { decodeJob, type Job } from '../../shared/model/job.ts';
import type { RunRecord } from '../../shared/model/ledger-entry.ts';
import type { FindRange, FindState } from '../../shared/model/messages/payloads.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { MemoryQueue } from '../../shared/ports/memory/job-queue.ts';
import type { MemoryWorld } from './memory-world.ts';

export interface MemoryRunOptions {
  readonly input?: Readonly<Record<string, unknown>>;
  /** laid over the context of each call of the finder */
  readonly context?: Partial<FindContext>;
  /** called between the two passes */
  readonly between?: () => Promise<void>;
}

/** The steps of the SYNC machine, called in its order, each state passing as JSON. */
export async function runTask(
  world: Pick<MemoryWorld, 'context' | 'task' | 'ledger'> & { readonly clock: Clock },
  { input = {}, context = {}, between }: MemoryRunOptions = {},
): Promise<{ record: RunRecord; jobs: Job[] }> {
  const queue = new MemoryQueue();
  const finder: FindContext = { ...world.context(), queue, margin: 0, ...context };
  const all = { task: world.task.name, ...input };
  const run = { run: 'run', startedAt: '2026-11-01T00:00:00.000Z', input: all };
  const search = async (start: FindState): Promise<FindState> => {
    let state = start;
    for (let rounds = 0; ; rounds++) {
      if (rounds > 500) throw new Error('no end');
      state = asJson(await cutRanges({ ...finder, clock: world.clock, finders: 20 }, state));
      if (state.next === 'found' || state.next === 'done') return state;
      const { task, run: name, dryRun, prefix, prefixList, round } = state;
      const work = [];
      for (const range of state.work as FindRange[]) {
        work.push(await findInRange(finder, { task, run: name, dryRun, prefix, prefixList, round: round!, range }));
      }
      state = asJson({ ...state, work });
    }
  };
  const steps = async () => {
    const plan = await planRun(finder, world.task, parseSyncInput(all), run);
    const searched = await search(plan);
    await between?.();
    const checked = await checkDeletes(world, { input: all, plan: searched });
    const { results, refusal, deleted } = await search(asJson(checked) as FindState);
    return { ...(results && { results }), ...(refusal !== undefined && { refusal }), ...(deleted && { deleted }) };
  };
  const found = await steps().catch((error: unknown) => {
    const { name, message } = asFault(error);
    return { error: { Error: name, Cause: JSON.stringify({ errorMessage: message }) } };
  });
  const record = await finishRun(
    { ledger: world.ledger, lookup: world.ledger, clock: world.clock },
    { ...run, ...found },
  );
  const jobs: Job[] = [];
  for (let batch = queue.receive(); batch.length > 0; batch = queue.receive()) {
    jobs.push(...batch.map(({ body }) => decodeJob(body)));
  }
  return { record, jobs };
}

function asJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
