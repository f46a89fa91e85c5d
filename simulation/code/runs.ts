import type { ObjectKey } from '../../shared/model/object-key.ts';
import type { Job } from '../../shared/model/job.ts';
import type {
  CheckDeletesInput,
  FindOrder,
  FindState,
  FinishRunInput,
  PlanSyncInput,
  RangeResult,
  SupersededRun,
  SyncInput,
  SyncPlan,
} from '../../shared/model/messages/payloads.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import type { JobQueue } from '../../shared/ports/job-queue.ts';
import { MemoryActiveRuns } from '../../shared/ports/memory/active-runs.ts';
import type { RunExecutions, RunExistence } from '../../shared/ports/runs.ts';
import { checkDeletes } from '../../shared/find/check-deletes.ts';
import { cutRanges } from '../../shared/find/cut-ranges.ts';
import { findInRange } from '../../shared/find/find-range.ts';
import { finishRun } from '../../shared/find/finish-run.ts';
import { parseSyncInput, planRun } from '../../shared/find/plan-run.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { beginRun } from '../../shared/run/begin-run.ts';
import { sqsQuotas } from '../aws/quotas.ts';
import { Execution, type Callees, type Definition } from '../aws/states/machine.ts';
import { StateError } from '../aws/states/retry.ts';
import type { StepFunctions } from '../aws/states/service.ts';
import type { Belonging, Standing } from '../../shared/run/standing.ts';
import type { SimulatedTask, World } from './world.ts';

/** As in functions/find-objects/index.ts. */
const findMarginMillis = 20_000;

/** How a run ended: `done`, `superseded`, or the error's name. */
export interface EndedRun {
  readonly run: string;
  readonly end: string;
  readonly seconds: number;
}

/** Executions of the SYNC machine: the deployed definition, whose functions are the real steps. */
export class SimulatedRuns implements RunExecutions {
  readonly ended: EndedRun[] = [];
  readonly #world: World;
  readonly #service: StepFunctions;
  readonly #active = new MemoryActiveRuns();
  readonly #running = new Set<string>();
  readonly #known = new Set<string>();
  #next = 1;

  constructor(world: World, service: StepFunctions) {
    this.#world = world;
    this.#service = service;
  }

  /** Runs that have not ended. */
  get open(): number {
    return this.#running.size;
  }

  existence(run: string): Promise<RunExistence> {
    const known = this.#known.has(run) ? 'ended' : 'unknown';
    return Promise.resolve(this.#running.has(run) ? 'running' : known);
  }

  /** Starts a run, as a schedule does. */
  start(input: SyncInput): string {
    const run = `run-${this.#next++}`;
    this.#running.add(run);
    this.#known.add(run);
    void this.#run(run, input);
    return run;
  }

  async #run(run: string, input: SyncInput): Promise<void> {
    const { timeline, random, stack } = this.#world;
    const definition = stack.machines.sync as Definition;
    const callees: Callees = {
      timeline,
      random,
      service: this.#service,
      call: (what, given) => this.#call(what, given),
    };
    const startedAt = timeline.now();
    const StartTime = new Date(startedAt).toISOString();
    const context = { Execution: { Id: run, Input: input, Name: run, StartTime } };
    const endsAt = startedAt + (definition.TimeoutSeconds ?? Infinity) * 1000;
    const execution = new Execution(callees, 1, endsAt);
    let end = 'done';
    try {
      const output = await execution.run(definition, input, context);
      if (typeof output === 'object' && output !== null && 'superseded' in output) end = 'superseded';
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      end = `${error.name}: ${error.message}`;
    }
    this.ended.push({ run, end, seconds: (timeline.now() - startedAt) / 1000 });
    this.#running.delete(run);
  }

  async #call(resource: string, parameters: unknown): Promise<unknown> {
    if (!resource.endsWith(':lambda:invoke')) throw new Error(`the simulation does not call ${resource}`);
    const { FunctionName, Payload } = parameters as { FunctionName: string; Payload: unknown };
    const strands = { width: 1, turns: 1 };
    const result = await this.#world.lambda.invoke(FunctionName, strands, (deadline) =>
      this.#invoke(FunctionName, Payload, deadline),
    );
    return { Payload: result };
  }

  async #invoke(name: string, payload: unknown, deadline: Deadline): Promise<unknown> {
    const { ledger, timeline } = this.#world;
    switch (name) {
      case 'plan-sync':
        return this.#plan(payload as PlanSyncInput);
      case 'cut-ranges': {
        const state = payload as FindState;
        const { governor, stack } = this.#world;
        const standing = (work: Belonging): Promise<Standing> => governor.standing(work);
        return cutRanges({ ...this.#sidesOf(state.task), clock: timeline, finders: stack.finders, standing }, state);
      }
      case 'find-objects':
        return this.#find(payload as FindOrder, deadline);
      case 'check-deletes':
        return checkDeletes({ ledger }, payload as CheckDeletesInput);
      case 'finish-run': {
        const lookup = { failedKeysOf: () => Promise.resolve([]), lossyCopies: noCopies };
        return finishRun({ ledger, lookup, clock: timeline }, payload as FinishRunInput);
      }
      default:
        throw new Error(`the simulation has no function ${name}`);
    }
  }

  async #plan(event: PlanSyncInput): Promise<SyncPlan | SupersededRun> {
    const input = parseSyncInput(event.input);
    const { ledger, timeline } = this.#world;
    const { task, source, destination } = this.#world.taskOf(input.task);
    const context = { active: this.#active, executions: this, ledger, clock: timeline };
    const superseded = await beginRun(context, task, input, event);
    return superseded ?? planRun({ source, destination }, task, input, event);
  }

  #sidesOf(name: string): SimulatedTask {
    return this.#world.taskOf(name);
  }

  async #find(order: FindOrder, deadline: Deadline): Promise<RangeResult> {
    const { ledger, timeline } = this.#world;
    const { task, source, destination } = this.#sidesOf(order.task);
    const context = {
      task,
      source,
      destination,
      queue: queueOf(this.#world),
      lookup: ledger,
      clock: timeline,
      deadline,
    };
    return findInRange({ ...context, margin: findMarginMillis }, order);
  }
}

/** The queue of jobs: each counts for as many as its key stands for. */
export function queueOf(world: World): JobQueue {
  return {
    send: async (jobs: readonly Job[]) => {
      await world.timeline.sleep(world.random.tailed(sqsQuotas.latency));
      for (const job of jobs) {
        const count = world.countOf(job.task, job.key satisfies ObjectKey);
        world.queue.send({ body: encodeJob(job), group: job.run, count }, { batched: true });
      }
    },
  };
}

async function* noCopies(): AsyncGenerator<never[]> {
  await Promise.resolve();
  yield [];
}
