import type { Task } from '../model/config/task.ts';
import type { BufferPool } from '../flow/buffer-pool.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { Uploads } from '../ports/uploads.ts';
import type { Standing } from '../run/standing.ts';

/** What sending parts needs: the two buckets of a task, and the bounds of this process. */
export interface PartContext {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly buffers: BufferPool;
  readonly clock: Clock;
  readonly progress: Progress;
  /** No part starts unless it is likely to finish by then. */
  readonly deadline: Deadline;
  /** parts of one object that this process sends at once */
  readonly partsAtOnce: number;
  /** May the work still be done? Asked before each part. Without it, it may. Never throws. */
  standing?(): Promise<Standing>;
}

/** What copying an object in this process needs. */
export interface CopyContext extends PartContext {
  readonly ledger: Ledger;
}

/** What the steps of the UPLOAD machine need. */
export interface StepContext extends CopyContext {
  /** how long the surroundings may fail all batches of an upload before it is given up; a day by default */
  readonly giveUpAfterSeconds?: number;
  /** upload-parts calls that an execution may have at once now; as many as its task says by default */
  readonly callsAtOnce?: () => Promise<number>;
}

/** What transferring an object of any size needs. */
export interface TransferContext extends CopyContext {
  /** the UPLOAD machine, which takes large objects; without it, this process sends their parts itself */
  readonly uploads?: Uploads;
}
