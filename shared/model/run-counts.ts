import * as v from 'valibot';

/** What a run found and sent; the sum over its segments. */
export const runCountsSchema = v.object({
  /** keys listed at the source */
  listed: v.number(),
  /** keys listed at the destination */
  listedAtDestination: v.number(),
  /** jobs sent (or, in a dry run, those that would be) */
  jobs: v.number(),
  /** bytes of the objects in those jobs */
  bytes: v.number(),
  /** delete jobs among them; of a run that was refused, none */
  deletes: v.number(),
  /** objects that are the same on both sides */
  same: v.number(),
  /** objects that differ but are archived and not restored, so that no job was sent; absent means none */
  archived: v.exactOptional(v.number()),
  /**
   * objects that differ but whose version failed for good in the last week, so that no job was sent; absent means none
   */
  failedBefore: v.exactOptional(v.number()),
  /** folder markers of a prefix that have no key on the other side, so that no job was sent; absent means none */
  markers: v.exactOptional(v.number()),
  /**
   * copies of the task that lack something, as the ledger has them when the run ends, from earlier runs too; at most
   * 100,000 are counted; absent means none
   */
  incomplete: v.exactOptional(v.number()),
});

export type RunCounts = Readonly<v.InferOutput<typeof runCountsSchema>>;

export const noCounts: RunCounts = { listed: 0, listedAtDestination: 0, jobs: 0, bytes: 0, deletes: 0, same: 0 };

/** Absent where they were not counted, as in states of executions that began before they were. */
const laterNames = ['archived', 'failedBefore', 'markers', 'incomplete'] as const;
const names = Object.keys(noCounts) as Exclude<keyof RunCounts, (typeof laterNames)[number]>[];

/** The sum of two counts, field by field. */
export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return combined(a, b, (one, other) => one + other);
}

/** What `a` has more than `b`, field by field. */
export function subtractCounts(a: RunCounts, b: RunCounts): RunCounts {
  return combined(a, b, (one, other) => one - other);
}

function combined(a: RunCounts, b: RunCounts, combine: (one: number, other: number) => number): RunCounts {
  const result = { ...a };
  for (const name of names) result[name] = combine(a[name], b[name]);
  for (const name of laterNames) {
    if (a[name] !== undefined || b[name] !== undefined) result[name] = combine(a[name] ?? 0, b[name] ?? 0);
  }
  return result;
}
