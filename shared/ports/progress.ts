import type { RouteKind } from '../model/ledger-entry.ts';
import type { Loss } from '../model/losses.ts';

/** The events of the core's work. Progress bars, heartbeats, logs and metrics all listen to this one stream. */
export type ProgressEvent =
  /** the destination confirmed a body or a part */
  | { readonly type: 'sent'; readonly key: string; readonly bytes: number; readonly part?: number }
  /** a part of the source was read again, because nothing else proves it */
  | { readonly type: 'read again'; readonly key: string; readonly part: number }
  /** an attempt failed and is retried */
  | { readonly type: 'retry'; readonly key: string; readonly fault: string; readonly message: string }
  /** a job ended; emitted once per job, by the code that did the work */
  | { readonly type: 'finished'; readonly outcome: Outcome };

/** How a job succeeded; a job that fails throws instead. */
export interface Outcome {
  readonly task: string;
  readonly key: string;
  readonly route: RouteKind;
  /** bytes copied to the destination; 0 for a skip, a delete, and a started execution */
  readonly bytes: number;
  readonly reason: string;
  /** what the copy lacks; absent means nothing */
  readonly lost?: readonly Loss[];
}

export type Progress = (event: ProgressEvent) => void;

/** For callers without a listener. */
export const noProgress: Progress = () => undefined;
