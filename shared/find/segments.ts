import type { Segment } from '../model/messages/payloads.ts';
import { compareKeys } from './order.ts';

/** Asks a store for the first keys after one. */
export type Probe = (
  after: string | undefined,
) => Promise<{ readonly first: readonly string[]; readonly more: boolean }>;

export interface SegmentLimits {
  readonly maxSegments: number;
  /** listing calls at most */
  readonly maxProbes: number;
}

/** A stretch of key space that is known to be worth cutting: it has more keys than one page. */
interface Stretch {
  readonly after: string | undefined;
  readonly until: string | undefined;
}

/** The highest code point: sorts after every other continuation of a prefix. */
export const highest = '\u{10ffff}';

/**
 * Cuts the key space into segments that can be listed side by side. It skips through the listing from one first
 * character to the next ("what comes after everything that begins with a?"), largest stretches first, and goes deeper
 * where there is only one. A space of one page stays whole. Keys are never assumed to have a form.
 * @returns where to cut, in order: each segment's last possible key but the last segment's
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
    // All keys of the stretch from here on share `stem`; they are cut after each of their next characters.
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
      // Past the stem's own keys: the rest of the stretch begins differently.
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

/** Segments in order that together hold every possible key exactly once. @param cuts in order */
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
