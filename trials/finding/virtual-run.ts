import { planRound, probesLeft, roundSeconds, type Pace } from '../../shared/find/rounds.ts';
import { lowerEnd, recut, type Rest } from '../../shared/find/recut.ts';
import type { FindRange } from '../../shared/model/messages/payloads.ts';
import { rankOf, type Landscape } from './landscapes.ts';

/**
 * A run in virtual time: the code that plans rounds and cuts ranges is the real one; stores, calls and the machine are
 * modelled. What is modelled takes:
 */
const model = {
  /** keys of a page in a second and call: a page of 1,000 in a sixth of a second, as measured with S3's listings */
  pagesPerSecond: 6,
  /** from the machine's step to the first listing, and back; a warm call. Assumed: AWS documents no latency */
  callSeconds: 0.3,
  /** cut-ranges without its looks */
  cutSeconds: 0.3,
  /** looks of one after the other, each of a few keys; assumed: a third of a whole page */
  lookSeconds: 0.05,
  /** looks at once */
  looksAtOnce: 20,
  /** an inline Map, assumed; a distributed one (AWS re:Post, "Why is Step Function's Distributed Map slow?") */
  mapSeconds: { brief: 0.5, long: 7 },
  /** pages that a call lists in vain when it stops: the one that was requested ahead, and half of the last one */
  pagesLostByStop: 1.5,
  /** and when its range ends, within a page */
  pagesLostByEnd: 0.5,
};

export interface VirtualRun {
  readonly name: string;
  readonly seconds: number;
  /** the same without what is not listing: waits for Maps, calls and looks */
  readonly listingSeconds: number;
  /** seconds that one finder would take */
  readonly aloneSeconds: number;
  readonly rounds: number;
  readonly looks: number;
  /** listing calls, looks included, and how many of them were needed */
  readonly lists: number;
  readonly neededLists: number;
  /** JSON of the largest state's ranges, bytes */
  readonly largestBytes: number;
}

export interface VirtualOptions {
  readonly finders: number;
  /** keys of a page */
  readonly page: number;
}

/** @throws if a key was not listed, or was listed twice */
export async function virtualRun(land: Landscape, { finders, page }: VirtualOptions): Promise<VirtualRun> {
  const probeKeys = Math.max(2, page / 10);
  const probe = (after: string | undefined) => {
    const from = after === undefined ? 0 : rankOf(land, after);
    const to = Math.min(land.count, from + probeKeys);
    const first = Array.from({ length: to - from }, (_key, index) => land.key(from + index));
    return Promise.resolve({ first, more: to < land.count });
  };
  let ranges: FindRange[] = [{}];
  let pace: Pace = { rounds: 0, seconds: 0, ranges: 0, rests: 1, briefRanges: 0 };
  let [now, listing, lists, looks, done, largestBytes] = [0, 0, 0, 0, 0, 0];
  while (ranges.length > 0) {
    const plan = planRound(pace, ranges.length, finders);
    let own = 0;
    if (plan.ranges > ranges.length) {
      const rests = ranges.map((range): Rest => ({ range, side: 'source' }));
      const budget = probesLeft(done / page, looks, finders);
      const cut = await recut(() => probe, rests, [''], { ranges: plan.ranges, probes: budget });
      ranges = cut.pieces.flat();
      own = cut.probes;
      looks += own;
    }
    largestBytes = Math.max(largestBytes, JSON.stringify(ranges).length);
    const seconds = roundSeconds(pace, { ...plan, ranges: ranges.length }, now);
    now +=
      model.cutSeconds +
      (own / model.looksAtOnce) * model.lookSeconds * 4 +
      model.mapSeconds[plan.brief ? 'brief' : 'long'];
    const end = now + model.callSeconds + seconds;
    const free = new Array<number>(Math.min(plan.finders, ranges.length)).fill(now);
    const rests: FindRange[] = [];
    for (const range of ranges) {
      const finder = free.indexOf(Math.min(...free));
      const start = (free[finder] ?? 0) + model.callSeconds;
      if (start >= end) {
        rests.push(range);
        continue;
      }
      const after = lowerEnd(range);
      const from = after === undefined ? 0 : rankOf(land, after);
      const to = range.until === undefined ? land.count : rankOf(land, range.until);
      const pages = Math.max(1, Math.floor((end - start) * model.pagesPerSecond));
      const count = Math.min(to - from, pages * page);
      done += count;
      const listed = Math.max(1, Math.ceil(count / page));
      free[finder] = start + listed / model.pagesPerSecond;
      lists += listed + (from + count < to ? model.pagesLostByStop : model.pagesLostByEnd);
      if (from + count < to) {
        rests.push({ after: land.key(from + count - 1), ...(range.until !== undefined && { until: range.until }) });
      }
    }
    const finished = Math.max(...free);
    listing += finished - now - model.callSeconds;
    now = finished;
    const { briefRanges } = pace;
    pace = {
      ...{ rounds: pace.rounds + 1, seconds, ranges: ranges.length, rests: rests.length },
      briefRanges: briefRanges + (plan.brief ? ranges.length : 0),
    };
    ranges = rests;
  }
  if (done !== land.count) throw new Error(`${land.name}: ${done} of ${land.count} keys were listed`);
  return {
    ...{ name: land.name, seconds: now, listingSeconds: listing, rounds: pace.rounds, looks, largestBytes },
    aloneSeconds: land.count / page / model.pagesPerSecond,
    lists: lists + looks,
    neededLists: land.count / page,
  };
}
