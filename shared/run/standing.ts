import { Held } from '../model/held.ts';
import { orderOf, sides, type Control } from '../model/control.ts';
import { Fault, type FaultName } from '../model/faults.ts';
import { visible } from '../model/text.ts';

/**
 * This folder governs runs: what may be done now, and what has to wait. Decisions are pure (this file); what they are
 * made from is read through ports and remembered for some seconds (controls-cache.ts).
 */

/** May the work of a task, or of one of its runs, be done now? */
export type Standing =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'held';
      /** for people */
      readonly reason: string;
      /** milliseconds since the epoch */
      readonly since: number;
      /** that of a side that fails */
      readonly fault?: FaultName;
      /** how long it lasts, if that is known */
      readonly waitSeconds?: number;
    }
  | { readonly kind: 'cancelled'; readonly reason: string };

export type HeldStanding = Extract<Standing, { kind: 'held' }>;

export const free: Standing = { kind: 'free' };

/** What work belongs to. An event's job has no run. */
export interface Belonging {
  readonly task: string;
  readonly run?: string | undefined;
}

/**
 * Decides by the orders of operators. A run that was cancelled is cancelled even while its task is paused: its jobs
 * leave the queue, and cost nothing any more.
 */
export function standingOf(control: Control, { task, run }: Belonging): Standing {
  const order = run === undefined ? undefined : orderOf(control, run);
  if (order?.kind === 'cancelled') return { kind: 'cancelled', reason: `run ${run} of task ${task} was cancelled` };
  if (control.paused) return held(`task ${task} is paused`, control.paused);
  if (order) return held(`run ${run} of task ${task} is paused`, order);
  for (const side of sides) {
    const breaker = control.breakers?.[side];
    if (!breaker) continue;
    const { fault, code, since } = breaker;
    const how = `${fault}${code === undefined ? '' : `, ${visible(code)}`}`;
    const reason = `the ${side} of task ${task} has failed since ${new Date(since).toISOString()} (${how})`;
    return { kind: 'held', fault, reason, since };
  }
  return free;
}

function held(what: string, { since, reason }: { readonly since: number; readonly reason: string }): Standing {
  return { kind: 'held', reason: reason === '' ? what : `${what}: ${visible(reason)}`, since };
}

/** The longest wait of a machine for a time that is known: a task may be changed before. */
const maxKnownSeconds = 3600;

/** The shortest wait, and the longest: SQS delays a message for 15 minutes at most (SendMessage, DelaySeconds). */
const firstDelaySeconds = 15;
const maxDelaySeconds = 900;
/** The longest wait of a machine while a side fails, on the first day: work is back soon after an outage. */
const maxFailingSeconds = 300;

/**
 * Seconds until held work is looked at again: half of the time that it has been held for, from 15 seconds to 15
 * minutes. So work that was held briefly is back soon, and a pause of days costs four messages an hour for each job. A
 * random part of up to half of it spreads jobs that would come back together.
 * @param since when the hold began, and `now`, in milliseconds since the epoch
 * @param random from 0 to 1, exclusive
 */
export function holdDelaySeconds(since: number, now: number, random: number): number {
  const heldSeconds = Math.max(0, now - since) / 1000;
  const longest = Math.min(maxDelaySeconds, Math.max(firstDelaySeconds, heldSeconds / 2));
  return Math.max(1, Math.round(longest * (1 - random / 2)));
}

/**
 * Seconds until a machine looks at held work again: the same, and later a 96th of the time that it has been held for,
 * because an execution may have 25,000 events (Step Functions Developer Guide, "Service quotas"): two months of waiting
 * take some 500 looks.
 */
export function holdWaitSeconds({ since, fault, waitSeconds }: HeldStanding, now: number, random: number): number {
  if (waitSeconds !== undefined) return Math.min(maxKnownSeconds, waitSeconds);
  const longest = fault === undefined ? maxDelaySeconds : maxFailingSeconds;
  return Math.max(Math.min(longest, holdDelaySeconds(since, now, random)), Math.round((now - since) / 1000 / 96));
}

/**
 * The fault of work that may not be done now: the side's own if one fails, whose time counts, else `Held`. Work that is
 * interrupted because its run was cancelled is looked at again soon, and then leaves.
 * @param now milliseconds since the epoch
 */
export function heldBy(standing: Exclude<Standing, { kind: 'free' }>, now: number): Fault {
  const { kind, reason } = standing;
  if (kind === 'held' && standing.fault !== undefined) return new Fault(standing.fault, reason);
  return new Held(reason, kind === 'held' ? delaySeconds(standing, now) : 1);
}

/** The delay of a held job. Jobs that wait for a known time come back over the minute after it. */
function delaySeconds({ since, waitSeconds }: HeldStanding, now: number): number {
  if (waitSeconds === undefined) return holdDelaySeconds(since, now, Math.random());
  return Math.min(maxDelaySeconds, waitSeconds + Math.ceil(60 * Math.random()));
}
