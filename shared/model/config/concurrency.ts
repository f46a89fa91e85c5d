import * as v from 'valibot';

/**
 * The budget of concurrent Lambda calls: what the whole stack may have running, and how that is divided. An account's
 * calls are shared by all its functions, and a call over the limit is throttled, the least able to wait included.
 */

/**
 * Each finder makes about ten listings a second on either side, so twenty stay far below S3's 5,500 reads a second per
 * prefix and leave most of an account's calls to the copies.
 */
const defaultFinders = 20;

export const concurrencySchema = v.strictObject({
  calls: v.exactOptional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(1),
      v.maxValue(100_000),
      v.description(
        'concurrent Lambda calls of the whole stack, which uploads in parts adapt to; by default `copyConcurrency` and ' +
          '800 more. Below the quota of the account, of which others need a part too',
      ),
    ),
  ),
  finders: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(1),
      v.maxValue(1000),
      v.description('concurrent find-objects calls that are kept free for each run'),
    ),
    defaultFinders,
  ),
  reserved: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'reserve calls for what plans, checks and abandons uploads; only where the account has `calls` and 100 more',
      ),
    ),
    false,
  ),
});

export type ConcurrencySettings = v.InferOutput<typeof concurrencySchema>;

/** What the UPLOAD machine needs at least: one call each to plan, to check and to abandon, and one to send parts. */
const fewestSteps = 3;
const fewestParts = 1;
/** Of the calls, for the steps of the UPLOAD machine: each lasts seconds, those of parts last minutes. */
const stepsShare = 0.05;
/** Calls beside those of copy-objects, if the settings name no sum: together 900 of the 1,000 of an account. */
const defaultOthers = 800;

/**
 * Executions of the UPLOAD machine at once. Each has a Map Run, of which an account may have 1,000 open (AWS Step
 * Functions Developer Guide: Quotas); the rest is for what is counted late.
 */
const mostUploads = 900;

/** How many calls each kind may have at once. */
export interface Shares {
  /** copy-objects; 0 where workers take the jobs */
  readonly copies: number;
  /** find-objects */
  readonly finders: number;
  /** plan-upload, check-upload and abandon-upload together */
  readonly steps: number;
  /** upload-parts, over all executions */
  readonly parts: number;
  /** executions of the UPLOAD machine */
  readonly uploads: number;
}

/** The settings that the division follows from. */
export interface DividedSettings {
  readonly workerMode: 'lambda' | 'ec2' | 'both';
  readonly copyConcurrency: number;
  readonly concurrency: ConcurrencySettings;
}

/** Divides the budget. */
export function sharesOf(settings: DividedSettings): Shares {
  const { calls, finders, copies } = demands(settings);
  const steps = Math.max(fewestSteps, Math.floor(calls * stepsShare));
  const parts = Math.max(fewestParts, calls - finders - copies - steps);
  return { copies, finders, steps, parts, uploads: Math.min(mostUploads, parts) };
}

/**
 * Calls that are reserved for each of the three functions that plan, check and abandon uploads; undefined if none are.
 * Reserved calls are taken from the account's, which must keep 100 for all other functions (AWS Lambda Developer Guide:
 * Configuring reserved concurrency for a function).
 */
export function reservedStepCalls(settings: DividedSettings): number | undefined {
  return settings.concurrency.reserved ? Math.floor(sharesOf(settings).steps / 3) : undefined;
}

/** Why the budget does not suffice; undefined if it does. */
export function shortage(settings: DividedSettings): string | undefined {
  const { calls, finders, copies } = demands(settings);
  const needed = finders + copies + fewestSteps + fewestParts;
  if (calls >= needed) return undefined;
  return (
    `found ${calls}, expected at least ${needed}: ${copies} for copyConcurrency, ${finders} for finders, ` +
    `${fewestSteps} to plan, check and abandon uploads, and ${fewestParts} to send parts`
  );
}

function demands({ workerMode, copyConcurrency, concurrency }: DividedSettings) {
  const copies = workerMode === 'ec2' ? 0 : copyConcurrency;
  const { finders, calls = copyConcurrency + defaultOthers + Math.max(0, finders - defaultFinders) } = concurrency;
  return { calls, finders, copies };
}

/** A mapping of a queue has at least two calls (AWS Lambda Developer Guide: Using Lambda with Amazon SQS). */
const fewestOfQueue = 2;
/** The part of `copyConcurrency` of the queue that has the less work. */
const smallerShare = 0.2;

/**
 * Divides `copyConcurrency` between the queue of jobs and the queue of events. Both have calls of their own, so that
 * neither a run nor a burst of events takes those of the other.
 * @param use what the tasks of the stack have
 */
export function copyShares(
  copyConcurrency: number,
  use: { readonly events: boolean; readonly schedules: boolean },
): { readonly jobs: number; readonly events: number } {
  const smaller = Math.max(fewestOfQueue, use.events ? Math.ceil(smallerShare * copyConcurrency) : 0);
  const larger = Math.max(fewestOfQueue, copyConcurrency - smaller);
  // Without a schedule, runs are rare.
  return use.events && !use.schedules ? { jobs: smaller, events: larger } : { jobs: larger, events: smaller };
}
