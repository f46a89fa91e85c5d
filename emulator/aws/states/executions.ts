import { ExecutionAbortedError, ExecutionError, ExecutionTimeoutError } from 'aws-local-stepfunctions';
import type { Caller } from '../iam/access.ts';
import type { InvocationResult } from '../lambda/environment.ts';
import type { ExecutionQuotas } from '../quotas/executions.ts';
import { quotaTable } from '../quotas/table.ts';
import type { Announcement, RunnableDefinition } from './definition.ts';
import { Run, type RunEvent } from './run.ts';

export const executionStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

export interface Machine {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** a session of the role, in which it calls functions and starts child executions */
  readonly role: Caller;
  /** as deployed */
  readonly definition: object;
  readonly runnable: RunnableDefinition;
  /** milliseconds since the epoch */
  readonly created: number;
}

/** A step of an execution, without its data. */
export interface HistoryEvent {
  readonly type: string;
  /** milliseconds since the epoch */
  readonly timestamp: number;
  readonly state?: string;
  readonly error?: string;
}

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: Machine;
  /** JSON text, as received */
  readonly input: string;
  /** increases with each execution; their order */
  readonly sequence: number;
  /** milliseconds since the epoch */
  readonly started: number;
  readonly status: ExecutionStatus;
  readonly stopped?: number;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  readonly history: readonly HistoryEvent[];
}

/** What machines do outside of themselves, each in its role. */
export interface MachineActions {
  readonly invoke: (machine: Machine, functionName: string, event: unknown) => Promise<InvocationResult>;
  /** Sends a message to a queue. @throws StepError */
  readonly send: (machine: Machine, message: object) => Promise<object>;
  /** @throws StepError if the role may not */
  readonly announce: (machine: Machine, kind: Announcement, parameters: object) => object;
  /** Why a machine may not start the child executions of a distributed map; undefined if it may. */
  readonly childrenRefused: (machine: Machine) => string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Entry {
  readonly execution: Mutable<Execution> & { history: HistoryEvent[] };
  readonly run: Run;
  readonly over: Promise<void>;
}

/** Bounds on the finished executions kept in memory: their number, and the characters of their inputs and outputs. */
const maxFinished = 10_000;
const maxFinishedCharacters = 64 * 1024 * 1024;
/** Events of an execution, which fails with the last of them. It has this limit also without quotas. */
const maxHistory = quotaTable.historyEvents.value;

export interface ExecutionsOptions {
  readonly quotas?: ExecutionQuotas | undefined;
  /** how long every Wait state and every retry waits, instead of what definitions say */
  readonly waitSeconds?: number | undefined;
}

/** All executions, in memory: the running ones and the most recently finished ones. */
export class Executions {
  readonly #actions: MachineActions;
  readonly #quotas: ExecutionQuotas | undefined;
  readonly #waitSeconds: number | undefined;
  readonly #entries = new Map<string, Entry>();
  /** ARNs of finished executions, oldest first */
  readonly #finished: string[] = [];
  #finishedCharacters = 0;
  #sequence = 0;
  #open = 0;

  constructor(actions: MachineActions, { quotas, waitSeconds }: ExecutionsOptions = {}) {
    this.#actions = actions;
    this.#quotas = quotas;
    this.#waitSeconds = waitSeconds;
  }

  /** May another execution be open? */
  hasRoom(): boolean {
    return this.#quotas?.mayOpen(this.#open) ?? true;
  }

  find(arn: string): Execution | undefined {
    return this.#entries.get(arn)?.execution;
  }

  /** Newest first. */
  list(machineArn: string): Execution[] {
    const all = [...this.#entries.values()].map((entry) => entry.execution);
    return all.filter((execution) => execution.machine.arn === machineArn).sort((a, b) => b.sequence - a.sequence);
  }

  /** Starts an execution. The caller has checked that its ARN is free. */
  start(machine: Machine, arn: string, name: string, input: string): Execution {
    const started = Date.now();
    const execution: Entry['execution'] = {
      arn,
      name,
      machine,
      input,
      started,
      sequence: ++this.#sequence,
      status: 'RUNNING',
      history: [],
    };
    const StartTime = new Date(started).toISOString();
    const parsed: unknown = JSON.parse(input);
    const limit = this.#quotas?.historyEvents ?? maxHistory;
    let events = 0;
    const run = new Run(machine.runnable, {
      invoke: (functionName, event) => this.#actions.invoke(machine, functionName, event),
      send: (message) => this.#actions.send(machine, message),
      announce: (kind, parameters) => this.#actions.announce(machine, kind, parameters),
      childrenRefused: () => this.#actions.childrenRefused(machine),
      context: {
        Run: { Id: arn, Name: name, Input: parsed, StartTime, RoleArn: machine.roleArn },
        StateMachine: { Id: machine.arn, Name: machine.name },
      },
      onEvent: (event) => {
        if (execution.history.length < maxHistory) execution.history.push(historyEvent(machine.runnable, event));
      },
      onHistory: (more) => {
        events += more;
        if (events >= limit && execution.status === 'RUNNING') run.abort();
      },
      quotas: this.#quotas,
      waitSeconds: this.#waitSeconds,
    });
    this.#open++;
    const over = run
      .start(parsed)
      .then(
        (output) => Object.assign(execution, { status: 'SUCCEEDED', output: JSON.stringify(output ?? null) }),
        (error: unknown) => Object.assign(execution, events >= limit ? tooLong(limit) : failure(error)),
      )
      .then(() => this.#ended(execution));
    this.#entries.set(arn, { execution, run, over });
    return execution;
  }

  /** Aborts an execution; does nothing if it has ended. */
  async abort(arn: string, error?: string, cause?: string): Promise<Execution | undefined> {
    const entry = this.#entries.get(arn);
    if (entry?.execution.status === 'RUNNING') {
      entry.run.abort();
      await entry.over;
      Object.assign(entry.execution, { ...(error && { error }), ...(cause && { cause }) });
    }
    return entry?.execution;
  }

  /** Aborts all running executions. */
  async abortAll(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((arn) => this.abort(arn)));
  }

  #ended(execution: Entry['execution']): void {
    this.#open--;
    execution.stopped = Date.now();
    this.#finished.push(execution.arn);
    this.#finishedCharacters += size(execution);
    while (this.#finished.length > maxFinished || this.#finishedCharacters > maxFinishedCharacters) {
      const oldest = this.#entries.get(this.#finished.shift() ?? '')?.execution;
      if (!oldest) return;
      this.#finishedCharacters -= size(oldest);
      this.#entries.delete(oldest.arn);
    }
  }
}

function size(execution: Execution): number {
  return execution.input.length + (execution.output?.length ?? 0) + (execution.cause?.length ?? 0);
}

/** As in loads/ardere#86 and floci-io/floci#2734. */
function tooLong(limit: number): Pick<Execution, 'status' | 'error' | 'cause'> {
  const cause = `The execution reached the maximum number of history events (${limit}).`;
  return { status: 'FAILED', error: 'States.Runtime', cause };
}

function failure(thrown: unknown): Pick<Execution, 'status' | 'error' | 'cause'> {
  if (thrown instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT', error: 'States.Timeout' };
  if (thrown instanceof ExecutionAbortedError) return { status: 'ABORTED' };
  const inner = thrown instanceof ExecutionError ? thrown.cause : thrown;
  if (!(inner instanceof Error)) return { status: 'FAILED', error: 'States.Runtime', cause: String(inner) };
  return { status: 'FAILED', error: inner.name, cause: inner.message };
}

function historyEvent(definition: RunnableDefinition, event: RunEvent): HistoryEvent {
  const { type, timestamp, state, Error: error } = event as typeof event & { Error?: string };
  const stateType = definition.types.get(state?.name ?? '') ?? '';
  const named: Record<string, string> = {
    StateEntered: `${stateType}StateEntered`,
    StateExited: `${stateType}StateExited`,
    StateFailed: `${stateType}StateFailed`,
    StateRetried: `${stateType}StateRetried`,
    StateCaught: `${stateType}StateCaught`,
    ExecutionTimeout: 'ExecutionTimedOut',
  };
  return { type: named[type] ?? type, timestamp, ...(state && { state: state.name }), ...(error && { error }) };
}
