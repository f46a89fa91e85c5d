import { assertNever } from '../model/faults.ts';
import { noCounts, type RunCounts } from '../model/run-counts.ts';
import type { FindObjectsState } from '../model/messages/payloads.ts';
import type { Task } from '../model/config/task.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { isForDeletesOnly, judgeOf } from './judge.ts';
import { UnsortedListing } from './listing.ts';
import { headPairs, mergedPairs, sidePrefixes, type Search } from './pairs.ts';
import { readPrefixes } from './prefixes.ts';
import { RecordedPairs, type FinderLookup } from './recorded-pairs.ts';
import { walk, type Way } from './walk.ts';

/**
 * The finder: compares the listings of both sides and sends a job for each difference. A run is searched in rounds
 * (rounds.ts): its keys are cut into ranges (cut-ranges.ts, recut.ts, cut.ts), which are searched in parallel
 * (find-range.ts), and what is left of them is cut again. A range's two listings are read in the order of UTF-8 bytes
 * (listing.ts) and joined (merge.ts, pairs.ts), and each pair is judged (walk.ts, judge.ts, compare.ts). A store that
 * lists in another order is searched with a HEAD per key instead, in one piece. Deletes are only counted at first;
 * check-deletes.ts decides about them, and then the ranges that have some are searched again for deletes alone.
 * finish-run.ts records the sums. Nothing here grows with the bucket.
 */

/** What the finder needs for one segment. */
export interface FindContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly queue: JobQueue;
  /** the ledger, for pairs that the listings cannot judge; without it, jobs are sent for them */
  readonly lookup?: FinderLookup;
  readonly clock: Clock;
  readonly deadline: Deadline;
  /** milliseconds before the deadline at which the call returns its state */
  readonly margin: number;
  /** the segment is one of several: in a store that lists in another order, it has no meaning */
  readonly isPart?: true;
}

/**
 * Finds the differences in one segment, from the cursor in `state` on, and sends a job for each, until the segment ends
 * or time runs short. A call that is repeated after a failure finds the same differences again: a job that is sent
 * twice ends as a skip.
 * @param state its `deletes` says whether deletes are sent
 * @returns the state for the next call, with `done` at the end. Every job that it counts is in the queue.
 * @throws Fault; also if the task's prefix list has changed since the run began
 * @throws UnsortedListing with `isPart`
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
        return await walkOn(context, state, mergeWay(context, state));
      } catch (error) {
        if (!(error instanceof UnsortedListing) || context.isPart) throw error;
        // Jobs that were sent so far are harmless, at most needless. The search with HEAD starts from the beginning.
        const cursor = { mode: 'heads', listing: firstListing(state) } as const;
        return findWithin(context, { ...state, cursor, counts: countsKept(state), examples: [] });
      }
    case 'heads': {
      const listing = state.cursor?.listing ?? firstListing(state);
      const next = await walkOn(context, state, headsWay(context, state, listing));
      if (next.done !== true || listing === 'destination' || !context.task.deletes) return next;
      return findWithin(context, { ...next, done: false, cursor: { mode: 'heads', listing: 'destination' } });
    }
    default:
      return assertNever(mode);
  }
}

function walkOn(context: SearchContext, state: FindObjectsState, way: Way): Promise<FindObjectsState> {
  const { task, clock, queue, deadline, margin, lookup } = context;
  const recorded = lookup && new RecordedPairs(task.name, lookup);
  const judge = judgeOf({ task, clock, search: searchOf(context, state), ...(recorded && { recorded }) }, state);
  return walk({ queue, deadline, margin, judge }, state, way);
}

/** Both listings side by side. */
function mergeWay(context: SearchContext, state: FindObjectsState): Way {
  const { cursor } = state;
  return {
    pairs: (trail) => mergedPairs(searchOf(context, state), cursor, trail),
    cursorAt: ({ source = cursor?.after, destination = cursor?.destinationAfter }) => ({
      mode: 'merge',
      ...(source !== undefined && { after: source }),
      ...(destination !== undefined && { destinationAfter: destination }),
    }),
  };
}

/** One listing, and a HEAD of each key on the other side. */
function headsWay(context: SearchContext, state: FindObjectsState, listing: 'source' | 'destination'): Way {
  const after = state.cursor?.after;
  return {
    pairs: (trail) => headPairs(searchOf(context, state), { listing, after }, trail),
    cursorAt: ({ any = after }) => ({ mode: 'heads', listing, ...(any !== undefined && { after: any }) }),
  };
}

/** Only the destination's listing shows deletes. */
function firstListing(state: FindObjectsState): 'source' | 'destination' {
  return isForDeletesOnly(state) ? 'destination' : 'source';
}

/** A search that starts again counts from 0, but deletes that were sent stay sent: they are limited. */
function countsKept(state: FindObjectsState): RunCounts {
  return isForDeletesOnly(state) ? (state.counts ?? noCounts) : noCounts;
}

/** The search of a state's segment. */
function searchOf(context: SearchContext, state: FindObjectsState): Search {
  const { source, destination, task, within } = context;
  return { source, destination, prefixes: sidePrefixes(task, state.prefix), within, segment: state.segment };
}
