import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { MiB } from '../../shared/model/limits.ts';
import { parseTask, type Task } from '../../shared/model/task.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';

/** A task between two stores that say themselves where they are. */
export function taskOf(settings: Record<string, unknown> = {}): Task {
  const { source = {}, destination = {}, ...rest } = settings as { source?: object; destination?: object };
  const task = {
    name: 'hostile',
    source: { bucket: 'source', prefix: 'in/', endpoint: 'http://source.invalid', ...source },
    destination: { bucket: 'bucket', prefix: 'out/', endpoint: 'http://destination.invalid', ...destination },
    largeObjectThreshold: 8 * MiB,
    partSize: 5 * MiB,
    ...rest,
  };
  return parseTask(JSON.stringify(task), 'task');
}

/** What the core needs to move objects between two stores; all but the ledger and the queue is real. */
export function contextOf(task: Task, source: ObjectStore, destination: ObjectStore): TransferContext {
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
    large: 'in process',
  };
}

/** What a promise fails with. @throws where it does not fail */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`no error was thrown, but ${String(error)}`, { cause: error });
  }
  throw new Error('expected a failure');
}
