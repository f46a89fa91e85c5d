import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { MiB } from '../../shared/model/limits.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';

/** The context for transfers between any two stores: a ledger in memory, the real clock, no deadline. */
export function contextOf(
  task: Task,
  source: ObjectStore,
  destination: ObjectStore,
  overrides: Partial<TransferContext> = {},
): TransferContext {
  return {
    task,
    source,
    destination,
    buffers: new BufferPool(64 * MiB),
    clock: systemClock,
    progress: () => undefined,
    deadline: noDeadline,
    partsAtOnce: 2,
    ledger: new MemoryLedger(),
    ...overrides,
  };
}
