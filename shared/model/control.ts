import * as v from 'valibot';
import { Fault } from './faults.ts';

/**
 * What holds back the work of a task: operators who pause it or some of its runs, or cancel runs, and sides that fail.
 * One item of the ledger's table per task says it (shared/aws/dynamodb/controls.ts). Absent means that nothing does.
 */

/** Characters of a reason, and of the name of the person who gave it. */
export const maxReasonCharacters = 200;
export const maxByCharacters = 128;
/** Runs of one task that may be paused or cancelled at the same time: an item has at most 400 KB. */
export const maxControlledRuns = 100;
/** How long a run stays in the item: longer than any of its messages or executions lasts. */
export const runControlKeptMillis = 100 * 24 * 3600 * 1000;

/** The time between two probes of a side that fails. */
export const probeMillis = 60_000;

const text = (limit: number) => v.pipe(v.string(), v.maxLength(limit));
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const orderEntries = {
  /** when it was given, milliseconds since the epoch */
  since: time,
  /** for people; never a secret */
  reason: text(maxReasonCharacters),
  /** who gave it */
  by: text(maxByCharacters),
};

export const orderSchema = v.object(orderEntries);

/** What an operator has ordered, when and why. */
export type Order = Readonly<v.InferOutput<typeof orderSchema>>;

export const runOrderSchema = v.object({
  run: text(256),
  kind: v.picklist(['paused', 'cancelled']),
  ...orderEntries,
});
/** What an operator has ordered about one run. */
export type RunOrder = Readonly<v.InferOutput<typeof runOrderSchema>>;

export const sides = ['source', 'destination'] as const;
export type SideName = (typeof sides)[number];

const breakerSchema = v.object({
  /** how the side fails */
  fault: v.picklist(['CredentialsRefused', 'Throttled', 'Unavailable']),
  /** the code of the store, if it gave one; never a key of an object */
  code: v.exactOptional(text(64)),
  /** since when, milliseconds since the epoch */
  since: time,
  /** when one process may try it again, milliseconds since the epoch */
  probeAt: time,
});

/** A side of a task that fails whatever is asked of it. Nothing is asked until a probe succeeds. */
export type Breaker = Readonly<v.InferOutput<typeof breakerSchema>>;

const breakersSchema = v.object({
  source: v.exactOptional(breakerSchema),
  destination: v.exactOptional(breakerSchema),
});

export const controlSchema = v.object({
  /** present while the whole task is paused */
  paused: v.exactOptional(v.pipe(orderSchema, v.readonly())),
  /** one order for each run that has one */
  runs: v.exactOptional(v.pipe(v.array(v.pipe(runOrderSchema, v.readonly())), v.readonly())),
  /** present for the sides that fail */
  breakers: v.exactOptional(v.pipe(breakersSchema, v.readonly())),
});

/** The fields of a task's item. */
export const controlFields = Object.keys(controlSchema.entries) as (keyof typeof controlSchema.entries)[];

export type Control = Readonly<v.InferOutput<typeof controlSchema>>;

/** Nothing is held back. */
export const noControl: Control = {};

/** The task paused, or one run of it. A run that is paused or cancelled already stays as it is. */
export function pause(control: Control, order: Order, run?: string): Control {
  if (run !== undefined) return withRun(control, { run, kind: 'paused', ...order });
  return control.paused ? control : { ...control, paused: order };
}

/** The pause of the task, or of one run, ended. A run that was cancelled stays so. */
export function resume(control: Control, run?: string): Control {
  if (run === undefined) {
    const { paused: _ended, ...rest } = control;
    return rest;
  }
  if (orderOf(control, run)?.kind !== 'paused') return control;
  return { ...control, runs: (control.runs ?? []).filter((order) => order.run !== run) };
}

/** The run cancelled, for good, whether or not it was paused. */
export function cancel(control: Control, order: Order, run: string): Control {
  if (orderOf(control, run)?.kind === 'cancelled') return control;
  return withRun(resume(control, run), { run, kind: 'cancelled', ...order });
}

/** What was ordered about a run. */
export function orderOf({ runs = [] }: Control, run: string): RunOrder | undefined {
  return runs.find((order) => order.run === run);
}

/** Adds an order about a run, unless it has one, and forgets those that no message or execution can need any more. */
function withRun(control: Control, order: RunOrder): Control {
  if (orderOf(control, order.run)) return control;
  const kept = (control.runs ?? []).filter(({ since }) => order.since - since < runControlKeptMillis);
  if (kept.length >= maxControlledRuns) {
    const what = `${kept.length} runs of the task are paused or cancelled, and no more fit; resume some that are paused`;
    throw new Fault('Refused', what);
  }
  return { ...control, runs: [...kept, order] };
}

/** The side does not work any more. If that is known, the first time and reason stay. */
export function openBreaker(control: Control, side: SideName, breaker: Breaker): Control {
  if (control.breakers?.[side]) return control;
  return { ...control, breakers: { ...control.breakers, [side]: breaker } };
}

/** The side works again. */
export function closeBreaker(control: Control, side: SideName): Control {
  if (!control.breakers?.[side]) return control;
  const { [side]: _closed, ...others } = control.breakers;
  const { breakers: _before, ...rest } = control;
  return Object.keys(others).length === 0 ? rest : { ...rest, breakers: others };
}

/** The next probe of the side put off, which the caller makes now; the same control if it is not time for one. */
export function claimProbe(control: Control, side: SideName, now: number): Control {
  const breaker = control.breakers?.[side];
  if (!breaker || now < breaker.probeAt) return control;
  return { ...control, breakers: { ...control.breakers, [side]: { ...breaker, probeAt: now + probeMillis } } };
}
