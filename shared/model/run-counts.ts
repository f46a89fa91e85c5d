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
  /** delete jobs among them */
  deletes: v.number(),
  /** objects that are the same on both sides */
  same: v.number(),
});

export type RunCounts = Readonly<v.InferOutput<typeof runCountsSchema>>;

export const noCounts: RunCounts = { listed: 0, listedAtDestination: 0, jobs: 0, bytes: 0, deletes: 0, same: 0 };

const names = Object.keys(noCounts) as (keyof RunCounts)[];

/** The sum of two counts, field by field. */
export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  const sum = { ...a };
  for (const name of names) sum[name] += b[name];
  return sum;
}

/** What `a` has more than `b`, field by field. */
export function subtractCounts(a: RunCounts, b: RunCounts): RunCounts {
  const difference = { ...a };
  for (const name of names) difference[name] -= b[name];
  return difference;
}
