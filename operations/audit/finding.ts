/** What an audit can find, and what each finding means. docs/runbook.md has the same table for people. */

interface Kind {
  /** a difference makes the audit fail; information does not */
  readonly severity: 'difference' | 'information';
  readonly meaning: string;
  /** what to do; TASK and STACK stand for their names */
  readonly cure: string;
}

const run = 'start a run of the task (StartExecution of the SYNC machine with {"task": "TASK"})';
const redrive = 'npm run redrive -- --stack STACK --task TASK';

export const findingKinds = {
  missing: {
    severity: 'difference',
    meaning: 'The source has the object and the destination does not; no copy of this version is known to have ended.',
    cure: `${run}; where events should have brought it, wait for the queue to empty first`,
  },
  different: {
    severity: 'difference',
    meaning: 'The object of the destination is not what the source has now.',
    cure: `${run}; where a run calls the two the same, delete the object at the destination first`,
  },
  lost: {
    severity: 'difference',
    meaning: 'This version was copied and confirmed, and is gone from the destination: somebody else deleted it there.',
    cure: `find what deletes there (lifecycle rules, people, another tool), then ${run}`,
  },
  overwritten: {
    severity: 'difference',
    meaning: 'This version was copied and confirmed, and somebody else wrote over the copy.',
    cure: `find what writes there, delete the object at the destination, then ${run}`,
  },
  extra: {
    severity: 'difference',
    meaning: 'Only the destination has the object, and the task replicates deletes.',
    cure: `where the task has "deletes": true, ${run}; else delete the object by hand: an event that was missed is not sent again`,
  },
  failed: {
    severity: 'difference',
    meaning: 'The last job of the object failed, and the destination still differs.',
    cure: `remove the cause that the reason names; then ${redrive}, or ${run}`,
  },
  'in-progress': {
    severity: 'difference',
    meaning: 'The object is being copied at the moment.',
    cure: 'wait, and audit again',
  },
  stalled: {
    severity: 'difference',
    meaning: 'A copy in parts was begun, and nobody goes on with it: no execution runs and no part came for two hours.',
    cure: `${redrive} where its job is a dead letter, else ${run}; either resumes the upload`,
  },
  unreadable: {
    severity: 'difference',
    meaning: 'The object cannot be read or looked at, so that it cannot be copied either.',
    cure: `archived: restore it; refused: correct policies, keys or credentials; then ${redrive}, or ${run}`,
  },
  impossible: {
    severity: 'difference',
    meaning: 'The object can have no place at the destination: S3 does not allow its key there.',
    cure: "take a shorter destination prefix, rename the object, or exclude it by the task's patterns",
  },
  'jobs-waiting': {
    severity: 'difference',
    meaning: 'The queue has jobs or events of the task that nobody took yet.',
    cure: 'wait until the queue is empty, and audit again; where it does not shrink, see "Jobs wait too long" in the runbook',
  },
  'jobs-in-flight': {
    severity: 'difference',
    meaning: 'Jobs of the task are being worked on, or wait for their next attempt.',
    cure: 'wait (a failed attempt comes back within 15 minutes, one that crashed within 90), and audit again',
  },
  'dead-letter': {
    severity: 'difference',
    meaning: 'A job of the task was given up, and waits to be brought back.',
    cure: `remove the cause that the reason names, then ${redrive}`,
  },
  'upload-left': {
    severity: 'difference',
    meaning:
      'A multipart upload of this task is open at the destination, and nobody goes on with it. Its parts cost storage.',
    cure: `${run} to resume it where its object is still to be copied; else nothing: the daily sweep aborts it`,
  },
  'not-compared': {
    severity: 'difference',
    meaning: 'A part of the audit could not be done, so that nothing is known there.',
    cure: 'remove the cause that is named, and audit again',
  },
  'extra-kept': {
    severity: 'information',
    meaning: 'Only the destination has the objects. The task does not replicate deletes, so they stay.',
    cure: 'nothing; "deletes": true would have runs delete them',
  },
  cured: {
    severity: 'information',
    meaning: 'The ledger tells of a failure, and by now there is nothing left to be done.',
    cure: `nothing; a dead letter of it goes with ${redrive}, which also corrects the ledger`,
  },
  unproven: {
    severity: 'information',
    meaning: 'Source and destination are the same as far as a run can tell; their bytes could not be compared.',
    cure: 'restore the archived object where proof is needed, and audit again',
  },
  'queue-busy': {
    severity: 'information',
    meaning: 'The queue of the stack has jobs or events. It serves several tasks and is counted as a whole.',
    cure: 'where they may be of this task, wait until the queue is empty, and audit again',
  },
  'dead-letters-unknown': {
    severity: 'information',
    meaning: 'There are dead letters that name no task: messages that are no jobs, and events that no task is for.',
    cure: 'look at them in the dead-letter queue; npm run redrive -- --stack STACK brings them back too',
  },
  'upload-in-use': {
    severity: 'information',
    meaning: 'A multipart upload of this task is open, and goes on.',
    cure: 'nothing',
  },
  'upload-foreign': {
    severity: 'information',
    meaning:
      "A multipart upload below the task's prefix is open that this task did not begin, as far as the ledger knows.",
    cure: 'ask who writes there; the sweep leaves it alone, a lifecycle rule of the bucket could abort it',
  },
  'order-unknown': {
    severity: 'information',
    meaning: 'A store lists keys in another order than S3. Each key is looked up on the other side instead.',
    cure: 'nothing; findings on objects that were told before this one are told again, and counted once',
  },
  'compare-none': {
    severity: 'information',
    meaning: 'The task has "compare": "none": a run sends every object. The audit compares like "auto" instead.',
    cure: 'nothing',
  },
} as const satisfies Record<string, Kind>;

export type FindingKind = keyof typeof findingKinds;

export interface Finding {
  readonly kind: FindingKind;
  /** the object's key at the source; of an upload, the key at the destination */
  readonly key?: string;
  /** what was seen, in a sentence */
  readonly seen: string;
}

/** A finding without its key: what the classifiers say of an object or an upload. */
export type Judgement = Omit<Finding, 'key'>;
