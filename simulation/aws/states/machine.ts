import { asFault, faultTable } from '../../../shared/model/faults.ts';
import type { Random } from '../../engine/random.ts';
import type { Timeline } from '../../engine/timeline.ts';
import { TooManyRequests } from '../lambda.ts';
import { statesQuotas } from '../quotas.ts';
import { TokenBucket } from '../token-bucket.ts';
import { filled, isTrue, placed, valueAt, type Json } from './paths.ts';
import { matches, Retries, StateError, type Retrier } from './retry.ts';
import type { StepFunctions } from './service.ts';

interface State extends Json {
  readonly Type: 'Pass' | 'Task' | 'Choice' | 'Wait' | 'Succeed' | 'Fail' | 'Map' | 'Parallel';
  readonly Next?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { ErrorEquals: readonly string[]; Next: string; ResultPath?: string | null }[];
  readonly ResultPath?: string | null;
}

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
}

/** What executions call. */
export interface Callees {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly service: StepFunctions;
  /** Calls what a Task names; `count` is how many alike calls it stands for. Its errors are faults or StateErrors. */
  readonly call: (resource: string, parameters: unknown, count: number) => Promise<unknown>;
}

/** An execution, which stands for `count` executions that are alike. */
export class Execution {
  readonly #callees: Callees;
  readonly #count: number;
  readonly #endsAt: number;
  /** the states that were entered, by name */
  readonly entered = new Map<string, number>();
  /** events in its history; items of an inline map are in it, those of a distributed one are not */
  events = 0;

  constructor(callees: Callees, count: number, endsAt = Infinity) {
    this.#callees = callees;
    this.#count = count;
    this.#endsAt = endsAt;
  }

  /** @throws StateError with which the execution fails */
  async run(definition: Definition, input: unknown, context: Json): Promise<unknown> {
    let data = input;
    for (let name: string | undefined = definition.StartAt; name !== undefined;) {
      const state: State | undefined = definition.States[name];
      if (!state) throw new StateError('States.Runtime', `there is no state ${name}`, false);
      await this.#enter(name);
      const left: { data: unknown; next: string | undefined } = await this.#leave(state, data, context);
      data = left.data;
      name = left.next;
    }
    return data;
  }

  async #enter(name: string): Promise<void> {
    const { timeline, random, service } = this.#callees;
    this.entered.set(name, (this.entered.get(name) ?? 0) + 1);
    const waitMillis = service.transition(this.#count);
    await timeline.sleep(waitMillis + random.tailed(statesQuotas.transitionLatency));
    if (timeline.now() > this.#endsAt) throw new StateError('States.Timeout', 'the execution lasted too long', false);
    // Entered and left; a task has three more events (scheduled, started, ended).
    this.#note(2);
  }

  #note(events: number): void {
    this.events += events;
    this.#callees.service.noteHistory(this.events);
    if (this.events > statesQuotas.historyEvents) {
      throw new StateError('States.Runtime', `the history has over ${statesQuotas.historyEvents} events`, false);
    }
  }

  async #leave(state: State, data: unknown, context: Json): Promise<{ data: unknown; next: string | undefined }> {
    const retries = new Retries(state.Retry ?? [], () => this.#callees.random.next());
    for (;;) {
      try {
        return await this.#work(state, data, context);
      } catch (thrown) {
        const error = errorOf(thrown);
        const seconds = retries.next(error);
        if (seconds !== undefined) {
          await this.#callees.timeline.sleep(seconds * 1000);
          // A retry is billed as a transition.
          await this.#callees.timeline.sleep(this.#callees.service.transition(this.#count));
          continue;
        }
        const handler = error.canBeCaught ? state.Catch?.find((one) => matches(one.ErrorEquals, error)) : undefined;
        if (!handler) throw error;
        const caught = { Error: error.name, Cause: error.message };
        return { data: placed(handler.ResultPath, data, caught), next: handler.Next };
      }
    }
  }

  async #work(state: State, data: unknown, context: Json): Promise<{ data: unknown; next: string | undefined }> {
    const path = (name: string): string | undefined => state[name] as string | undefined;
    const inputPath = path('InputPath');
    const input = inputPath === undefined ? data : valueAt(inputPath, data, context);
    const given = 'Parameters' in state ? filled(state['Parameters'], input, context) : input;
    const end = (value: unknown): { data: unknown; next: string | undefined } => {
      const selected = 'ResultSelector' in state ? filled(state['ResultSelector'], value, context) : value;
      const whole = placed(state.ResultPath, data, selected);
      const outputPath = path('OutputPath');
      return { data: outputPath === undefined ? whole : valueAt(outputPath, whole, context), next: state.Next };
    };
    switch (state.Type) {
      case 'Pass':
        return end('Result' in state ? state['Result'] : given);
      case 'Succeed':
        return { data: input, next: undefined };
      case 'Fail': {
        const text = (name: string, or: string): string =>
          path(`${name}Path`) === undefined
            ? (path(name) ?? or)
            : String(valueAt(path(`${name}Path`) ?? '', data, context));
        throw new StateError(text('Error', 'States.Fail'), text('Cause', ''));
      }
      case 'Choice': {
        const rule = (state['Choices'] as Json[]).find((one) => isTrue(one, input, context));
        return { data: input, next: (rule?.['Next'] ?? state['Default']) as string };
      }
      case 'Wait':
        await this.#callees.timeline.sleep(this.#secondsOf(state, input, context) * 1000);
        return end(input);
      case 'Task':
        this.#note(3);
        return end(await this.#callees.call(String(state['Resource']), given, this.#count));
      case 'Map':
        return end(await this.#map(state, input, context));
      case 'Parallel':
        throw new StateError('States.Runtime', 'Parallel is not modelled', false);
    }
  }

  #secondsOf(state: State, input: unknown, context: Json): number {
    const seconds = state['Seconds'] ?? valueAt(String(state['SecondsPath']), input, context);
    return Number(seconds);
  }

  async #map(state: State, input: unknown, context: Json): Promise<unknown[]> {
    const { timeline, service } = this.#callees;
    const processor = (state['ItemProcessor'] ?? state['Iterator']) as Definition & { ProcessorConfig?: Json };
    const isDistributed = processor.ProcessorConfig?.['Mode'] === 'DISTRIBUTED';
    const items = valueAt((state['ItemsPath'] as string | undefined) ?? '$', input, context) as unknown[];
    const concurrencyPath = state['MaxConcurrencyPath'] as string | undefined;
    const wanted = Number(
      concurrencyPath === undefined ? (state['MaxConcurrency'] ?? 0) : valueAt(concurrencyPath, input, context),
    );
    const most = wanted > 0 ? wanted : isDistributed ? statesQuotas.childrenAtOnce : inlineConcurrency;
    const rate = statesQuotas.childrenPerSecond;
    const dispatch = new TokenBucket(timeline, { burst: rate, perSecond: rate });
    const results: unknown[] = new Array<unknown>(items.length);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < items.length) {
        const index = next++;
        const itemContext = { ...context, Map: { Item: { Index: index, Value: items[index] } } };
        const selector = state['ItemSelector'] ?? state['Parameters'];
        const item = selector === undefined ? items[index] : filled(selector, input, itemContext);
        if (isDistributed) await timeline.sleep(dispatch.reserve(1));
        const child = isDistributed ? new Execution(this.#callees, this.#count, this.#endsAt) : this;
        results[index] = await child.run(processor, item, itemContext);
      }
    };
    const all = (): Promise<unknown> => Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
    try {
      if (isDistributed) await service.mapRun(this.#count, all);
      else await all();
    } catch (error) {
      next = items.length;
      if (!isDistributed) throw error;
      throw new StateError('States.ExceedToleratedFailureThreshold', errorOf(error).message);
    }
    return results;
  }
}

/** Step Functions Developer Guide: Map state, "Inline": up to 40 concurrent iterations. */
const inlineConcurrency = 40;

function errorOf(thrown: unknown): StateError {
  if (thrown instanceof StateError) return thrown;
  if (thrown instanceof TooManyRequests) return new StateError(thrown.name, thrown.message);
  // A function may throw another's error on, under its name.
  if (thrown instanceof Error && Object.hasOwn(faultTable, thrown.name)) {
    return new StateError(thrown.name, JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message }));
  }
  const fault = asFault(thrown);
  // What is no fault is a defect of the simulation, and must not look like an outage.
  if (fault.cause !== undefined && !(thrown instanceof Error && thrown.name === fault.name)) throw thrown;
  return new StateError(fault.name, JSON.stringify({ errorType: fault.name, errorMessage: fault.message }));
}
