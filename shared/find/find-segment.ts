import { assertNever } from '../model/faults.ts';
import type { Job } from '../model/job.ts';
import { keyFilter } from '../model/config/key-filter.ts';
import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import type { FindCursor, FindObjectsState } from '../model/messages/payloads.ts';
import type { Task } from '../model/config/task.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { compareObjects } from './compare.ts';
import { JobSender } from './job-sender.ts';
import { UnsortedListing } from './listing.ts';
import type { Pair } from './merge.ts';
import { checksumsAgree, headPairs, mergedPairs, sidePrefixes, type Search } from './pairs.ts';
import { readPrefixes } from './prefixes.ts';

/**
 * The finder: compares the listings of both sides and sends a job for each difference. A run is planned once: its key
 * space is cut into segments (plan-run.ts, segments.ts), which are searched in parallel. A segment's two listings are
 * read in the order of UTF-8 bytes (listing.ts) and joined (merge.ts, pairs.ts), and each pair is compared
 * (compare.ts). A store that lists in another order is searched with a HEAD per key instead. A call returns a cursor
 * before its time runs out and is called again with it; finish-run.ts records the sums. Nothing here grows with the
 * bucket.
 */

/** What the finder needs for one segment. */
export interface FindContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly deadline: Deadline;
  /** milliseconds before the deadline at which the call returns its state */
  readonly margin: number;
}

/**
 * Finds the differences in one segment, from the cursor in `state` on, and sends a job for each, until the segment ends
 * or time runs short. A call that is repeated after a failure finds the same differences again: a job that is sent
 * twice ends as a skip.
 * @returns the state for the next call, with `done` at the end. Every job that it counts is in the queue.
 * @throws Fault; also if the task's prefix list has changed since the run began
 */
export async function findSegment(context: FindContext, state: FindObjectsState): Promise<FindObjectsState> {
  const { prefixes } = await readPrefixes(context.source, context.task, state.prefix, state.prefixList);
  return findWithin({ ...context, within: prefixes }, state);
}

/** With the prefixes that the run covers, relative to the run's own prefix. */
type SearchContext = FindContext & Pick<Search, 'within'>;

async function findWithin(context: SearchContext, state: FindObjectsState): Promise<FindObjectsState> {
  const mode = state.cursor?.mode ?? 'merge';
  switch (mode) {
    case 'merge':
      try {
        return await walk(
          context,
          state,
          mergedPairs(searchOf(context, state), state.cursor),
          ({ source, destination }) => {
            const after = source ?? state.cursor?.after;
            const destinationAfter = destination ?? state.cursor?.destinationAfter;
            return {
              mode: 'merge',
              ...(after !== undefined && { after }),
              ...(destinationAfter !== undefined && { destinationAfter }),
            };
          },
        );
      } catch (error) {
        if (!(error instanceof UnsortedListing)) throw error;
        // Jobs that were sent so far are harmless, at most needless. The search with HEAD starts from the beginning.
        return findWithin(context, { ...state, cursor: { mode: 'heads', listing: 'source' }, counts: noCounts });
      }
    case 'heads': {
      const listing = state.cursor?.listing ?? 'source';
      const next = await walk(
        context,
        state,
        headPairs(searchOf(context, state), { listing, after: state.cursor?.after }),
        ({ any }) => ({
          mode: 'heads',
          listing,
          ...(any !== undefined && { after: any }),
        }),
      );
      if (next.done !== true || listing === 'destination' || !context.task.deletes) return next;
      return findWithin(context, { ...next, done: false, cursor: { mode: 'heads', listing: 'destination' } });
    }
    default:
      return assertNever(mode);
  }
}

/** The search of a state's segment. */
function searchOf(context: SearchContext, state: FindObjectsState): Search {
  const { source, destination, task, within } = context;
  return { source, destination, prefixes: sidePrefixes(task, state.prefix), within, segment: state.segment };
}

/** The last keys that a call has processed: of either side, and of each. */
interface Position {
  any?: string;
  source?: string;
  destination?: string;
}

async function walk(
  context: SearchContext,
  state: FindObjectsState,
  pairs: AsyncIterable<Pair>,
  cursorAt: (position: Position) => FindCursor,
): Promise<FindObjectsState> {
  const sender = new JobSender(context.queue, state.dryRun);
  let counts = state.counts ?? noCounts;
  const isWanted = keyFilter(context.task);
  const position: Position = {};
  for await (const pair of pairs) {
    // At least one key per call: a call without progress would be repeated forever.
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

async function jobFor(context: SearchContext, state: FindObjectsState, pair: Pair): Promise<Job | undefined> {
  const { task } = context;
  const key = state.prefix + pair.key;
  const { source, destination } = pair;
  if (!source && !destination) return undefined;
  if (!source) return task.deletes ? { task: task.name, key, action: 'delete', run: state.run } : undefined;
  const verdict = compareObjects(task.compare, source, destination);
  const copy =
    verdict.kind === 'ask' ? !(await checksumsAgree(searchOf(context, state), pair.key)) : verdict.kind === 'copy';
  if (!copy) return undefined;
  const job = { task: task.name, key, action: 'copy', size: source.size, etag: source.etag, run: state.run } as const;
  return destination ? job : { ...job, missingAt: context.clock.now() };
}

/** Excluded keys only count as listed. */
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
