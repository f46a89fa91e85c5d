import { BufferPool } from '../shared/flow/buffer-pool.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import { createParameterClient, createTableClient } from '../shared/aws/service-clients.ts';
import { Stores } from '../shared/aws/s3/stores.ts';
import { systemClock, type Deadline } from '../shared/ports/clock.ts';
import type { Progress } from '../shared/ports/progress.ts';
import type { PartContext } from '../shared/transfer/context.ts';
import { MiB } from '../shared/model/limits.ts';

/** What the handlers share: the ports of the core, wired to AWS once a Lambda environment. */

/** The part of a Lambda context that is used. */
export interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Milliseconds kept back to record what was done and to answer. */
const reserveMillis = 5_000;

/** Until when this invocation may work. */
export function deadlineOf(invocation: Invocation): Deadline {
  return { remaining: () => invocation.getRemainingTimeInMillis() - reserveMillis };
}

/** Parts of one object at once: enough to fill a function's network, however far the other side is. */
const partsAtOnce = 8;

/** A sixth of the function's memory holds bodies: at 1,769 MB that is 18 parts of 16 MiB; the rest is Node's. */
const buffers = new BufferPool(Math.max(64, Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024) / 6) * MiB);

/** Tasks, their stores, and all that moving parts needs. */
export class TaskWiring {
  readonly parameters: Parameters;
  readonly #stores: Stores;

  constructor(tasksPath: string) {
    this.parameters = new Parameters(createParameterClient(), tasksPath);
    this.#stores = new Stores(this.parameters);
  }

  /** @throws Fault `UnknownTask`, `InvalidTask` */
  async partContext(taskName: string, invocation: Invocation, progress: Progress): Promise<PartContext> {
    const task = await this.parameters.task(taskName);
    const stores = await this.#stores.of(task);
    return { task, ...stores, buffers, clock: systemClock, progress, deadline: deadlineOf(invocation), partsAtOnce };
  }
}

/** The ledger in the function's table. */
export function createLedger(table: string): DynamoLedger {
  return new DynamoLedger(createTableClient(), table);
}
