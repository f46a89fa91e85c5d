import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { FerryFunction } from '../function.ts';
import type { JobQueues } from '../queue.ts';
import type { LedgerTable } from '../table.ts';

/** What alarms and dashboard look at. */
export interface Watched {
  readonly queues: JobQueues;
  readonly ledger: LedgerTable;
  readonly sync: StateMachine;
  readonly upload: StateMachine;
  /** by the names that they have in functions/ */
  readonly functions: Readonly<Record<WatchedFunction, FerryFunction>>;
  /** of the metrics that shared/observing/ writes */
  readonly namespace: string;
}

export type WatchedFunction =
  | 'plan-sync'
  | 'find-objects'
  | 'finish-run'
  | 'copy-objects'
  | 'plan-upload'
  | 'upload-parts'
  | 'check-upload'
  | 'abandon-upload'
  | 'sweep-uploads';
