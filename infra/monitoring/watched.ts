import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { FerryFunction } from '../function.ts';
import type { SyncFunctions } from '../machines/sync.ts';
import type { UploadFunctions } from '../machines/upload.ts';
import type { JobQueues } from '../queue.ts';
import type { LedgerTable } from '../table.ts';

/** What alarms and dashboard look at: the resources of AWS, and the stack's own metrics (shared/model/metrics.ts). */
export interface Watched {
  readonly queues: JobQueues;
  /** what rules could not start */
  readonly missed: Queue;
  readonly ledger: LedgerTable;
  readonly sync: StateMachine;
  readonly upload: StateMachine;
  readonly functions: WatchedFunctions;
  /** the namespace of the stack's own metrics */
  readonly namespace: string;
}

/** The functions that move objects: those of both machines, and those that run without one. */
export interface WatchedFunctions extends SyncFunctions, UploadFunctions {
  readonly copyObjects: FerryFunction;
  readonly sweepUploads: FerryFunction;
}

export type WatchedFunction = keyof WatchedFunctions;

/** The names of the watched functions, in the order in which the stack made them. */
export function namesOf(functions: WatchedFunctions): WatchedFunction[] {
  return Object.keys(functions) as WatchedFunction[];
}
