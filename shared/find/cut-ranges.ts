import type { Task } from '../model/config/task.ts';
import { listedPageKeys } from '../model/limits.ts';
import type { FindProgress, FindRange, FindState } from '../model/messages/payloads.ts';
import type { Clock } from '../ports/clock.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { CountedQueue } from '../ports/queue-depth.ts';
import { free, holdWaitSeconds, type Belonging, type Standing } from '../run/standing.ts';
import { inOnePiece, tallied, type Tally } from './find-progress.ts';
import { UnsortedListing } from './listing.ts';
import { compareKeys } from './order.ts';
import { sidePrefixes } from './pairs.ts';
import { readPrefixes } from './prefixes.ts';
import { recut, type ProbeOf } from './recut.ts';
import { maxQueuedJobs } from './paced-queue.ts';
import { planRound, probesLeft, roundSeconds, type RoundPlan } from './rounds.ts';

export interface CutContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly clock: Clock;
  /** concurrent calls of find-objects, at most */
  readonly finders: number;
  /** the queue's depth: no round begins while it is full. Without it, it is not looked at */
  readonly counted?: CountedQueue;
  /** May the run go on? Without it, it may. Never throws. */
  standing?(run: Belonging): Promise<Standing>;
}

/**
 * Bytes of JSON that the ranges of a round, or its results, may have. Step Functions allows 256 KiB for a state (AWS
 * Step Functions Developer Guide, "Service quotas"); what else is in it is below 40 KiB.
 */
const maxWorkBytes = 180 * 1024;

/** Keys that a look returns: enough to see that next to nothing follows, and quick to list. */
const probeKeys = 100;

/** Time between this answer and the begin of a round, by its kind: a call that begins later works for less. */
const startMillis = { brief: 1000, long: 3000 };

/**
 * The step of the SYNC machine between the rounds of a search: adds up what the last round found, and cuts what it left
 * into ranges for the next one.
 * @param startedAt when the run began, ISO 8601
 * @returns the state for the machine's next step, which is in `next`
 * @throws Fault
 */
export async function cutRanges(context: CutContext, state: FindState): Promise<FindState> {
  const { clock, finders } = context;
  const { segments: _segments, work: _work, round: _round, waitSeconds: _wait, ...kept } = state;
  let tally = tallied(state);
  if (tally.rests.length === 0) return ended(kept, tally.progress);
  const standing = (await context.standing?.(state)) ?? free;
  if (standing.kind === 'cancelled') return cancelled(kept, tally.progress);
  if (standing.kind === 'held') {
    return waiting(kept, tally, holdWaitSeconds(standing, clock.now(), Math.random()));
  }
  const depth = await context.counted?.depth();
  const ageSeconds = (clock.now() - Date.parse(state.startedAt)) / 1000;
  if (depth && depth.waiting >= maxQueuedJobs && !state.dryRun) {
    const { waits = 0 } = tally.progress;
    return waiting(
      kept,
      { ...tally, progress: { ...tally.progress, waits: waits + 1 } },
      waitSeconds(waits, ageSeconds),
    );
  }
  const allowed = Math.min(finders, tally.progress.finders ?? finders);
  const plan = planRound(tally.progress, tally.rests.length, allowed);
  let cut: Cut;
  try {
    cut = await cutRests(context, state, { tally, plan });
  } catch (error) {
    if (!(error instanceof UnsortedListing)) throw error;
    tally = inOnePiece(state, tally.progress, []);
    cut = { ranges: tally.rests.map(({ range }) => range), probes: 0 };
  }
  const { ranges } = cut;
  const { progress } = tally;
  const seconds = roundSeconds(
    { ...progress, rests: tally.rests.length },
    { ...plan, ranges: ranges.length },
    ageSeconds,
  );
  const kind = plan.brief ? 'brief' : 'long';
  const { work, resultBytes } = withRoom(ranges, progress);
  return {
    ...kept,
    next: kind,
    work,
    round: {
      endsAt: Math.round(clock.now() + startMillis[kind] + seconds * 1000),
      resultBytes,
      finders: plan.finders,
    },
    progress: { ...progress, seconds, brief: plan.brief, probes: progress.probes + cut.probes },
  };
}

function ended(state: FindState, progress: FindProgress): FindState {
  if (state.pass !== 'deletes') return { ...state, next: 'found', progress };
  return { ...state, next: 'done', deleted: [{ counts: progress.counts }] };
}

/** Nothing is deleted any more, so there is nothing to be checked. */
function cancelled(state: FindState, { counts }: FindProgress): FindState {
  if (state.pass === 'deletes') return { ...state, next: 'done', deleted: [{ counts }] };
  return { ...state, next: 'done', results: [{ counts: { ...counts, deletes: 0 } }], deleted: [], refusal: '' };
}

/**
 * Seconds until the queue is looked at again: 10, doubled up to a minute, in long runs a fiftieth of their age, because
 * an execution may have 25,000 events (Step Functions Developer Guide, "Service quotas").
 */
function waitSeconds(waits: number, ageSeconds: number): number {
  return Math.round(Math.min(10 * 2 ** Math.min(waits, 20), Math.max(60, ageSeconds / 50)));
}

/** The state for a wait. What is left stays as it is. */
function waiting(state: FindState, { progress, rests }: Tally, waitSeconds: number): FindState {
  return { ...state, next: 'wait', waitSeconds, work: rests.map(({ range }) => range), progress };
}

/**
 * Results that turned out too long leave room for a few only: the other ranges pass the round by. So there is always
 * one that gets on, whatever its keys are.
 */
function withRoom(ranges: readonly FindRange[], { longestResult = 1 }: FindProgress): Room {
  const bytes = Math.max(maxWorkBytes / 4, maxWorkBytes - JSON.stringify(ranges).length);
  const active = Math.min(ranges.length, Math.max(1, Math.floor(bytes / (longestResult * 1.25))));
  const work = ranges.map(({ idle: _idle, ...range }, index) => ({
    ...range,
    ...(index >= active && { idle: true as const }),
  }));
  return { work, resultBytes: Math.floor(bytes / active) };
}

interface Room {
  readonly work: readonly FindRange[];
  readonly resultBytes: number;
}

interface Cut {
  readonly ranges: readonly FindRange[];
  /** listing calls */
  readonly probes: number;
}

async function cutRests(
  context: CutContext,
  { pass, prefix, prefixList }: FindState,
  { tally: { rests, progress }, plan }: { readonly tally: Tally; readonly plan: RoundPlan },
): Promise<Cut> {
  const whole: Cut = { ranges: rests.map(({ range }) => range), probes: 0 };
  // The second pass has ranges from the first, and how many deletes each of them has.
  if (plan.ranges <= rests.length || pass === 'deletes') return whole;
  const { task, source, destination } = context;
  const { prefixes } = await readPrefixes(source, task, prefix, prefixList);
  const { listed, listedAtDestination } = progress.counts;
  const pages = (listed + listedAtDestination) / listedPageKeys;
  const limits = {
    ranges: plan.ranges,
    probes: probesLeft(pages, progress.probes, context.finders),
  };
  const of = sidePrefixes(task, prefix);
  const probeOf: ProbeOf = (side, more) => probe(side === 'source' ? source : destination, of[side] + more);
  const { pieces, probes } = await recut(probeOf, rests, prefixes, limits);
  return { ranges: fitted(pieces, maxWorkBytes / 2), probes };
}

/** Joins neighbours among the pieces of each rest until all have at most so many bytes as JSON. */
function fitted(pieces: readonly (readonly FindRange[])[], maxBytes: number): FindRange[] {
  let lists = pieces;
  while (JSON.stringify(lists).length > maxBytes && lists.some(({ length }) => length > 1)) {
    lists = lists.map((list) => list.flatMap((one, index) => (index % 2 === 1 ? [] : [joined(one, list[index + 1])])));
  }
  return lists.flat();
}

function joined(one: FindRange, next: FindRange | undefined): FindRange {
  if (!next) return one;
  const { until: _until, ...begin } = one;
  return { ...begin, ...(next.until !== undefined && { until: next.until }) };
}

/** Lists a few keys below a prefix, relative to it. @throws UnsortedListing */
function probe(store: ObjectStore, prefix: string): ReturnType<ProbeOf> {
  return async (after) => {
    const options = { prefix, pageSize: probeKeys, ...(after !== undefined && { after: prefix + after }) };
    const { objects, more } = await store.firstPage(options);
    const first = objects.map(({ key }) => key.slice(prefix.length)).filter((key) => key !== after);
    const isSorted = first.every((key, index) => {
      const before = index === 0 ? after : first[index - 1];
      return before === undefined || compareKeys(before, key) < 0;
    });
    if (!isSorted) throw new UnsortedListing(`${store.bucket}: a page of keys is not in the order of their bytes`);
    return { first, more };
  };
}
