import type { Task } from '../../shared/model/config/task.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { LedgerLookup } from '../../shared/ports/ledger-lookup.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { CountedQueue } from '../../shared/ports/queue-depth.ts';
import type { RedriveQueues } from '../../shared/ports/redrive.ts';
import type { UploadExecutions } from '../../shared/ports/uploads.ts';
import type { Finding } from './finding.ts';

/**
 * How the audit compares the bytes of objects that a run would skip:
 * - `off`: not at all;
 * - `proof`: by equal ETags, else by stored checksums, else by reading both;
 * - `bytes`: always by reading both.
 */
export type Depth = 'off' | 'proof' | 'bytes';

/** What an audit needs: the ports that it reads, and the callbacks that it reports to. */
export interface AuditContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly ledger: Pick<Ledger, 'get' | 'wasUploadAnnounced'>;
  readonly lookup: LedgerLookup;
  readonly executions: UploadExecutions;
  readonly jobs: CountedQueue;
  readonly deadLetters: CountedQueue;
  readonly letters: Pick<RedriveQueues, 'receive' | 'release'>;
  /** does the stack have other tasks? Its queue cannot tell them apart */
  readonly hasOtherTasks: boolean;
  readonly clock: Clock;
  readonly depth: Depth;
  /** receives each finding as it is made */
  readonly found: (finding: Finding) => void;
  /** receives the number of keys compared since the last call */
  readonly compared: (keys: number) => void;
  /** called when the comparison restarts: its findings and keys so far are reported again */
  readonly restarted: () => void;
}

/** Objects that are checked at once: some hundreds of HEADs per second at 50 ms each. */
export const checksAtOnce = 16;
