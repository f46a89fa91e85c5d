import { BufferPool } from '../shared/flow/buffer-pool.ts';
import { DynamoControls } from '../shared/aws/dynamodb/controls.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { DynamoRunCounters } from '../shared/aws/dynamodb/run-counters.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import { createParameterClient, createSingleAttemptClient, createTableClient } from '../shared/aws/service-clients.ts';
import { Stores } from '../shared/aws/s3/stores.ts';
import { systemClock, type Deadline } from '../shared/ports/clock.ts';
import type { Progress } from '../shared/ports/progress.ts';
import type { PartContext } from '../shared/transfer/context.ts';
import type { Side } from '../shared/model/config/task.ts';
import { asFault } from '../shared/model/faults.ts';
import { MiB } from '../shared/model/limits.ts';
import { logLearned } from '../shared/observing/learned.ts';
import { logStale } from '../shared/observing/stale.ts';
import { governing } from '../shared/observing/governing.ts';
import { reportUncounted } from '../shared/observing/report.ts';
import { EndBuffer } from '../shared/run/end-buffer.ts';
import { Tally } from '../shared/observing/tally.ts';
import { Governor } from '../shared/run/governor.ts';

/**
 * `functions/` has a folder for each Lambda function. Its environment.ts names the variables that the construct sets
 * and the handler reads; its index.ts parses the event, calls the core, and maps the result.
 *
 * This file connects the ports of the core to AWS, once per Lambda environment.
 */

/** The part of a Lambda context that the handlers use. */
export interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Time kept back to record the result and to answer. */
const reserveMillis = 5_000;

/** When this invocation must stop its work. */
export function deadlineOf(invocation: Invocation): Deadline {
  return { remaining: () => invocation.getRemainingTimeInMillis() - reserveMillis };
}

/** Parts of one object at once: enough to fill a function's network at any distance to the other side. */
const partsAtOnce = 8;

/** A sixth of the function's memory holds bodies: at 1,769 MB that is 18 parts of 16 MiB. Node needs the rest. */
const buffers = new BufferPool(Math.max(64, Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024) / 6) * MiB);

/** Reads tasks, opens their stores, and builds the context of a transfer. */
export class TaskWiring {
  readonly parameters: Parameters;
  readonly #stores: Stores;
  readonly #governor: Governor | undefined;

  /**
   * @param options.readsAll may the function read all tasks at once?
   * @param options.governor learns from the requests to the stores which sides fail
   */
  constructor(tasksPath: string, { readsAll = false, governor }: { readsAll?: boolean; governor?: Governor } = {}) {
    this.#governor = governor;
    governor?.readTasks((name) => this.parameters.task(name));
    this.parameters = new Parameters(createParameterClient(), tasksPath, { readsAll, onStale: logStale });
    this.#stores = new Stores(this.parameters, logLearned);
  }

  /** Whose permissions the requests of a task's side have, for messages. */
  principal(side: Side): Promise<string> {
    return this.#stores.principal(side);
  }

  /** @throws Fault `UnknownTask`, `InvalidTask` */
  async partContext(taskName: string, invocation: Invocation, progress: Progress): Promise<PartContext> {
    const task = await this.parameters.task(taskName);
    const governor = this.#governor;
    const opened = await this.#stores.of(task, (side, error) => governor?.seen(taskName, side, asFault(error)));
    const stores = governor?.watch(taskName, opened) ?? opened;
    return { task, ...stores, buffers, clock: systemClock, progress, deadline: deadlineOf(invocation), partsAtOnce };
  }
}

/** Runs the work of a handler with counters, and publishes them even if it fails. */
export async function withTally<Result>(work: (tally: Tally) => Promise<Result>): Promise<Result> {
  const tally = new Tally();
  try {
    return await work(tally);
  } finally {
    tally.publish();
  }
}

/** The ledger in the function's table. */
export function createLedger(table: string): DynamoLedger {
  return new DynamoLedger(createTableClient(), table);
}

/**
 * Knows what work may be done now, from the orders in the function's table.
 * @param options.obeysOnly true if the function may not write there
 */
export function createGovernor(table: string, { obeysOnly = false } = {}): Governor {
  const controls = new DynamoControls(createTableClient(), table);
  return new Governor({ controls, clock: systemClock, obeysOnly, ...governing });
}

/** The ledger of a function that ends objects of runs, which are counted when an invocation is over. */
export class CountedLedger {
  readonly ledger: DynamoLedger;
  readonly #ends: EndBuffer;

  constructor(table: string) {
    const client = createTableClient();
    const counters = new DynamoRunCounters(createSingleAttemptClient(client), table);
    this.#ends = new EndBuffer(counters, reportUncounted);
    this.ledger = new DynamoLedger(client, table, this.#ends.note);
  }

  /** As {@link withTally}, for an invocation that ends objects. */
  async withTally<Result>(work: (tally: Tally) => Promise<Result>): Promise<Result> {
    return withTally((tally) => this.counted(() => work(tally)));
  }

  /** Does the work of an invocation, and then counts what ended, also if it fails. */
  async counted<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      await this.#ends.flush();
    }
  }
}
