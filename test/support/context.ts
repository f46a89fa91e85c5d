import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { MiB } from '../../shared/model/limits.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';

/** What the core needs to move objects between two stores, in this process; all but the ledger and the queue is real. */
export function contextOf(
  task: Task,
  source: ObjectStore,
  destination: ObjectStore,
  { partsAtOnce = 2, memory = 64 * MiB }: { partsAtOnce?: number; memory?: number } = {},
): TransferContext {
  return {
    task,
    source,
    destination,
    buffers: new BufferPool(memory),
    clock: systemClock,
    progress: () => undefined,
    deadline: noDeadline,
    partsAtOnce,
    ledger: new MemoryLedger(),
  };
}
