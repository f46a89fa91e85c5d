/**
 * A run searches its keys in rounds. In each, several finders search a range each; when the round's time is over, all
 * of them stop and return the rests of their ranges, which are cut again for the next round. So it does not matter how
 * the keys are distributed: what has many keys is left over, and is cut again until all finders have work.
 */

/** What the rounds before have shown. */
export interface Pace {
  /** rounds so far */
  readonly rounds: number;
  /** of the last round: how long it was, how many ranges it had, and how many of them have a rest */
  readonly seconds: number;
  readonly ranges: number;
  readonly rests: number;
  /** ranges of all brief rounds */
  readonly briefRanges: number;
}

/** A round before its ranges are cut. */
export interface RoundPlan {
  /**
   * The finders are items of an inline Map, which starts in well under a second but writes each of their steps into
   * the history of the run's execution. Otherwise they are child executions of a distributed Map, whose start and end
   * take some seven seconds (AWS re:Post, "Why is Step Function's Distributed Map slow?"; not documented).
   */
  readonly brief: boolean;
  /** finders at once */
  readonly finders: number;
  /** ranges that there should be, the rests of the last round included; no cut is made if there are enough */
  readonly ranges: number;
}

/** Step Functions: items of an inline Map at once (Developer Guide, "Using Map state in Inline mode"). */
const maxBriefFinders = 40;
/** Ranges in brief rounds altogether: some 9 events each, of the 25,000 that an execution may have. */
const maxBriefRanges = 900;
/** More finders than a brief round has are wanted soon. */
const briefRoundsOfMany = 3;
/** The most finders that the ranges of one state can keep busy. */
const maxFinders = 400;
/** A finder that has searched its range takes the next one. */
const rangesPerFinder = 3;
/** All ranges and what is returned for them have to fit into 256 KiB, with some 330 bytes each. */
const maxRanges = 480;

/** Seconds of the shortest round of each kind, about five times what it costs to begin one. */
const shortestBrief = 5;
const shortestLong = 30;
/** The share of the finders that should be at work until the end of a round. */
const busyShare = 0.8;
/** Seconds of the longest round. What is in a range that does not end is found out that late. */
const longestRound = 120;
/** In runs of hours: a call of find-objects has 15 minutes. */
const longestOfAll = 720;
/** A round's share of the time that the run has taken so far: at most that much is lost if its finders run out. */
const shareOfAge = 0.3;

/**
 * How many looks for places to cut a run may still make: some always, and one for 25 of its listings.
 * @param pages that it has listed
 */
export function probesLeft(pages: number, probes: number, finders: number): number {
  return Math.max(0, Math.floor(Math.max(leastFreeProbes, finders * freeProbes) + pages * probeShare) - probes);
}

const leastFreeProbes = 150;
/** For each finder. */
const freeProbes = 8;
const probeShare = 0.04;

/** Plans the next round. @param rests how many ranges are left @param allowed finders at once */
export function planRound(pace: Omit<Pace, 'rests'>, rests: number, allowed: number): RoundPlan {
  const wanted = Math.min(allowed, maxFinders);
  const isMany = wanted > maxBriefFinders;
  const isEarly = !isMany || pace.rounds < briefRoundsOfMany;
  const brief = pace.briefRanges < maxBriefRanges && (isEarly || rests < maxBriefFinders / 4);
  const finders = brief ? Math.min(wanted, maxBriefFinders) : wanted;
  const ranges = rests >= finders ? rests : Math.min(maxRanges, finders * rangesPerFinder);
  return { brief, finders, ranges };
}

/**
 * How long the round is to be: until some of its finders have nothing left to do, as far as that follows from the
 * last round, so that there is something to cut for them.
 * @param ageSeconds of the run
 */
export function roundSeconds(pace: Pace, { brief, finders, ranges }: RoundPlan, ageSeconds: number): number {
  const shortest = brief ? shortestBrief : shortestLong;
  if (pace.ranges === 0) return shortest;
  // Cutting a rest into two halves the time that each takes.
  const grown = Math.max(1, ranges / Math.max(1, pace.rests));
  const endedShare = (pace.ranges - pace.rests) / pace.ranges;
  const endingPerSecond = (endedShare / Math.max(1, pace.seconds)) * ranges * grown;
  const untilIdle = endingPerSecond > 0 ? Math.max(0, ranges - busyShare * finders) / endingPerSecond : Infinity;
  // An execution may have 25,000 events, and a round takes some 16.
  const most = Math.min(longestOfAll, Math.max(longestRound, ageSeconds / 50));
  const longest = Math.min(most, pace.seconds * 2, ageSeconds * shareOfAge);
  return Math.max(shortest, Math.min(longest, untilIdle));
}
