import type { FindProgress, FindRange, FindState, RangeResult, Segment } from '../model/messages/payloads.ts';
import { addCounts, noCounts } from '../model/run-counts.ts';
import { compareKeys } from './order.ts';
import type { Rest } from './recut.ts';

/** Bytes of JSON that the stretches with deletes may have; beyond, neighbours become one. */
const maxStretchBytes = 24 * 1024;
/** Keys to be deleted that a state shows. */
const maxExamples = 3;

export const noProgress: FindProgress = {
  counts: noCounts,
  examples: [],
  stretches: [],
  rounds: 0,
  briefRanges: 0,
  seconds: 0,
  ranges: 0,
  brief: true,
  probes: 0,
};

/** What is known after a round, and what is left to search. */
export interface Tally {
  readonly progress: FindProgress;
  readonly rests: readonly Rest[];
}

/**
 * Adds up a round.
 * @param state as the machine passes it on: at the begin, after a wait, or after a round
 * @throws what a call of the round failed with
 */
export function tallied(state: FindState): Tally {
  const before = state.progress ?? noProgress;
  const isAfterRound = state.next === 'brief' || state.next === 'long';
  if (!isAfterRound) {
    const ranges = (state.work ?? state.segments ?? []) as readonly FindRange[];
    return { progress: before, rests: ranges.map((range) => ({ range, side: 'source' })) };
  }
  const results = (state.work ?? []) as readonly RangeResult[];
  const failed = results.find((result) => result.failed)?.failed;
  if (failed) throw Object.assign(new Error(failed.message ?? 'a call of find-objects failed'), { name: failed.name });
  const tooLong = results.map((result) => result.tooLong ?? 0);
  const longest = Math.max(before.longestResult ?? 0, ...tooLong);
  const progress: FindProgress = {
    ...before,
    counts: results.map(({ counts = noCounts }) => counts).reduce(addCounts, before.counts),
    examples: [...before.examples, ...results.flatMap(({ examples = [] }) => examples)].slice(0, maxExamples),
    stretches: joined([
      ...before.stretches,
      ...results.flatMap(({ stretch, counts }) =>
        stretch && counts ? [{ segment: stretch, deletes: counts.deletes }] : [],
      ),
    ]),
    rounds: before.rounds + 1,
    briefRanges: before.briefRanges + (before.brief ? results.length : 0),
    ranges: results.length,
    ...fewer(state, results),
    waits: 0,
    ...(longest > 0 && { longestResult: longest }),
  };
  if (results.some(({ unsorted }) => unsorted)) return inOnePiece(state, progress, results);
  const rests = results.flatMap(({ rest, counts = noCounts }): Rest[] =>
    rest ? [{ range: rest, side: counts.listed * 2 < counts.listedAtDestination ? 'destination' : 'source' }] : [],
  );
  return { progress, rests };
}

/**
 * A store that lists keys in another order has no ranges: it is searched from the start, in one piece. Jobs that were
 * sent so far are harmless, at most needless; deletes are limited, so those that were sent stay counted.
 */
export function inOnePiece(state: FindState, progress: FindProgress, results: readonly RangeResult[]): Tally {
  const isForDeletes = state.pass === 'deletes';
  const atMost = results.reduce((sum, { rest }) => sum + (rest?.atMost ?? 0), 0);
  const range: FindRange = {
    cursor: { mode: 'heads', listing: isForDeletes ? 'destination' : 'source' },
    ...(isForDeletes && { atMost }),
  };
  const fresh = isForDeletes ? {} : { counts: noCounts, examples: [], stretches: [] };
  return { progress: { ...progress, ...fresh, unsorted: true }, rests: [{ range, side: 'source' }] };
}

/** Finders that held back for most of their time are too many; if they hardly did, there may be more. */
function fewer({ round, progress }: FindState, results: readonly RangeResult[]): Pick<FindProgress, 'finders'> {
  const now = round?.finders ?? 1;
  const held = results.reduce((sum, { heldSeconds = 0 }) => sum + heldSeconds, 0);
  const share = held / Math.max(1, now * (progress?.seconds ?? 0));
  if (share > 0.5) return { finders: Math.max(1, Math.floor(now / 2)) };
  const before = progress?.finders;
  return before === undefined || share > 0.1
    ? { ...(before !== undefined && { finders: before }) }
    : { finders: before * 2 };
}

type Stretches = FindProgress['stretches'];

/** Stretches in order. If they are too many, neighbours become one: then a few more keys are searched for deletes. */
function joined(all: Stretches): Stretches {
  let stretches = [...all].sort((a, b) => compareAfter(a.segment, b.segment));
  while (stretches.length > 1 && JSON.stringify(stretches).length > maxStretchBytes) {
    stretches = stretches.flatMap((one, index) => {
      const next = stretches[index + 1];
      if (index % 2 === 1) return [];
      if (!next) return [one];
      const { after } = one.segment;
      const { until } = next.segment;
      const segment: Segment = { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
      return [{ segment, deletes: one.deletes + next.deletes }];
    });
  }
  return stretches;
}

function compareAfter({ after: a }: Segment, { after: b }: Segment): number {
  return a === undefined || b === undefined ? Number(a !== undefined) - Number(b !== undefined) : compareKeys(a, b);
}
