import * as v from 'valibot';

/**
 * A job that fails because of its surroundings (an outage, throttling, a refused credential) is sent to the queue again
 * as a new, delayed message. Its deliveries are not counted, because every other job of the task fails in the same way:
 * an hour of outage would bury all that wait. What is counted is time.
 */

/** The history of a postponed job, which its message carries. */
export interface Postponement {
  /** when it was first postponed, milliseconds since the epoch */
  readonly since: number;
  readonly times: number;
  /** when the event happened that the job came from, milliseconds since the epoch */
  readonly eventAt?: number;
}

const wholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const postponementSchema = v.strictObject({
  since: wholeNumber,
  times: wholeNumber,
  eventAt: v.exactOptional(wholeNumber),
});

/** The first and the longest delay. SQS allows 15 minutes; after an outage, all jobs have to be back soon. */
const firstDelaySeconds = 15;
const maxDelaySeconds = 300;

export type Verdict =
  | { readonly kind: 'later'; readonly delaySeconds: number; readonly postponement: Postponement }
  | { readonly kind: 'given up' };

/**
 * Decides whether a job is postponed once more. The delay doubles from 15 seconds to 5 minutes; a random part of up to
 * half of it keeps jobs that failed together from coming back together.
 * @param before what its message says; undefined if it fails for the first time
 * @param giveUpAfterSeconds time since the first failure after which the job is given up
 * @param random from 0 to 1, exclusive
 */
export function judgePostponement(
  before: Postponement | undefined,
  { now, giveUpAfterSeconds, random }: { now: number; giveUpAfterSeconds: number; random: number },
): Verdict {
  // A clock that is behind, or a forged message, must not make a job wait for longer.
  const since = Math.min(before?.since ?? now, now);
  if (now - since >= giveUpAfterSeconds * 1000) return { kind: 'given up' };
  const times = (before?.times ?? 0) + 1;
  const longest = Math.min(maxDelaySeconds, firstDelaySeconds * 2 ** Math.min(times - 1, 30));
  const delaySeconds = Math.round(longest * (1 - random / 2));
  return { kind: 'later', delaySeconds, postponement: { ...before, since, times } };
}

/**
 * The postponement of a job that may not be done now. The time until it returns counts for nothing: what failed before
 * begins its time again then.
 * @param returnsAt milliseconds since the epoch
 */
export function postponedUncounted(before: Postponement | undefined, returnsAt: number): Postponement {
  return { ...before, since: returnsAt, times: before?.times ?? 0 };
}

/** The postponement as a text of ASCII characters, for a message attribute. */
export function encodePostponement(postponement: Postponement): string {
  return JSON.stringify(postponement);
}

/** Reads {@link encodePostponement}'s text. Any other text means a message that was not postponed. */
export function decodePostponement(text: string | undefined): Postponement | undefined {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), postponementSchema), text);
  return read.success ? read.output : undefined;
}
