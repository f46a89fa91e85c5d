import { isOfSurroundings } from '../../model/call-errors.ts';
import { Fault } from '../../model/faults.ts';
import { maxIdleRounds, maxUploadDays, maxUploadRounds } from '../../model/limits.ts';
import type { BatchOutcome, CheckUploadInput } from '../../model/messages/payloads.ts';
import { holdWaitSeconds, type HeldStanding } from '../../run/standing.ts';
import { neededSpeed } from '../decide/may-start-part.ts';
import { countParts } from '../plan-parts.ts';

/** What follows a check of an upload that lacks parts: a pure decision from the last state and what is missing now. */

/** A part that seems missing may still be in flight; after this wait it is sent again. */
const secondLookSeconds = 60;
/** A wait while the surroundings fail lasts a sixteenth of the time that they have failed, and this once they did. */
const usualWaitSeconds = 240;
/** The longest such wait, in the first day; later a 96th of the time that they have failed. */
const longestWaitSeconds = 900;
const daySeconds = 24 * 3600;

/** An upload whose parts are being sent. */
export type Underway = Extract<CheckUploadInput, { round: number }>;

export interface Circumstances {
  /** names the object in messages */
  readonly what: string;
  /** milliseconds since the epoch */
  readonly now: number;
  /** parts missing now */
  readonly left: number;
  /** parts, from the first, that a second read has proven */
  readonly proven: number;
  /** how long the surroundings may fail all batches before the upload is given up */
  readonly giveUpAfterSeconds: number;
}

/** The next step, and the counts with which it is taken. */
export type Next = {
  readonly round: number;
  readonly idleRounds: number;
  readonly faultsSince?: number;
} & (
  | { readonly state: 'uploading'; /** one batch only, to see whether it works again */ readonly trial: boolean }
  | { readonly state: 'waiting'; readonly waitSeconds: number }
);

/**
 * | the last round                                   | next                                                        |
 * |--------------------------------------------------|-------------------------------------------------------------|
 * | was sent in part, as planned, and has arrived    | uploading: the rest                                         |
 * | lacks parts                                      | waiting, a minute: they may be in flight; then uploading    |
 * | failed, and nothing but the surroundings did     | waiting, a minute to 15; then uploading, one batch as trial |
 *
 * @throws Fault `UploadStuck` after too many rounds, too many without a new part, or too long
 */
export function nextStep(last: Underway, circumstances: Circumstances): Next {
  const { now, left, proven } = circumstances;
  // `last.missing` counts what was missing at the last check: an equal number means that no part arrived since.
  const arrived = left < last.missing || proven > (last.proven ?? 0);
  const faultsSince = arrived ? undefined : surroundingsFailedSince(last, now);
  const counts = {
    round: last.round + 1,
    idleRounds: arrived ? 0 : last.idleRounds + (faultsSince === undefined ? 1 : 0),
    ...(faultsSince !== undefined && { faultsSince }),
  };
  checkBounds(last, counts, circumstances);
  if (last.state === 'waiting') return { ...counts, state: 'uploading', trial: faultsSince !== undefined };
  if (arrived && wasSentInPart(last)) return { ...counts, state: 'uploading', trial: false };
  const failedSeconds = (now - (faultsSince ?? now)) / 1000;
  return { ...counts, state: 'waiting', waitSeconds: waitSeconds(failedSeconds) };
}

/** Since when have all rounds failed because of their surroundings? Undefined if the last one did not. */
function surroundingsFailedSince({ state, outcomes = [], faultsSince }: Underway, now: number): number | undefined {
  if (state === 'waiting') return faultsSince;
  const failed = outcomes.some(({ outcome }) => isOfSurroundings(outcome));
  const nothingElse = outcomes.every(({ outcome }) => outcome === 'left' || isOfSurroundings(outcome));
  return failed && nothingElse ? (faultsSince ?? now) : undefined;
}

/** Was every batch sent, and were there fewer parts in them than were missing? */
function wasSentInPart({ outcomes = [], batches, missing }: Underway): boolean {
  const planned = batches.reduce((sum, { parts }) => sum + countParts(parts), 0);
  return planned < missing && outcomes.every(({ outcome }) => outcome === 'sent');
}

/**
 * The state of an upload that may not go on now. The time that it waits counts for nothing.
 * @param now milliseconds since the epoch
 */
export function waitingFor(state: Underway, standing: HeldStanding, now: number): Underway {
  const { outcomes: _before, faultsSince: _counted, startedAt = now, ...rest } = state;
  const waitSeconds = holdWaitSeconds(standing, now, Math.random());
  return { ...rest, state: 'waiting', idleRounds: 0, waitSeconds, startedAt: startedAt + waitSeconds * 1000 };
}

/**
 * At first as long as the surroundings have failed so far. After an outage of an hour, uploads go on within minutes;
 * after one of a day, within a quarter of an hour.
 */
function waitSeconds(failedSeconds: number): number {
  const longest = Math.max(longestWaitSeconds, (failedSeconds * longestWaitSeconds) / daySeconds);
  const wait = Math.max(secondLookSeconds, Math.min(usualWaitSeconds, failedSeconds), failedSeconds / 16);
  return Math.round(Math.min(longest, wait));
}

function checkBounds(
  { startedAt, outcomes, target }: Underway,
  { round, idleRounds, faultsSince }: Omit<Next, 'state'>,
  { what, now, left, giveUpAfterSeconds }: Circumstances,
): void {
  const failedSeconds = (now - (faultsSince ?? now)) / 1000;
  const days = daysSince(startedAt, now);
  const tooMany = round > maxUploadRounds || idleRounds > maxIdleRounds;
  if (!tooMany && days <= maxUploadDays && failedSeconds < giveUpAfterSeconds) return;
  const failed = failedSeconds > 0 ? `, the last ${(failedSeconds / 3600).toFixed(1)} hours of them failing` : '';
  throw new Fault(
    'UploadStuck',
    `${what}: ${left} of ${target.plan.partCount} parts are missing after ${days.toFixed(1)} days${failed}, ` +
      `${round} rounds, ${idleRounds} of them without a new part (${summary(outcomes)}); ` +
      neededSpeed(target.plan.partSize),
  );
}

/** Days since an upload was first planned. */
export function daysSince(startedAt: number | undefined, now: number): number {
  return (now - (startedAt ?? now)) / (daySeconds * 1000);
}

/** The outcomes of the batches, each with its count. */
function summary(outcomes: readonly BatchOutcome[] = []): string {
  const counts = new Map<string, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name}: ${count}`).join(', ') || 'no batch ended';
}
