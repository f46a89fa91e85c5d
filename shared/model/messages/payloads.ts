import type { Job } from '../job.ts';
import type { OpenUpload } from '../ledger-entry.ts';
import type { DeleteGuard } from '../delete-guard.ts';
import type { RunCounts } from '../run-counts.ts';
import type { Ends } from '../run-ends.ts';
import type { RunEndEvent } from '../run-summary.ts';
import type { PartPlan, PartRange } from '../part-plan.ts';

/**
 * What the two state machines pass from state to state. Each step's output is the next step's input, so read the types
 * of a machine from top to bottom. They hold no secrets, and their size does not grow with the bucket.
 *
 * The folder has every message of the pipeline but the job: these payloads, S3's events (s3-event.ts), and
 * CloudFormation's requests for the custom resource (custom-resource.ts).
 */

// --- SYNC ---------------------------------------------------------------------------------------------------------

/** StartExecution's input. */
export interface SyncInput {
  readonly task: string;
  /** only this part of the task's source; must start with the task's own source prefix */
  readonly prefix?: string;
  /** find and count, send nothing */
  readonly dryRun?: boolean;
  /** send the run's deletes whatever their number: a dry run or a refusal has shown them */
  readonly allowDeletes?: boolean;
  /** only check buckets and permissions: find nothing, send nothing */
  readonly checkOnly?: boolean;
}

export interface PlanSyncInput {
  readonly input: unknown;
  readonly run: string;
  /** ARN of the run's execution; absent in executions that began before runs were admitted */
  readonly execution?: string;
  /** ISO 8601 */
  readonly startedAt: string;
}

/** Keys k of the source with after < k <= until, both optional, in UTF-8 byte order. */
export interface Segment {
  readonly after?: string;
  readonly until?: string;
}

export interface SyncPlan {
  readonly task: string;
  readonly run: string;
  readonly startedAt: string;
  readonly dryRun: boolean;
  readonly prefix: string;
  readonly prefixList: PinnedList;
  readonly segments: readonly Segment[];
  /** the limits of the run's deletes, where they are not the defaults */
  readonly guard?: DeleteGuard;
}

/** What plan-sync returns for a run that must not begin because another is under way. The machine then ends. */
export interface SupersededRun {
  readonly superseded: {
    readonly task: string;
    /** the run in the way; empty if the task itself may not work now */
    readonly by: string;
    readonly reason: string;
  };
}

/** The version of the task's prefix list that the run uses; no ETag if the task has no list. */
export interface PinnedList {
  readonly etag?: string;
}

/**
 * Where find-objects stopped. `merge` walks both listings side by side; `heads` is for stores that list in another
 * order: it walks one listing and looks up each key on the other side, first the source's, then (where deletes
 * replicate) the destination's.
 */
export interface FindCursor {
  readonly mode: 'merge' | 'heads';
  readonly listing?: 'source' | 'destination';
  /**
   * The last keys processed, relative to the prefix: of the listing, and (`merge`) of the destination's listing. Each
   * listing continues from its own key; otherwise keys would be skipped if a store lists in another order.
   */
  readonly after?: string;
  readonly destinationAfter?: string;
  /** Where each side's listing stands if it has come beyond that key without finding another. */
  readonly places?: { readonly source?: ListPlace; readonly destination?: ListPlace };
}

/** A place in a listing that no key names. */
export interface ListPlace {
  /** the one of the run's prefixes that is listed */
  readonly prefix?: string;
  /** the store's token of the page; absent at the prefix's beginning */
  readonly token?: string;
  /** true if nothing follows */
  readonly ended?: true;
}

/** find-objects takes this and returns it; the machine calls it again until `done` is true. */
export interface FindObjectsState {
  readonly task: string;
  readonly run: string;
  readonly dryRun: boolean;
  readonly prefix: string;
  readonly prefixList: PinnedList;
  readonly segment: Segment;
  readonly cursor?: FindCursor;
  readonly counts?: RunCounts;
  readonly done?: boolean;
  /** the run may not go on now: how long the machine waits before it calls again */
  readonly waitSeconds?: number;
  /**
   * What becomes of deletes. `hold` counts them: a run first finds out how many there are. Then the segments that have
   * some are searched once more, for deletes alone, and at most as many are sent as were counted. Absent in executions
   * that began before there were two passes: they are sent as they are found.
   */
  readonly deletes?: 'hold' | { readonly atMost: number };
  /** the first of the keys to be deleted, shortened, for people to judge the number by */
  readonly examples?: readonly string[];
}

/** A range of keys, and where an earlier call stopped in it. */
export interface FindRange extends Segment {
  readonly cursor?: FindCursor;
  /** of the second pass: deletes that may still be sent */
  readonly atMost?: number;
  /** it passes this round by */
  readonly idle?: true;
}

/** What the calls of a round have in common. */
export interface FindRound {
  /** when all of them stop, milliseconds since the epoch */
  readonly endsAt: number;
  /** bytes of JSON that a call may return: all of them are one state of the machine */
  readonly resultBytes: number;
  /** calls at once */
  readonly finders: number;
}

/** find-objects takes this in a round. The machines of earlier versions send a {@link FindObjectsState} instead. */
export interface FindOrder extends Pick<FindObjectsState, 'task' | 'run' | 'dryRun' | 'prefix' | 'prefixList'> {
  readonly range: FindRange;
  readonly round: FindRound;
}

/** What a call of a round has done, and what it leaves. */
export interface RangeResult {
  /** absent if the range is done */
  readonly rest?: FindRange;
  /** what this call found; absent if it did nothing */
  readonly counts?: RunCounts;
  /** some of the keys to be deleted, shortened */
  readonly examples?: readonly string[];
  /** how long the call held back, because many jobs wait in the queue; absent means not at all */
  readonly heldSeconds?: number;
  /** the keys up to `rest` in which deletes were found */
  readonly stretch?: Segment;
  /** a store lists in another order: the run has to be searched in one piece, from the start */
  readonly unsorted?: true;
  /** bytes of a result that was too long; the range is left as it was */
  readonly tooLong?: number;
  /** the fault that ends the run. A distributed Map would report none of its children's own */
  readonly failed?: { readonly name: string; readonly message?: string };
}

/** What cut-ranges takes and returns; plan-sync's plan and check-deletes's answer are such states too. */
export interface FindState extends Omit<SyncPlan, 'segments'> {
  /** ranges for the next round, then, in the same order, what became of each */
  readonly work?: readonly (FindRange | RangeResult)[];
  /** of a run that begins: the one segment that has all keys */
  readonly segments?: readonly Segment[];
  /** the machine's next step; absent until cut-ranges has answered */
  readonly next?: 'brief' | 'long' | 'wait' | 'found' | 'done';
  /** `deletes`: the second pass, for deletes alone; absent in the first */
  readonly pass?: 'deletes';
  readonly round?: FindRound;
  /** of `wait` */
  readonly waitSeconds?: number;
  readonly progress?: FindProgress;
  /** for finish-run: the sums of both passes */
  readonly results?: readonly { readonly counts: RunCounts }[];
  readonly deleted?: readonly { readonly counts: RunCounts }[];
  readonly refusal?: string;
}

/** What a run's rounds have come to, in one pass. */
export interface FindProgress {
  readonly counts: RunCounts;
  readonly examples: readonly string[];
  /** where deletes were found, in order, with their number */
  readonly stretches: readonly { readonly segment: Segment; readonly deletes: number }[];
  readonly rounds: number;
  readonly briefRanges: number;
  /** seconds of the last round, and its number of ranges */
  readonly seconds: number;
  readonly ranges: number;
  readonly brief: boolean;
  /** listing calls that looked for places to cut */
  readonly probes: number;
  /** bytes of the longest result that was too long; absent means none */
  readonly longestResult?: number;
  /** finders at once, if fewer than allowed find faster than objects are copied */
  readonly finders?: number;
  /** waits in a row, because many jobs wait in the queue */
  readonly waits?: number;
  /** a store lists in another order */
  readonly unsorted?: true;
}

/** What the first pass leaves of a segment. */
export interface SegmentResult {
  readonly counts: RunCounts;
  readonly examples?: readonly string[];
}

/**
 * The state after the first pass. The machines of earlier versions send the plan, and what was found in its segments,
 * in their order.
 */
export interface CheckDeletesInput {
  readonly input: unknown;
  readonly plan: SearchedPlan | FindState;
}

/** Of machines of earlier versions. */
export interface SearchedPlan extends SyncPlan {
  readonly results: readonly SegmentResult[];
  readonly progress?: never;
}

/** The rest of the run. A refused run ends here, with the fault `DeletesRefused`. */
export interface CheckedDeletes extends Omit<FindState, 'segments' | 'guard'> {
  /** the sum of the first pass, alone in a list */
  readonly results: readonly { readonly counts: RunCounts }[];
  /** for machines of earlier versions: the segments in which deletes were found */
  readonly segments?: readonly { readonly segment: Segment; readonly deletes: number }[];
  /** why the deletes that a dry run found would be refused; empty if they would not */
  readonly refusal: string;
}

/** A count of a run in the ledger itself, which goes on where the last call stopped. */
export interface EndsScan {
  /** for each part of the table: the ID after which it goes on; '' at its beginning, null at its end */
  readonly parts: readonly (string | null)[];
  readonly ends: Ends;
  readonly done: boolean;
}

/** How far the jobs of a run are. All times are in milliseconds since the epoch. */
export interface Drain {
  readonly state: 'waiting' | 'ended';
  /** until the next look */
  readonly waitSeconds: number;
  /** the first look */
  readonly beganAt: number;
  /** what the counters said at the last look, and when that changed */
  readonly counted: number;
  readonly movedAt: number;
  /** since when the queue is empty and no upload is open */
  readonly quietSince?: number;
  readonly scan?: EndsScan;
  /** what the ledger has more than the counters, and what these said then */
  readonly correction?: { readonly ends: Ends; readonly counted: number };
  /** how the objects ended so far */
  readonly ends: Ends;
}

/** A run that has sent its jobs. check-run takes it, and returns it with `drain`, until all of them have ended. */
export interface DrainingRun {
  readonly task: string;
  readonly run: string;
  readonly startedAt: string;
  readonly input: unknown;
  readonly results: readonly { readonly counts: RunCounts }[];
  readonly deleted: readonly { readonly counts: RunCounts }[];
  readonly refusal: string;
  readonly drain?: Drain;
}

/** What finish-run returns, and the machine tells. */
export interface FinishedRun {
  /** the output of the execution */
  readonly counts: RunCounts;
  /** the detail of the event of its end */
  readonly event: RunEndEvent;
  /** a notice for people; absent if there is nothing to say */
  readonly notice?: { readonly subject: string; readonly message: string };
}

export interface FinishRunInput {
  readonly run: string;
  readonly startedAt: string;
  readonly input: unknown;
  /** what was found, in any number of parts; absent if the run failed before it had any */
  readonly results?: readonly { readonly counts: RunCounts }[];
  /** the parts of the second pass: the deletes that were sent. Absent if no delete was held back */
  readonly deleted?: readonly { readonly counts: RunCounts }[];
  /** as in CheckedDeletes */
  readonly refusal?: string;
  /** what Step Functions caught */
  readonly error?: StepError;
  /** how the jobs ended; absent if the run failed, and in executions that began before runs waited for them */
  readonly drain?: Drain;
}

// --- UPLOAD -------------------------------------------------------------------------------------------------------

/** StartExecution's input of the UPLOAD machine: the job. */
export type UploadInput = Job;

/**
 * What sending a part of an upload needs to know; bound to one source version. Parts carry a checksum of the upload's
 * algorithm, or Content-MD5 if it has none.
 */
export interface UploadTarget extends Omit<OpenUpload, keyof PartPlan> {
  readonly plan: PartPlan;
  readonly method: 'relay' | 'server-side copy';
  /** the source's stored full-object checksum, base64, which Complete sends for the store to check */
  readonly fullChecksum?: string;
}

/** Parts for one upload-parts call. */
export interface UploadBatch {
  readonly parts: readonly PartRange[];
}

interface UploadCommon {
  readonly job: Job;
  /** times the object was planned, this one included (1 is the first) */
  readonly attempt: number;
  /** attempts that ended because another consumer ended the upload, not because the source changed; absent means 0 */
  readonly ended?: number;
  /** when the first attempt began, milliseconds since the epoch */
  readonly startedAt?: number;
}

/** `attempt` is the number of attempts before this one. */
export type PlanUploadInput = UploadCommon;

/** What plan-upload and check-upload return; the machine's Choice reads `state`. */
export type UploadState =
  /** nothing left to do: the object is copied, or needs no copy */
  | (UploadCommon & { readonly state: 'finished' })
  /** plan again from the start: the source changed, or the upload is gone */
  | (UploadCommon & { readonly state: 'replan' })
  /** batches to send now (uploading), or a wait before the next check (waiting) */
  | (UploadCommon & {
      readonly state: 'uploading' | 'waiting';
      readonly target: UploadTarget;
      readonly batches: readonly UploadBatch[];
      /** concurrent upload-parts calls */
      readonly concurrency: number;
      readonly round: number;
      /** consecutive rounds without a new part */
      readonly idleRounds: number;
      /** parts still missing when `batches` was made */
      readonly missing: number;
      /** of `waiting`: how long; absent in states of earlier versions, which means a minute */
      readonly waitSeconds?: number;
      /** when the first round failed of which all since failed because of their surroundings; ms since the epoch */
      readonly faultsSince?: number;
      /** how many parts, from the first, a second read has proven; absent means none, or that none is needed */
      readonly proven?: number;
    });

/** check-upload gets the last state and, after a map, how each batch ended. */
export type CheckUploadInput = UploadState & { readonly outcomes?: readonly BatchOutcome[] };

/** The whole output of one batch: one word, because a map's collected output counts against 256 KiB. */
export interface BatchOutcome {
  /** `sent`, `left` (time ran short), or the name of the fault */
  readonly outcome: string;
}

export interface UploadPartsInput {
  readonly job: Job;
  readonly target: UploadTarget;
  readonly batch: UploadBatch;
}

export interface AbandonUploadInput {
  readonly job: Job;
  readonly execution: string;
  readonly error: StepError;
}

/** What a Catch puts at its ResultPath. */
export interface StepError {
  readonly Error: string;
  readonly Cause?: string;
}

/** The message in the cause of a caught error, which is JSON text for an error of a function. */
export function causeText(cause: string | undefined): string {
  if (cause === undefined) return 'no cause was given';
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // Not JSON: the text itself is the cause.
  }
  return cause;
}
