/** Every kind of finding, and what it means. docs/runbook.md has the same table for readers. */

interface Kind {
  /** a difference makes the command exit with 1; information does not */
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
    meaning:
      'The source has the object and the destination does not; no copy of this version is known to have finished.',
    cure: `${run}; if an event should have copied it, wait until the queue is empty first`,
  },
  different: {
    severity: 'difference',
    meaning: 'The object at the destination differs from the current one at the source.',
    cure: `${run}; if a run would skip it, delete the object at the destination first`,
  },
  lost: {
    severity: 'difference',
    meaning: 'This version was copied and confirmed, and is gone from the destination: another writer deleted it.',
    cure: `find what deletes there (lifecycle rules, people, another tool), then ${run}`,
  },
  overwritten: {
    severity: 'difference',
    meaning: 'This version was copied and confirmed, and another writer overwrote the copy.',
    cure: `find what writes there, delete the object at the destination, then ${run}`,
  },
  extra: {
    severity: 'difference',
    meaning: 'Only the destination has the object, and the task replicates deletes.',
    cure: `if the task has "deletes": true, ${run}; else delete the object by hand: a missed event is not repeated`,
  },
  failed: {
    severity: 'difference',
    meaning: 'The last job of the object failed, and the destination still differs.',
    cure: `remove the cause that the reason names; then ${redrive}, or ${run}`,
  },
  'in-progress': {
    severity: 'difference',
    meaning: 'The object is being copied.',
    cure: 'wait, and run the audit again',
  },
  stalled: {
    severity: 'difference',
    meaning: 'A copy in parts was started and does not continue: no execution runs, and no part arrived for two hours.',
    cure: `${redrive} if its job is a dead letter, else ${run}; both resume the upload`,
  },
  unreadable: {
    severity: 'difference',
    meaning: 'The object or its metadata cannot be read, so it cannot be copied.',
    cure: `if archived, restore it; if refused, correct policies, keys or credentials; then ${redrive}, or ${run}`,
  },
  impossible: {
    severity: 'difference',
    meaning: 'The object cannot exist at the destination: S3 does not allow its key there.',
    cure: "use a shorter destination prefix, rename the object, or exclude it with the task's patterns",
  },
  'jobs-waiting': {
    severity: 'difference',
    meaning: 'The queue has jobs or events of the task that no consumer has received yet.',
    cure:
      'wait until the queue is empty, and run the audit again; ' +
      'if it does not shrink, see "Jobs wait too long" in the runbook',
  },
  'jobs-in-flight': {
    severity: 'difference',
    meaning: 'Jobs of the task are being processed, or wait for their next attempt.',
    cure: 'wait (a failed attempt returns within 15 minutes, a crashed one within 90), and run the audit again',
  },
  'dead-letter': {
    severity: 'difference',
    meaning: 'A job of the task was given up, and waits in the dead-letter queue.',
    cure: `remove the cause that the reason names, then ${redrive}`,
  },
  'upload-left': {
    severity: 'difference',
    meaning:
      'A multipart upload of this task is open at the destination and does not continue. Its parts cost storage.',
    cure: `if its object still has to be copied, ${run} to resume it; else nothing: the daily sweep aborts it`,
  },
  'not-compared': {
    severity: 'difference',
    meaning: 'A part of the audit failed, so its result is unknown.',
    cure: 'remove the cause that is named, and run the audit again',
  },
  'bare-marker': {
    severity: 'information',
    meaning:
      'The key is the folder marker of the prefix of its side, and the other side has no prefix. Its key there would ' +
      'be empty, so no object can correspond to it.',
    cure: 'nothing: runs, events and deletes leave it alone',
  },
  'extra-kept': {
    severity: 'information',
    meaning: 'Only the destination has the objects. The task does not replicate deletes, so they stay.',
    cure: 'nothing; with "deletes": true, runs would delete them',
  },
  incomplete: {
    severity: 'information',
    meaning: 'The copy lacks something of its source, or of what the task asks for: a store does not keep it.',
    cure: 'nothing; with "strict": true such objects fail instead (docs/configuration.md, "What a copy lacks")',
  },
  cured: {
    severity: 'information',
    meaning: 'The ledger has a failure, but nothing is left to do.',
    cure: `nothing; if it has a dead letter, ${redrive} removes it and corrects the ledger`,
  },
  unproven: {
    severity: 'information',
    meaning: 'A run would skip the object; the bytes of the two sides could not be compared.',
    cure: 'if you need proof, restore the archived object and run the audit again',
  },
  'queue-busy': {
    severity: 'information',
    meaning: 'The queue of the stack has jobs or events. It serves several tasks and is counted as a whole.',
    cure: 'if they may belong to this task, wait until the queue is empty and run the audit again',
  },
  'dead-letters-unknown': {
    severity: 'information',
    meaning: 'Some dead letters name no task: they are not jobs, or they are events that no task covers.',
    cure: 'read them in the dead-letter queue; npm run redrive -- --stack STACK moves them back too',
  },
  'upload-in-use': {
    severity: 'information',
    meaning: 'A multipart upload of this task is open and in progress.',
    cure: 'nothing',
  },
  'upload-foreign': {
    severity: 'information',
    meaning: "A multipart upload below the task's prefix is open. According to the ledger, this task did not start it.",
    cure: 'find out who writes there; the sweep does not abort it, but a lifecycle rule of the bucket can',
  },
  'uploads-unlisted': {
    severity: 'information',
    meaning: 'The store of the destination does not list uploads, so that the daily sweep cannot abort what was left.',
    cure: 'set a lifecycle rule of the bucket that aborts incomplete uploads after seven days',
  },
  'order-unknown': {
    severity: 'information',
    meaning: 'A store lists keys in another order than S3. Each key is looked up on the other side instead.',
    cure: 'nothing; findings on objects before this one are repeated, and counted once',
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
  /** the object's key at the source; for an upload, its key at the destination */
  readonly key?: string;
  /** the facts, in one sentence */
  readonly seen: string;
}

/** A finding without its key: the result of judging an object or an upload. */
export type Judgement = Omit<Finding, 'key'>;
