import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { parseTask, type Task } from '../../shared/model/config/task.ts';
import { MiB } from '../../shared/model/limits.ts';
import { MemoryControls } from '../../shared/ports/memory/controls.ts';
import { Governor } from '../../shared/run/governor.ts';
import { Table } from '../aws/dynamo.ts';
import { Lambda } from '../aws/lambda.ts';
import { Meter } from '../aws/prices.ts';
import { Queue } from '../aws/queue.ts';
import { lambdaQuotas, type RegionClass } from '../aws/quotas.ts';
import { StoreSide, type SideOptions } from '../aws/s3.ts';
import { Random } from '../engine/random.ts';
import { Timeline } from '../engine/timeline.ts';
import { Bucket } from './bucket.ts';
import { Landscape, type LandscapeSettings } from './landscape.ts';
import { SimulatedLedger } from './ledger.ts';
import { SimulatedStore } from './store.ts';
import type { StackModel } from './template.ts';

/** A task of a scenario. */
export interface TaskPlan {
  readonly name: string;
  readonly landscape: LandscapeSettings;
  /** fields of the task beside its name and its buckets */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly stack: StackModel;
  readonly tasks: readonly TaskPlan[];
  readonly source?: Partial<SideOptions>;
  readonly destination?: Partial<SideOptions>;
  readonly regionClass?: RegionClass;
  /** concurrent calls that the account may make */
  readonly accountConcurrency?: number;
  /** time over which the demand of a store is measured, if one request stands for many */
  readonly smoothSeconds?: number;
  /** writes per second that the ledger can take at the beginning */
  readonly warmWrites?: number;
}

/** A task in a world. */
export interface SimulatedTask {
  readonly task: Task;
  readonly source: SimulatedStore;
  readonly destination: SimulatedStore;
}

/** Processes whose memories are simulated: a sample, each for many. */
const processes = 8;

/** When every scenario begins. */
const start = Date.UTC(2026, 10, 1);

/** Everything that a scenario runs on: virtual time, modelled services, and the buckets of its tasks. */
export class World {
  readonly timeline = new Timeline(start);
  readonly random: Random;
  readonly meter = new Meter();
  readonly stack: StackModel;
  readonly regionClass: RegionClass;
  readonly source: StoreSide;
  readonly destination: StoreSide;
  readonly table: Table;
  readonly ledger: SimulatedLedger;
  readonly lambda: Lambda;
  /** of jobs */
  readonly queue: Queue;
  /** of S3's events */
  readonly events: Queue;
  readonly tasks = new Map<string, SimulatedTask>();
  /** dead letters by the name of their fault */
  readonly deadLetters = new Map<string, number>();
  /** faults of jobs, by name and by what became of the job */
  readonly faults = new Map<string, number>();
  /** messages that the queue dropped */
  lost = 0;
  /** what tasks and runs may do at present */
  readonly controls = new MemoryControls();
  /** breakers that were opened, and probes that failed; each opening is an alarm */
  readonly sides = { opened: 0, failing: 0 };
  readonly #governors = Array.from({ length: processes }, () => this.#governorOfProcess());
  readonly buffers = new BufferPool(512 * MiB);

  constructor(options: WorldOptions) {
    const { seed, stack, tasks, regionClass = 'large' } = options;
    const { timeline, meter } = this;
    this.random = new Random(seed);
    this.stack = stack;
    this.regionClass = regionClass;
    const common = { timeline, meter, random: this.random, partitions: 1, smoothSeconds: options.smoothSeconds };
    this.source = new StoreSide({ ...common, name: 'source', ...options.source });
    this.destination = new StoreSide({ ...common, name: 'destination', ...options.destination });
    this.table = new Table(timeline, this.random, meter, options.warmWrites);
    this.ledger = new SimulatedLedger(this.table, (task, key) => this.countOf(task, key));
    this.lambda = new Lambda(timeline, meter, options.accountConcurrency ?? lambdaQuotas.accountConcurrency);
    for (const [name, settings] of stack.functions) this.lambda.deploy(name, settings);
    this.queue = this.#openQueue();
    this.events = this.#openQueue();
    for (const plan of tasks) this.tasks.set(plan.name, this.#taskOf(plan));
  }

  /** What one process of a sample knows of orders and of sides that fail. */
  get governor(): Governor {
    const found = this.#governors[Math.floor(this.random.next() * processes)];
    if (!found) throw new Error('there is a governor for each process');
    return found;
  }

  #governorOfProcess(): Governor {
    return new Governor({
      controls: this.controls,
      clock: this.timeline,
      onFault: (_task, fault) => this.noteFault(`${fault.name}, reading the orders`, 1),
      onSide: ({ kind }) => {
        if (kind !== 'closed') this.sides[kind]++;
      },
    });
  }

  /** @throws Error if the scenario has no such task */
  taskOf(name: string): SimulatedTask {
    const task = this.tasks.get(name);
    if (!task) throw new Error(`the scenario has no task ${name}`);
    return task;
  }

  /** How many objects a key of a task stands for. */
  countOf(task: string, key: string): number {
    return this.tasks.get(task)?.source.held.countOf(key) ?? 1;
  }

  bury(fault: string, count: number): void {
    this.deadLetters.set(fault, (this.deadLetters.get(fault) ?? 0) + count);
  }

  noteFault(what: string, count: number): void {
    this.faults.set(what, (this.faults.get(what) ?? 0) + count);
  }

  /** Messages in the dead-letter queue. */
  get buried(): number {
    return [...this.deadLetters.values()].reduce((sum, count) => sum + count, 0);
  }

  #openQueue(): Queue {
    const queue = new Queue(this.timeline, this.meter, this.stack.queue);
    queue.onMoved = (message) => this.bury('MaxReceives', message.count);
    queue.onExpired = (message) => (this.lost += message.count);
    return queue;
  }

  #taskOf({ name, landscape, settings = {} }: TaskPlan): SimulatedTask {
    const { source = {}, destination = {}, ...rest } = settings as { source?: object; destination?: object };
    const { root = '' } = landscape;
    const text = JSON.stringify({
      name,
      source: { bucket: `${name}-source`, prefix: root, ...source },
      destination: { bucket: `${name}-destination`, prefix: root, ...destination },
      serverSideCopy: 'never',
      ...rest,
    });
    const keys = new Landscape(landscape);
    const open = (side: StoreSide, isFull: boolean): SimulatedStore =>
      new SimulatedStore({ held: new Bucket(keys, isFull), side, timeline: this.timeline, task: name });
    return { task: parseTask(text, name), source: open(this.source, true), destination: open(this.destination, false) };
  }
}
