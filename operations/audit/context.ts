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
 * How the bytes of objects are compared that a run takes for the same: not at all; by proof (equal ETags, else stored
 * checksums, else reading both); by reading both whatever they say.
 */
export type Depth = 'off' | 'proof' | 'bytes';

/** What an audit needs from outside. It changes nothing there. */
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
  /** does the stack have other tasks? Its queue does not tell them apart */
  readonly hasOtherTasks: boolean;
  readonly clock: Clock;
  readonly depth: Depth;
  /** told of each finding as it is made */
  readonly found: (finding: Finding) => void;
  /** told of the keys that are dealt with, as they are */
  readonly compared: (keys: number) => void;
  /** told that the comparison begins anew: its findings and keys up to here are told again */
  readonly restarted: () => void;
}

/** Objects looked at at once: some hundreds of HEADs a second at 50 ms each. */
export const checksAtOnce = 16;
