import type { FaultName } from '../model/faults.ts';
import type { Job } from '../model/job.ts';
import { isBareMarker, keyFilter } from '../model/config/key-filter.ts';
import type { FindObjectsState } from '../model/messages/payloads.ts';
import { isObjectKey, type ObjectKey } from '../model/object-key.ts';
import type { RunCounts } from '../model/run-counts.ts';
import type { Task } from '../model/config/task.ts';
import type { Clock } from '../ports/clock.ts';
import { compareObjects } from './compare.ts';
import type { RelativeObject } from './listing.ts';
import type { Pair } from './merge.ts';
import { checksumsAgree, type Search } from './pairs.ts';
import type { RecordedPairs } from './recorded-pairs.ts';

/** What is to be done about a pair. */
export interface Judgement {
  /** absent if nothing is to be done, or can be */
  readonly job?: Job;
  /** the object differs, but is archived */
  readonly archived?: true;
  /** the object differs, but its version failed for good lately */
  readonly failedBefore?: true;
  /** it is a folder marker without a key on the other side */
  readonly marker?: true;
  /** the key is excluded, or is none of this pass's: it counts as listed alone */
  readonly ignored?: true;
}

/** Judges pairs for one call. Most need the listings alone; for the others it returns a promise. */
export type Judge = (pair: Pair) => Judgement | Promise<Judgement>;

interface JudgeContext {
  readonly task: Task;
  readonly clock: Clock;
  readonly search: Search;
  /** the ledger's record; without it, nothing counts as recorded */
  readonly recorded?: RecordedPairs;
}

const nothing: Judgement = {};
const ignored: Judgement = { ignored: true };
const archived: Judgement = { archived: true };
const marker: Judgement = { marker: true };
const failedBefore: Judgement = { failedBefore: true };

export function judgeOf(context: JudgeContext, state: FindObjectsState): Judge {
  const { task } = context;
  const isWanted = keyFilter(task);
  return (pair) => {
    const key = state.prefix + pair.key;
    const { source, destination } = pair;
    if (isBareMarker(task, key)) return isForDeletesOnly(state) || (!source && !task.deletes) ? ignored : marker;
    // What is only at the destination may have a key that would be too long at the source, so it came from elsewhere.
    if (!isWanted(key) || !isObjectKey(key)) return ignored;
    if (!source) {
      if (!destination || !task.deletes) return nothing;
      return { job: { task: task.name, key, action: 'delete', run: state.run } };
    }
    if (isForDeletesOnly(state)) return ignored;
    const verdict = compareObjects(task.compare, source, destination);
    switch (verdict.kind) {
      case 'same':
        return nothing;
      case 'copy': {
        const copy = (): Judgement | Promise<Judgement> => unlessHopeless(context, state, { key, source, destination });
        if (!verdict.unlessRecorded || !context.recorded || !destination) return copy();
        return context.recorded.has(key, source, destination).then((isRecorded) => (isRecorded ? nothing : copy()));
      }
      case 'ask':
        return checksumsAgree(context.search, pair.key).then((agree) =>
          agree ? nothing : unlessHopeless(context, state, { key, source, destination }),
        );
    }
  };
}

/** A pair with the source's whole key. */
interface Wanted extends Pair {
  readonly key: ObjectKey;
  readonly source: RelativeObject;
}

/**
 * A copy of an archived object cannot be made before it is restored, nor one that failed for good before a person has
 * changed something: both would end as dead letters in every run. Where the listing does not say whether an archived
 * object is restored, the object is asked; the ledger has what failed, and the tiers that no listing shows.
 */
function unlessHopeless(
  context: JudgeContext,
  state: FindObjectsState,
  { key, source, destination }: Wanted,
): Judgement | Promise<Judgement> {
  if (source.archived === 'yes') return archived;
  const job: Job = {
    task: context.task.name,
    key,
    action: 'copy',
    size: source.size,
    etag: source.etag,
    run: state.run,
    ...(!destination && { missingAt: context.clock.now() }),
  };
  if (source.archived !== 'maybe') {
    const failure = context.recorded?.failure(job.key, source, context.clock.now());
    return failure instanceof Promise ? failure.then((fault) => unlessFailed(job, fault)) : unlessFailed(job, failure);
  }
  // Gone, or changed since: the job finds out.
  return context.search.source.head(key).then((info) => (info?.readable === false ? archived : { job }));
}

function unlessFailed(job: Job, failure: FaultName | undefined): Judgement {
  if (failure === undefined) return { job };
  return failure === 'ArchivedSource' ? archived : failedBefore;
}

/** Is the state's call one of the second pass, which sends the deletes that the first one counted? */
export function isForDeletesOnly({ deletes }: FindObjectsState): boolean {
  return typeof deletes === 'object';
}

/** Does the call count deletes that it does not send? */
export function holdsBack({ deletes, dryRun }: FindObjectsState, job: Job): boolean {
  return job.action === 'delete' && deletes === 'hold' && !dryRun;
}

/** What a pair adds to the counts. The second pass adds only its deletes: the first has counted everything else. */
export function countsOf(state: FindObjectsState, pair: Pair, judgement: Judgement): RunCounts {
  const { job } = judgement;
  const first = isForDeletesOnly(state) ? 0 : 1;
  const { ignored: isIgnored, archived: isArchived, marker: isMarker, failedBefore: hasFailed } = judgement;
  const untouched = !job && !isIgnored && !isArchived && !isMarker && !hasFailed;
  return {
    listed: pair.source ? first : 0,
    listedAtDestination: pair.destination ? first : 0,
    jobs: job && !holdsBack(state, job) ? 1 : 0,
    bytes: job?.size ?? 0,
    deletes: job?.action === 'delete' ? 1 : 0,
    same: untouched && pair.source && pair.destination ? 1 : 0,
    ...(isArchived && { archived: 1 }),
    ...(isMarker && { markers: 1 }),
    ...(hasFailed && { failedBefore: 1 }),
  };
}
