import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { randomUUID } from 'node:crypto';
import type { InvocationResult } from '../lambda/environment.ts';
import type { ExecutionQuotas } from '../quotas/executions.ts';
import type { Announcement, MapState, RunnableDefinition, TaskState } from './definition.ts';
import { checkStateData, StepError } from './step-error.ts';

type JsonValue = Parameters<StateMachine['run']>[0];
type Context = Readonly<Record<string, unknown>>;

/** An item of a Map. */
interface MapItem {
  readonly index: number;
  readonly value: unknown;
}

/** The parameters of a state that sends a message. */
interface SentMessage {
  readonly MessageBody: unknown;
}

export interface RunOptions {
  readonly invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  /** Calls SendMessage of SQS. @throws StepError */
  readonly send: (message: object) => Promise<object>;
  readonly announce: (kind: Announcement, parameters: object) => object;
  /** why the children of a distributed map may not be started; undefined if they may */
  readonly childrenRefused: () => string | undefined;
  /** the context object; its `Run` is `$$.Execution` in a definition */
  readonly context: Context;
  /** receives what the interpreter reports, such as a state entered or left, for the history */
  readonly onEvent: (event: RunEvent) => void;
  /** counts the events of the execution's history as Step Functions does: also those of its inline maps and tasks */
  readonly onHistory: (events: number) => void;
  readonly quotas?: ExecutionQuotas | undefined;
  /** how long every Wait state and every retry waits, instead of what the definition says */
  readonly waitSeconds?: number | undefined;
}

/** What the interpreter reports. */
export interface RunEvent {
  readonly type: string;
  readonly timestamp: number;
  readonly state?: { readonly name: string; readonly type: string };
}

/** Events of the history besides those of entering and leaving the state (API Reference: HistoryEvent). */
const eventsOfTask = 3; // scheduled, started, ended; again for each retry
const eventsOfMap = 2; // started, ended
const eventsOfIteration = 2;

/** Step Functions: the defaults of inline and distributed maps. The limits of the functions are far lower. */
const maxInlineConcurrency = 40;
const maxDistributedConcurrency = 10_000;

/** A running execution. */
export class Run {
  readonly #definition: RunnableDefinition;
  readonly #options: RunOptions;
  readonly #aborts = new Set<() => void>();
  #over = false;

  constructor(definition: RunnableDefinition, options: RunOptions) {
    this.#definition = definition;
    this.#options = options;
  }

  /** Runs to the end. @throws ExecutionError (see its cause), ExecutionTimeoutError, ExecutionAbortedError */
  async start(input: unknown): Promise<unknown> {
    try {
      const output = await this.#interpret(this.#definition.interpreted, input, this.#options.context, true);
      checkStateData(output, 'the output of the execution');
      return output;
    } finally {
      // Also after a timeout: what is still running must not start anything else.
      this.abort();
    }
  }

  /** Ends the execution. Function invocations in progress continue, as in Lambda, but nothing follows them. */
  abort(): void {
    this.#over = true;
    for (const abort of this.#aborts) abort();
  }

  async #interpret(machine: StateMachineDefinition, input: unknown, context: Context, root: boolean): Promise<unknown> {
    const handlers = [
      ...[...this.#definition.tasks].map(([name, task]) => [
        name,
        (given: unknown) => this.#runTask(name, task, given),
      ]),
      ...[...this.#definition.maps].map(([name, map]) => [
        name,
        (given: unknown) => this.#runMap(name, map, given, context),
      ]),
    ];
    const run = new StateMachine(machine, { validationOptions: { noValidate: true } }).run(input as JsonValue, {
      context,
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(handlers) as Record<
          string,
          (given: JsonValue) => Promise<JsonValue>
        >,
        ...this.#waits(),
      },
    });
    this.#aborts.add(run.abort);
    void this.#follow(run.eventLogs, root);
    try {
      return await run.result;
    } finally {
      this.#aborts.delete(run.abort);
    }
  }

  #waits(): { waitTimeOverrides?: Record<string, number>; retryIntervalOverrides?: Record<string, number> } {
    const { waitSeconds } = this.#options;
    if (waitSeconds === undefined) return {};
    const each = Object.fromEntries([...this.#definition.types.keys()].map((name) => [name, waitSeconds * 1000]));
    return { waitTimeOverrides: each, retryIntervalOverrides: each };
  }

  async #follow(events: AsyncIterable<RunEvent>, root: boolean): Promise<void> {
    for await (const event of events) {
      const ofState = event.type === 'StateEntered' || event.type === 'StateExited';
      if (ofState || (root && event.type.startsWith('Execution'))) this.#options.onHistory(1);
      // A task, and a map, waits for its transition itself.
      if (event.type === 'StateEntered' && event.state?.type !== 'Task') this.#options.quotas?.passed();
      if (root) this.#options.onEvent(event);
    }
  }

  async #runTask(name: string, task: TaskState, given: unknown): Promise<unknown> {
    await this.#options.quotas?.transition();
    this.#assertRunning();
    this.#options.onHistory(eventsOfTask);
    if (task.kind === 'send') return this.#send(name, given as SentMessage);
    if (task.kind === 'publish' || task.kind === 'putEvents') {
      checkStateData(given, `the input of state "${name}"`);
      return this.#options.announce(task.kind, given as object);
    }
    const { FunctionName, Payload } = given as { FunctionName?: unknown; Payload?: unknown };
    const functionName = task.kind === 'function' ? task.functionArn : String(FunctionName);
    const event = task.kind === 'function' ? given : (Payload ?? {});
    checkStateData(event, `the input of state "${name}"`);
    const result = await this.#options.invoke(functionName, event);
    this.#assertRunning();
    if (!result.ok) throw new StepError(result.error.errorType, JSON.stringify(result.error));
    checkStateData(result.payload, `the output of state "${name}"`);
    if (task.kind === 'function') return result.payload;
    return {
      ExecutedVersion: '$LATEST',
      Payload: result.payload,
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: result.requestId },
      StatusCode: 200,
    };
  }

  /** A body that is an object is sent as JSON text, as the CDK's SqsSendMessage relies on. */
  async #send(name: string, given: SentMessage): Promise<unknown> {
    checkStateData(given, `the input of state "${name}"`);
    const { MessageBody } = given;
    const text = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
    const answer = await this.#options.send({ ...given, MessageBody: text });
    this.#assertRunning();
    return answer;
  }

  /** A Map. */
  async #runMap(name: string, map: MapState, input: unknown, context: Context): Promise<unknown> {
    const { quotas, onHistory } = this.#options;
    await quotas?.transition();
    this.#assertRunning();
    onHistory(eventsOfMap);
    const run = (): Promise<unknown> => this.#runItems(name, map, input, context);
    return map.distributed && quotas ? quotas.inMapRun(run) : run();
  }

  /** Starts items in order, up to the map's concurrency. The first failure aborts the items in progress. */
  async #runItems(name: string, map: MapState, input: unknown, context: Context): Promise<unknown> {
    this.#assertRunning();
    checkStateData(input, `the input of state "${name}"`);
    const refused = map.distributed ? this.#options.childrenRefused() : undefined;
    // The error's name is not documented for a Map; assumed is that of a Task without privileges (Step Functions
    // Developer Guide: Handling errors in Step Functions workflows, "Error names").
    if (refused !== undefined) throw new StepError('States.Permissions', refused);
    const items = await evaluate(map.itemsPath, input, context);
    if (!Array.isArray(items)) {
      throw new StepError('States.Runtime', `state "${name}": ${map.itemsPath} is not an array`, { terminal: true });
    }
    const wanted =
      map.maxConcurrencyPath === undefined
        ? map.maxConcurrency
        : Number(await evaluate(map.maxConcurrencyPath, input, context));
    const concurrency = wanted || (map.distributed ? maxDistributedConcurrency : maxInlineConcurrency);
    const results: unknown[] = new Array<unknown>(items.length);
    // Each item of a distributed map is an execution with a history of its own, which is short.
    const onHistory = map.distributed ? () => undefined : this.#options.onHistory;
    const options = { ...this.#options, context, onHistory };
    const child = new Run({ ...this.#definition, interpreted: map.processor }, options);
    const abortChild = (): void => child.abort();
    this.#aborts.add(abortChild);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < items.length) {
        const index = next++;
        onHistory(eventsOfIteration);
        results[index] = await child.#runItem(map, { index, value: items[index] }, input, context);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
    } catch (error) {
      throw mapFailure(name, map, error);
    } finally {
      next = items.length;
      child.abort();
      this.#aborts.delete(abortChild);
    }
    this.#assertRunning();
    checkStateData(results, `the output of state "${name}"`);
    return results;
  }

  async #runItem(map: MapState, item: MapItem, input: unknown, context: Context): Promise<unknown> {
    this.#assertRunning();
    const itemContext = { ...context, Map: { Item: { Index: item.index, Value: item.value } } };
    const itemInput = map.itemSelector ? await evaluate(map.itemSelector, input, itemContext) : item.value;
    // Each item of a distributed map is a child execution.
    const own = { Run: { ...(context['Run'] as object), Name: randomUUID(), Input: itemInput } };
    return this.#interpret(map.processor, itemInput, { ...itemContext, ...(map.distributed && own) }, false);
  }

  #assertRunning(): void {
    if (this.#over) throw new StepError('States.Runtime', 'the execution is over', { terminal: true });
  }
}

/** A distributed Map fails with an error of its own, an inline one with the error of the item. */
function mapFailure(name: string, map: MapState, error: unknown): unknown {
  const failure = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!map.distributed || !(failure instanceof Error)) return failure;
  return new StepError(
    'States.ExceedToleratedFailureThreshold',
    `the specified tolerated failure threshold of state "${name}" was exceeded: ${failure.name}: ${failure.message}`,
  );
}

/** Evaluates a path or a payload template, with the interpreter. */
async function evaluate(expression: string | object, input: unknown, context: Context): Promise<unknown> {
  if (expression === '$') return input;
  const Parameters = typeof expression === 'string' ? { 'value.$': expression } : { value: expression };
  const machine = { StartAt: 'Evaluate', States: { Evaluate: { Type: 'Pass', Parameters, End: true } } };
  const run = new StateMachine(machine as StateMachineDefinition, { validationOptions: { noValidate: true } });
  try {
    const output = await run.run(input as JsonValue, { context }).result;
    return (output as { value: unknown }).value;
  } catch (error) {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
}
