import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { randomUUID } from 'node:crypto';
import type { InvocationResult } from '../lambda/environment.ts';
import type { MapState, RunnableDefinition, TaskState } from './definition.ts';
import { checkStateData, StepError } from './step-error.ts';

type JsonValue = Parameters<StateMachine['run']>[0];
type Context = Readonly<Record<string, unknown>>;

export interface RunOptions {
  readonly invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  /** the context object; `Run` in it is what a definition calls `$$.Execution` */
  readonly context: Context;
  /** a state was entered or left, or the interpreter reported something else; for the history */
  readonly onEvent: (event: { readonly type: string; readonly timestamp: number }) => void;
}

/** Distributed maps of the cloud start up to 10,000 children; the functions' own limits hold long before that. */
const maxInlineConcurrency = 40;
const maxDistributedConcurrency = 10_000;

/** One execution being interpreted. */
export class Run {
  readonly #definition: RunnableDefinition;
  readonly #options: RunOptions;
  readonly #aborts = new Set<() => void>();
  #over = false;

  constructor(definition: RunnableDefinition, options: RunOptions) {
    this.#definition = definition;
    this.#options = options;
  }

  /** Runs to the end. @throws what the interpreter throws: ExecutionError (see its cause), -TimeoutError, -AbortedError */
  async start(input: unknown): Promise<unknown> {
    try {
      const output = await this.#interpret(this.#definition.interpreted, input, this.#options.context, true);
      checkStateData(output, 'the output of the execution');
      return output;
    } finally {
      // Also after a timeout: what is still under way must not start anything more.
      this.abort();
    }
  }

  /** Ends the execution. Function invocations under way go on, as they do in Lambda, but nothing follows on them. */
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
      },
    });
    this.#aborts.add(run.abort);
    if (root) void this.#follow(run.eventLogs);
    try {
      return await run.result;
    } finally {
      this.#aborts.delete(run.abort);
    }
  }

  async #follow(events: AsyncIterable<{ type: string; timestamp: number }>): Promise<void> {
    for await (const event of events) this.#options.onEvent(event);
  }

  async #runTask(name: string, task: TaskState, given: unknown): Promise<unknown> {
    this.#assertRunning();
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

  /** A Map: items in order, at most so many at once; the first failure starts no more and ends those under way. */
  async #runMap(name: string, map: MapState, input: unknown, context: Context): Promise<unknown> {
    this.#assertRunning();
    checkStateData(input, `the input of state "${name}"`);
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
    const child = new Run({ ...this.#definition, interpreted: map.processor }, { ...this.#options, context });
    const abortChild = (): void => child.abort();
    this.#aborts.add(abortChild);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < items.length) {
        const index = next++;
        results[index] = await child.#runItem(map, input, items[index], index, context);
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

  async #runItem(map: MapState, input: unknown, item: unknown, index: number, context: Context): Promise<unknown> {
    this.#assertRunning();
    const itemContext = { ...context, Map: { Item: { Index: index, Value: item } } };
    const itemInput = map.itemSelector ? await evaluate(map.itemSelector, input, itemContext) : item;
    // A child of a distributed map is an execution of its own.
    const own = { Run: { ...(context['Run'] as object), Name: randomUUID(), Input: itemInput } };
    return this.#interpret(map.processor, itemInput, { ...itemContext, ...(map.distributed && own) }, false);
  }

  #assertRunning(): void {
    if (this.#over) throw new StepError('States.Runtime', 'the execution is over', { terminal: true });
  }
}

/** A distributed Map fails with its own error whatever an item failed with; an inline one with the item's. */
function mapFailure(name: string, map: MapState, error: unknown): unknown {
  const failure = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!map.distributed || !(failure instanceof Error)) return failure;
  return new StepError(
    'States.ExceedToleratedFailureThreshold',
    `the specified tolerated failure threshold of state "${name}" was exceeded: ${failure.name}: ${failure.message}`,
  );
}

/** The value of a path or of a payload template, as the interpreter evaluates it. */
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
