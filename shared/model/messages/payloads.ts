import type { Job } from '../job.ts';
import type { RunCounts } from '../ledger-entry.ts';
import type { PartPlan, PartRange } from '../part-plan.ts';
import type { ChecksumAlgorithm, EtagForm } from '../object.ts';

/**
 * What the two state machines pass from state to state. Each step's output is the next one's input, so the types of a
 * machine are read here from top to bottom. Nothing in them is secret, and nothing grows with the bucket.
 */

// --- SYNC ---------------------------------------------------------------------------------------------------------

/** StartExecution's input. */
export interface SyncInput {
  readonly task: string;
  /** only this part of the task's source; must start with the task's own source prefix */
  readonly prefix?: string;
  /** find and count, send nothing */
  readonly dryRun?: boolean;
}

export interface PlanSyncInput {
  readonly input: unknown;
  readonly run: string;
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
}

/** The version of the task's prefix list that the run goes by; nothing where the task has none. */
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
   * The last keys that are dealt with, relative to the prefix: of the listing, and (`merge`) of the destination's. Each
   * listing goes on from a key of its own, because a store with another order would pass over keys otherwise.
   */
  readonly after?: string;
  readonly destinationAfter?: string;
}

/** find-objects takes this and returns it with `done`, until `done` is true. */
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
}

export interface FinishRunInput {
  readonly run: string;
  readonly startedAt: string;
  readonly input: unknown;
  /** one for each segment; absent where the run failed before they were known */
  readonly results?: readonly { readonly counts: RunCounts }[];
  /** what Step Functions caught */
  readonly error?: StepError;
}

// --- UPLOAD -------------------------------------------------------------------------------------------------------

/** StartExecution's input of the UPLOAD machine: the job. */
export type UploadInput = Job;

/** What the parts of one upload need to know; bound to one source version. */
export interface UploadTarget extends EtagForm {
  readonly uploadId: string;
  readonly sourceEtag: string;
  /** the digest of the source's headers and metadata, which the upload was created with */
  readonly attributes: string;
  readonly sourceVersionId?: string;
  readonly plan: PartPlan;
  readonly method: 'relay' | 'server-side copy';
  /** the algorithm the upload was created with; parts carry its checksum. Without one they carry Content-MD5. */
  readonly checksum?: ChecksumAlgorithm;
  /** the source's stored full-object checksum, base64, which Complete hands over to be checked */
  readonly fullChecksum?: string;
}

/** Parts for one upload-parts call. */
export interface UploadBatch {
  readonly parts: readonly PartRange[];
}

interface UploadCommon {
  readonly job: Job;
  /** how often the object was planned (1 is the first) */
  readonly attempt: number;
  /** how many of the attempts ended because somebody else ended their upload, and not by the source; 0 where absent */
  readonly ended?: number;
  /** when the first attempt began, milliseconds since the epoch */
  readonly startedAt?: number;
}

/** `attempt` is the number of attempts before this one. */
export type PlanUploadInput = UploadCommon;

/** What plan-upload and check-upload return; the machine's Choice looks at `state`. */
export type UploadState =
  /** nothing left to do: done, or found not to be needed */
  | (UploadCommon & { readonly state: 'finished' })
  /** look at the object anew: the source changed, or the upload is gone */
  | (UploadCommon & { readonly state: 'replan' })
  /** batches to send now (uploading), or a minute's wait before a second look (waiting) */
  | (UploadCommon & {
      readonly state: 'uploading' | 'waiting';
      readonly target: UploadTarget;
      readonly batches: readonly UploadBatch[];
      /** upload-parts calls at once */
      readonly concurrency: number;
      readonly round: number;
      /** rounds in a row that brought no new part */
      readonly idleRounds: number;
      /** parts still missing when `batches` was made */
      readonly missing: number;
    });

/** A check-upload call gets the last state and, after a map, how each batch ended. */
export type CheckUploadInput = UploadState & { readonly outcomes?: readonly BatchOutcome[] };

/** A child's whole output: one word, because the map's collected output counts against 256 KiB. */
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

/** Step Functions gives a Lambda error as JSON text; what a person reads is its message. */
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
