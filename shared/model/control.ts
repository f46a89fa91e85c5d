import * as v from 'valibot';
import { Fault } from './faults.ts';

/**
 * What operators have decided about a task while it runs: to pause it or some of its runs, or to cancel runs. One item
 * of the ledger's table per task holds it (shared/aws/dynamodb/controls.ts). Absent means that nothing is held back.
 */

/** Characters of a reason, and of the name of the person who gave it. */
export const maxReasonCharacters = 200;
export const maxByCharacters = 128;
/** Runs of one task that may be paused or cancelled at the same time: an item has at most 400 KB. */
export const maxControlledRuns = 100;
/** How long a run stays in the item: longer than any of its messages or executions lasts. */
export const runControlKeptMillis = 100 * 24 * 3600 * 1000;

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

export const controlSchema = v.object({
  /** present while the whole task is paused */
  paused: v.exactOptional(v.pipe(orderSchema, v.readonly())),
  /** one order for each run that has one */
  runs: v.exactOptional(v.pipe(v.array(v.pipe(runOrderSchema, v.readonly())), v.readonly())),
});

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
