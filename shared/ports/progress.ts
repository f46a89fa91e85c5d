import type { RouteKind } from '../model/ledger-entry.ts';

/** What the core tells of its work; progress bars, heartbeats, logs and metrics are listeners of this one stream. */
export type ProgressEvent =
  /** bytes arrived at the destination (a body or a part was confirmed) */
  | { readonly type: 'sent'; readonly key: string; readonly bytes: number; readonly part?: number }
  /** an attempt failed and its owner tries again */
  | { readonly type: 'retry'; readonly key: string; readonly fault: string; readonly message: string }
  /** a job ended; emitted once a job, by the code that did the work */
  | { readonly type: 'finished'; readonly outcome: Outcome };

/** How a job ended well: an error is thrown instead. */
export interface Outcome {
  readonly task: string;
  readonly key: string;
  readonly route: RouteKind;
  /** bytes brought to the destination; 0 for a skip, a delete, and an execution that was started */
  readonly bytes: number;
  readonly reason: string;
}

export type Progress = (event: ProgressEvent) => void;

/** Nobody listens. */
export const noProgress: Progress = () => undefined;
