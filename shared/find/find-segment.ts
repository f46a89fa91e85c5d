import { assertNever } from '../model/faults.ts';
import type { Job } from '../model/job.ts';
import { keyFilter } from '../model/key-filter.ts';
import type { RunCounts } from '../model/ledger-entry.ts';
import type { ListedObject } from '../model/object.ts';
import type { FindCursor, FindObjectsState } from '../model/payloads.ts';
import type { Task } from '../model/task.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { compareObjects } from './compare.ts';
import { listRelative, listSorted, UnsortedListing } from './listing.ts';
import { mergeListings, type Pair } from './merge.ts';
import { compareKeys } from './order.ts';
import { readPrefixes } from './prefixes.ts';
import { JobSender } from './job-sender.ts';

/** What finding needs from outside. */
export interface FindContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly deadline: Deadline;
  /** milliseconds before the deadline at which the call returns what it has */
  readonly margin: number;
}

export const noCounts: RunCounts = { listed: 0, listedAtDestination: 0, jobs: 0, bytes: 0, deletes: 0, same: 0 };

/** Sums of two counts, field by field. */
export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return {
    listed: a.listed + b.listed,
    listedAtDestination: a.listedAtDestination + b.listedAtDestination,
    jobs: a.jobs + b.jobs,
    bytes: a.bytes + b.bytes,
    deletes: a.deletes + b.deletes,
    same: a.same + b.same,
  };
}

/**
 * Finds the differences in one segment from where `state` stands and sends a job for each, until the segment's end or
 * until time runs short. Called again after a failure, it finds the same differences again: a job that is sent twice
 * ends as a skip.
 * @returns the state to go on from; `done` at the end. Every job that it counts is in the queue.
 * @throws Fault also where the task's prefix list is no longer the one that the run began with
 */
export async function findSegment(context: FindContext, state: FindObjectsState): Promise<FindObjectsState> {
  const { prefixes } = await readPrefixes(context.source, context.task, state.prefix, state.prefixList);
  return search({ ...context, prefixes }, state);
}

/** And the prefixes that the run is about, relative to its own. */
type SearchContext = FindContext & { readonly prefixes: readonly string[] };

async function search(context: SearchContext, state: FindObjectsState): Promise<FindObjectsState> {
  const mode = state.cursor?.mode ?? 'merge';
  switch (mode) {
    case 'merge':
      try {
        return await walk(context, state, mergedPairs(context, state), ({ source, destination }) => {
          const after = source ?? state.cursor?.after;
          const destinationAfter = destination ?? state.cursor?.destinationAfter;
          return {
            mode: 'merge',
            ...(after !== undefined && { after }),
            ...(destinationAfter !== undefined && { destinationAfter }),
          };
        });
      } catch (error) {
        if (!(error instanceof UnsortedListing)) throw error;
        // Nothing that was sent was wrong, it may only not have been needed: the heads walk starts from the beginning.
        return search(context, { ...state, cursor: { mode: 'heads', listing: 'source' }, counts: noCounts });
      }
    case 'heads': {
      const listing = state.cursor?.listing ?? 'source';
      const next = await walk(context, state, headPairs(context, state), ({ any }) => ({
        mode: 'heads',
        listing,
        ...(any !== undefined && { after: any }),
      }));
      if (next.done !== true || listing === 'destination' || !context.task.deletes) return next;
      return search(context, { ...next, done: false, cursor: { mode: 'heads', listing: 'destination' } });
    }
    default:
      return assertNever(mode);
  }
}

/** The prefix of the run, which may cover only part of the task, on each side. */
function runPrefix({ task }: FindContext, state: FindObjectsState): { source: string; destination: string } {
  return {
    source: state.prefix,
    destination: task.destination.prefix + state.prefix.slice(task.source.prefix.length),
  };
}

function mergedPairs(context: SearchContext, state: FindObjectsState): AsyncIterable<Pair> {
  const prefix = runPrefix(context, state);
  const { prefixes } = context;
  const { cursor } = state;
  const { after, until } = state.segment;
  return mergeListings(
    listSorted(context.source, { prefix: prefix.source, prefixes, after: cursor?.after ?? after, until }),
    listSorted(context.destination, {
      prefix: prefix.destination,
      prefixes,
      after: cursor?.destinationAfter ?? after,
      until,
    }),
  );
}

/**
 * Pairs found by one listing in the store's own order and a HEAD for each key on the other side. A key that is nothing
 * to this walk comes as a pair without objects, so that the caller can stop at any key.
 */
async function* headPairs(context: SearchContext, state: FindObjectsState): AsyncGenerator<Pair> {
  const prefix = runPrefix(context, state);
  const { segment, cursor } = state;
  const fromSource = cursor?.listing !== 'destination';
  const [listed, other] = fromSource
    ? ([context.source, context.destination] as const)
    : ([context.destination, context.source] as const);
  const [near, far] = fromSource ? [prefix.source, prefix.destination] : [prefix.destination, prefix.source];
  for await (const page of listRelative(listed, {
    prefix: near,
    prefixes: context.prefixes,
    after: cursor?.after,
  })) {
    for (const object of page) {
      const before = segment.after !== undefined && compareKeys(object.key, segment.after) <= 0;
      const beyond = segment.until !== undefined && compareKeys(object.key, segment.until) > 0;
      const found = before || beyond ? undefined : await other.head(far + object.key);
      if (before || beyond) yield { key: object.key, source: undefined, destination: undefined };
      else if (fromSource) yield { key: object.key, source: object, destination: found };
      // Keys that are on both sides were dealt with when the source was listed.
      else yield { key: object.key, source: undefined, destination: found ? undefined : object };
    }
  }
}

/** The last keys that a call dealt with: of either side, and of each. */
interface Position {
  any?: string;
  source?: string;
  destination?: string;
}

async function walk(
  context: FindContext,
  state: FindObjectsState,
  pairs: AsyncIterable<Pair>,
  cursorAt: (position: Position) => FindCursor,
): Promise<FindObjectsState> {
  const sender = new JobSender(context.queue, state.dryRun);
  let counts = state.counts ?? noCounts;
  const isWanted = keyFilter(context.task);
  const position: Position = {};
  for await (const pair of pairs) {
    // At least one key a call: a call that moves nothing would be made for ever.
    if (position.any !== undefined && context.deadline.remaining() < context.margin) {
      await sender.finish();
      return { ...state, counts, cursor: cursorAt(position), done: false };
    }
    const wanted = isWanted(state.prefix + pair.key);
    const job = wanted ? await jobFor(context, state, pair) : undefined;
    counts = addCounts(counts, countsOf(pair, job, wanted));
    if (job) await sender.add(job);
    position.any = pair.key;
    if (pair.source) position.source = pair.key;
    if (pair.destination) position.destination = pair.key;
  }
  await sender.finish();
  return { ...state, counts, done: true };
}

async function jobFor(context: FindContext, state: FindObjectsState, pair: Pair): Promise<Job | undefined> {
  const { task } = context;
  const key = state.prefix + pair.key;
  const { source, destination } = pair;
  if (!source && !destination) return undefined;
  if (!source) return task.deletes ? { task: task.name, key, action: 'delete', run: state.run } : undefined;
  const verdict = compareObjects(task.compare, source, destination);
  const copy = verdict.kind === 'ask' ? !(await checksumsAgree(context, state, pair.key)) : verdict.kind === 'copy';
  if (!copy) return undefined;
  const job = { task: task.name, key, action: 'copy', size: source.size, etag: source.etag, run: state.run } as const;
  return destination ? job : { ...job, missingAt: context.clock.now() };
}

/** What the task excludes is listed, and that is all. */
function countsOf(pair: Pair, job: Job | undefined, wanted: boolean): RunCounts {
  const deletes = job?.action === 'delete' ? 1 : 0;
  return {
    listed: pair.source ? 1 : 0,
    listedAtDestination: pair.destination ? 1 : 0,
    jobs: job ? 1 : 0,
    bytes: job?.size ?? 0,
    deletes,
    same: wanted && pair.source && pair.destination && !job ? 1 : 0,
  };
}

/** Do both sides store the same full-object checksum? Not knowing one counts as no. */
async function checksumsAgree(context: FindContext, state: FindObjectsState, key: string): Promise<boolean> {
  const prefix = runPrefix(context, state);
  const [a, b]: ((Pick<ListedObject, 'size'> & { checksum?: { algorithm: string; value: string } }) | undefined)[] =
    await Promise.all([
      context.source.head(prefix.source + key, { checksum: true }),
      context.destination.head(prefix.destination + key, { checksum: true }),
    ]);
  if (!a?.checksum || !b?.checksum) return false;
  return a.size === b.size && a.checksum.algorithm === b.checksum.algorithm && a.checksum.value === b.checksum.value;
}
