import type { FindRange } from '../model/messages/payloads.ts';
import { cutRange } from './cut.ts';
import { highest } from './key-text.ts';
import { KnownKeys, type Probe } from './known-keys.ts';
import { compareKeys } from './order.ts';
import type { SideName } from './trail.ts';

/** A range to be cut, and the side that has more of its keys. */
export interface Rest {
  readonly range: FindRange;
  readonly side: SideName;
}

export interface RecutLimits {
  /** ranges that there should be in all */
  readonly ranges: number;
  /** listing calls, at most */
  readonly probes: number;
}

/** Looks that it takes to find out where the keys of a rest differ, and to cut it. */
const leastProbes = 20;

/** Lists the first keys below a prefix, relative to it, after one of them. */
export type ProbeOf = (side: SideName, prefix: string) => Probe;

/**
 * Cuts rests into more ranges, each into about as many. A range over several of the run's prefixes is cut between
 * them, which needs no look at the store.
 * @param prefixes those that the run covers, relative to its own; in order, none begins with another
 * @returns for each rest its pieces in order, which together are the rest; and the number of listing calls
 * @throws UnsortedListing if a store lists keys in another order
 */
export async function recut(
  probeOf: ProbeOf,
  rests: readonly Rest[],
  prefixes: readonly string[],
  limits: RecutLimits,
): Promise<{ readonly pieces: readonly (readonly FindRange[])[]; readonly probes: number }> {
  const known = new Map<string, KnownKeys>();
  const knownOf = (side: SideName, prefix: string): KnownKeys => {
    const name = `${side} ${prefix}`;
    const found = known.get(name) ?? new KnownKeys(probeOf(side, prefix));
    known.set(name, found);
    return found;
  };
  // A few looks tell nothing: with few of them, only some of the rests are cut, but into more pieces.
  const some = Math.max(1, Math.min(rests.length, Math.floor(limits.probes / leastProbes)));
  const each = Math.ceil((limits.ranges - rests.length + some) / some);
  const probesEach = Math.floor(limits.probes / some);
  const pieces = await Promise.all(
    rests.map(async ({ range, side }, index) => {
      // A listing in another order has no ranges.
      if (index >= some || each < 2 || range.cursor?.mode === 'heads') return [range];
      const cuts = await cutsOf(range, prefixes, each, (prefix, within, count, share) =>
        cutsWithin(knownOf(side, prefix), prefix, within, { pieces: count, probes: Math.floor(probesEach * share) }),
      );
      return between(range, cuts);
    }),
  );
  return { pieces, probes: [...known.values()].reduce((sum, { probes }) => sum + probes, 0) };
}

/** Where the remaining keys of a range begin: the last key that was searched, or where it was cut. */
export function lowerEnd({ after, cursor }: FindRange): string | undefined {
  const ends = [after, cursor?.after, cursor?.destinationAfter].filter((end) => end !== undefined);
  return ends.sort(compareKeys).at(-1);
}

type CutWithin = (prefix: string, range: FindRange, count: number, share: number) => Promise<string[]>;

async function cutsOf(
  range: FindRange,
  prefixes: readonly string[],
  count: number,
  cutWithin: CutWithin,
): Promise<string[]> {
  const low = lowerEnd(range);
  const inside = prefixes.filter(
    (prefix) =>
      (low === undefined || compareKeys(prefix + highest, low) > 0) &&
      (range.until === undefined || compareKeys(prefix, range.until) <= 0),
  );
  const each = Math.floor(count / Math.max(1, inside.length));
  if (each < 2 && inside.length > 1) {
    const step = inside.length / Math.min(count, inside.length);
    const last = Array.from({ length: Math.min(count, inside.length) - 1 }, (_cut, index) =>
      Math.ceil((index + 1) * step),
    );
    return last.map((index) => (inside[index - 1] ?? '') + highest);
  }
  const cuts = await Promise.all(inside.map((prefix) => cutWithin(prefix, range, each, 1 / inside.length)));
  return cuts.flatMap((own, index) => (index < inside.length - 1 ? [...own, (inside[index] ?? '') + highest] : own));
}

/** Where to cut the part of a range with a prefix. */
async function cutsWithin(
  known: KnownKeys,
  prefix: string,
  range: FindRange,
  limits: { readonly pieces: number; readonly probes: number },
): Promise<string[]> {
  const relative = (bound: string | undefined): string | undefined =>
    bound?.startsWith(prefix) ? bound.slice(prefix.length) : undefined;
  const after = relative(lowerEnd(range));
  const until = relative(range.until);
  if (limits.probes < 1) return [];
  const searched = after === undefined || after.endsWith(highest) ? undefined : after;
  if (searched !== undefined) known.add([searched]);
  const begin = searched === undefined ? await known.after(after) : undefined;
  const low = searched ?? begin?.first[0];
  if (low === undefined || begin?.more === false) return [];
  const bounds = { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
  const pieces = await cutRange(known, { ...bounds, low }, limits);
  return pieces.slice(0, -1).flatMap((piece) => (piece.until === undefined ? [] : [prefix + piece.until]));
}

/** The pieces of a range between cuts. The first one goes on where the range stands. */
function between(range: FindRange, cuts: readonly string[]): FindRange[] {
  return [undefined, ...cuts].map((after, index) => {
    const until = cuts[index] ?? range.until;
    const begin: FindRange = after === undefined ? range : { after };
    const { until: _until, ...kept }: FindRange = begin;
    return { ...kept, ...(until !== undefined && { until }) };
  });
}
