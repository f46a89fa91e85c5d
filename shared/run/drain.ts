import { addCounts, noCounts, type RunCounts } from '../model/run-counts.ts';
import { addEnds, endedOf, noEnds, subtractEnds, type Ends } from '../model/run-ends.ts';
import type { Drain, DrainingRun, EndsScan } from '../model/messages/payloads.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { CountedQueue } from '../ports/queue-depth.ts';
import type { RunCounters } from '../ports/run-counters.ts';
import type { OpenUploads, RunScan } from '../ports/run-progress.ts';
import type { Belonging, Standing } from './standing.ts';

/**
 * Whether a run has ended: its objects have. The counters say so, at the price of a few reads. They may be too low,
 * where a process died between a write of the ledger and its addition. So when nothing is under way any more, or
 * nothing has ended for an hour, the ledger is scanned and the counters are corrected.
 *
 * | the counters                | queue and uploads          | then                                         |
 * |-----------------------------|----------------------------|----------------------------------------------|
 * | as many as jobs were sent   | any                        | ended                                        |
 * | fewer                       | work, or work a moment ago | wait                                         |
 * | fewer                       | none for a while           | scan; ended, with what the ledger has        |
 * | fewer, still for an hour    | work, maybe of other tasks | scan; ended if none is missing               |
 * | fewer, still for over a day | no upload of the task      | ended; the rest is unaccounted for           |
 */

/** SQS counts "approximately", and within about a minute (SQS API Reference, GetQueueAttributes). */
const quietMillis = 90_000;
const stillMillis = 3600_000;
/** Beyond the time after which a job is given up: its last delay, and its last delivery. */
const patienceMillis = 3 * 3600_000;
/** The shortest wait between two looks, and the longest in the first days. */
const shortestWaitSeconds = 2;
const usualWaitSeconds = 3600;

export interface DrainContext {
  readonly counters: RunCounters;
  readonly scan: RunScan;
  readonly queue: CountedQueue;
  readonly uploads: OpenUploads;
  readonly clock: Clock;
  readonly deadline: Deadline;
  /** how long a job is postponed before it is given up */
  readonly giveUpAfterSeconds: number;
  /** May work of the run be done now? */
  standing(run: Belonging): Promise<Standing>;
}

/**
 * Seconds from a look to the next, by the time since the first one: a twentieth of it, so that the end of a run is seen
 * within 5% of how long it took, but an hour at most. From the fifth day on a 128th of it: some 650 looks in 90 days,
 * each of nine events, are a fourth of the 25,000 that a history may have (Step Functions Developer Guide, Quotas).
 */
export function waitSeconds(sinceFirstSeconds: number): number {
  const longest = Math.max(usualWaitSeconds, sinceFirstSeconds / 128);
  return Math.round(Math.min(longest, Math.max(shortestWaitSeconds, sinceFirstSeconds / 20)));
}

/** Jobs that the run sent. */
export function sentOf({ results, deleted }: Pick<DrainingRun, 'results' | 'deleted'>): number {
  const all: readonly { readonly counts: RunCounts }[] = [...results, ...deleted];
  return all.map(({ counts }) => counts).reduce<RunCounts>(addCounts, noCounts).jobs;
}

/** Looks at how far the jobs of a run are. @throws Fault of a port; the next look makes up for it */
export async function lookAtRun(context: DrainContext, run: DrainingRun): Promise<Drain> {
  const now = context.clock.now();
  const sent = sentOf(run);
  const { ends: counted } = sent === 0 ? { ends: noEnds } : await context.counters.read(run.task, run.run);
  const look = lookOf(run.drain, counted, now);
  if (endedOf(look.ends) >= sent) return { ...look, state: 'ended' };
  const standing = await context.standing(run);
  // While work is held, that nothing ends means nothing.
  if (standing.kind === 'held') return waiting({ ...withoutQuiet(look), movedAt: now }, now);
  const quietSince = (await isQuiet(context, run.task)) ? (look.quietSince ?? now) : undefined;
  const seen: Drain = quietSince === undefined ? withoutQuiet(look) : { ...look, quietSince };
  const isQuietNow = quietSince !== undefined && now - quietSince >= quietMillis;
  if (!isQuietNow && now - seen.movedAt < stillMillis) return waiting(seen, now);
  const scanned = isScanned(seen) ? seen : await scan(context, run, { seen, counted });
  if (!isScanned(scanned)) return scanned;
  if (endedOf(scanned.ends) >= sent || isQuietNow) return { ...scanned, state: 'ended' };
  const isGivenUp = now - scanned.movedAt >= context.giveUpAfterSeconds * 1000 + patienceMillis;
  if (isGivenUp && !(await context.uploads.anyRunning(run.task))) return { ...scanned, state: 'ended' };
  return waiting(scanned, now);
}

/** What a look begins with: the last one, and what the counters say now. */
function lookOf(before: Drain | undefined, counted: Ends, now: number): Drain {
  const count = endedOf(counted);
  const { beganAt = now, correction } = before ?? {};
  const ends = correction ? addEnds(counted, correction.ends) : counted;
  const common = {
    state: 'waiting',
    waitSeconds: 0,
    beganAt,
    counted: count,
    ends,
    ...(correction && { correction }),
  } as const;
  if (!before || before.counted !== count) return { ...common, movedAt: now };
  const { movedAt, quietSince, scan: under } = before;
  return { ...common, movedAt, ...(quietSince !== undefined && { quietSince }), ...(under && { scan: under }) };
}

function withoutQuiet({ quietSince: _noMore, scan: _stale, ...look }: Drain): Drain {
  return look;
}

/** The state until the next look. A quiet queue is looked at again soon: the run may be about to end. */
function waiting(look: Drain, now: number): Drain {
  const usual = waitSeconds((now - look.beganAt) / 1000);
  const soon = look.quietSince !== undefined ? quietMillis / 1000 : usualWaitSeconds * 24;
  return { ...look, waitSeconds: look.scan ? 1 : Math.max(1, Math.min(usual, soon)) };
}

/** Was the ledger scanned since the counters moved last? */
function isScanned({ correction, counted }: Drain): boolean {
  return correction?.counted === counted;
}

/** Goes on with the scan; what moved meanwhile makes it worthless. @returns with a correction if it is done */
async function scan(
  { scan: port, counters, clock, deadline }: DrainContext,
  run: DrainingRun,
  { seen, counted }: { readonly seen: Drain; readonly counted: Ends },
): Promise<Drain> {
  const { scan: from, ...look } = seen;
  const found: EndsScan = await port.countEnds(run, from, deadline);
  if (!found.done) return waiting({ ...look, scan: found }, clock.now());
  const { ends: after } = await counters.read(run.task, run.run);
  if (JSON.stringify(after) !== JSON.stringify(counted)) return waiting(withoutQuiet(look), clock.now());
  const correction = { ends: subtractEnds(found.ends, counted), counted: look.counted };
  return { ...look, ends: found.ends, correction };
}

/** Is nothing in the queue, and no upload of the task under way? */
async function isQuiet({ queue, uploads }: DrainContext, task: string): Promise<boolean> {
  const { waiting: ready, inFlight, delayed } = await queue.depth();
  return ready + inFlight + delayed === 0 && !(await uploads.anyRunning(task));
}
