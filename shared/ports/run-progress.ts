import type { EndsScan } from '../model/messages/payloads.ts';
import type { Deadline } from './clock.ts';

/** Counts in the ledger itself how the objects of a run ended. It reads every entry, of all tasks. */
export interface RunScan {
  /**
   * @param from what the last call returned; undefined to begin
   * @returns `done` once all was read; otherwise call again
   */
  countEnds(
    run: { readonly task: string; readonly run: string },
    from: EndsScan | undefined,
    deadline: Deadline,
  ): Promise<EndsScan>;
}

/** Looks for uploads of large objects that are under way. */
export interface OpenUploads {
  /** Is an execution of the UPLOAD machine running for this task? It lags by seconds. */
  anyRunning(task: string): Promise<boolean>;
}
