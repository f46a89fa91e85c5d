import type { Task } from '../model/config/task.ts';
import type { BufferPool } from '../flow/buffer-pool.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { Uploads } from '../ports/uploads.ts';

/** What moving parts needs from outside. */
export interface PartContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly buffers: BufferPool;
  readonly clock: Clock;
  readonly progress: Progress;
  /** no part is begun that is not likely to end before it */
  readonly deadline: Deadline;
  /** parts of one object at once in this process */
  readonly partsAtOnce: number;
}

/** What moving an object needs from outside. */
export interface TransferContext extends PartContext {
  readonly ledger: Ledger;
  /** who composes large objects: executions of the UPLOAD machine, or this process itself */
  readonly large: Uploads | 'in process';
}
