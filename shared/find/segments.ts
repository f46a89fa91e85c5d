import type { Segment } from '../model/messages/payloads.ts';
import { compareKeys } from './order.ts';

/** Lists the first keys after a key. */
export type Probe = (
  after: string | undefined,
) => Promise<{ readonly first: readonly string[]; readonly more: boolean }>;

export interface SegmentLimits {
  readonly maxSegments: number;
  /** listing calls, at most */
  readonly maxProbes: number;
}

/** A range of keys that may be worth cutting. */
interface Stretch {
  readonly after: string | undefined;
  readonly until: string | undefined;
}

/** The highest code point: a prefix followed by it sorts after every other key with the prefix. */
export const highest = '\u{10ffff}';

/**
 * Cuts the key space into segments that can be listed in parallel. It skips through the listing from one first
 * character to the next (by listing the first key after all keys that begin with "a", and so on), breadth first, and
 * goes one character deeper if all keys begin the same. A range of at most one page stays whole. Keys may have any
 * form.
 * @returns where to cut, in order: the last possible key of each segment but the last
 */
export async function cutKeys(probe: Probe, limits: SegmentLimits): Promise<string[]> {
  let probes = 0;
  const cuts: string[] = [];
  const queue: Stretch[] = [{ after: undefined, until: undefined }];
  for (let stretch = queue.shift(); stretch; stretch = queue.shift()) {
    if (probes >= limits.maxProbes || cuts.length >= limits.maxSegments - 1) break;
    const page = await probe(stretch.after);
    probes++;
    const last = page.first.at(-1);
    const small =
      !page.more || last === undefined || (stretch.until !== undefined && compareKeys(last, stretch.until) > 0);
    if (small) continue;
    const found: string[] = [];
    // All keys of the stretch from here on begin with `stem`. They are cut after each next character.
    let stem = commonPrefix(page.first[0] ?? '', last);
    let next = last;
    while (probes < limits.maxProbes && cuts.length + found.length < limits.maxSegments - 1) {
      const cut = stem + (firstCharacter(next.slice(stem.length)) ?? '') + highest;
      if (cut === found.at(-1)) break;
      const { first } = await probe(cut);
      probes++;
      const beyond = first[0];
      if (beyond === undefined || (stretch.until !== undefined && compareKeys(beyond, stretch.until) > 0)) break;
      next = beyond;
      found.push(cut);
      // Beyond the stem's keys, the rest of the stretch begins differently.
      if (!next.startsWith(stem)) stem = commonPrefix(stem, next);
    }
    cuts.push(...found);
    const bounds = [stretch.after, ...found, stretch.until];
    if (found.length > 0) {
      for (const [index, after] of bounds.slice(0, -1).entries()) queue.push({ after, until: bounds[index + 1] });
    }
  }
  return cuts.sort(compareKeys);
}

/** Segments, in order, that together contain every possible key exactly once. @param cuts in order */
export function segmentsBetween(cuts: readonly string[]): Segment[] {
  return [undefined, ...cuts].map((after, index) => ({
    ...(after !== undefined && { after }),
    ...(cuts[index] !== undefined && { until: cuts[index] }),
  }));
}

function commonPrefix(a: string, b: string): string {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a.codePointAt(index) === b.codePointAt(index)) {
    index += (a.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return a.slice(0, index);
}

function firstCharacter(text: string): string | undefined {
  const point = text.codePointAt(0);
  return point === undefined ? undefined : String.fromCodePoint(point);
}
