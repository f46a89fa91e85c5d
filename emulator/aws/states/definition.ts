import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import { EmulatorError } from '../errors.ts';

/**
 * A state machine's definition made ready for the interpreter. The definition that is deployed stays as it is; the one
 * that runs differs in how the interpreter is told the same:
 *
 * - A Map becomes a Task that {@link MapState} describes: the interpreter's own Map goes on starting items after one
 *   has failed, and reports the item's error where a distributed Map reports its exceeded threshold.
 * - A Task without `TimeoutSeconds` is given a very long one: the interpreter's default is 60 seconds.
 * - `$$.Execution` becomes `$$.Run`: the interpreter overwrites the former inside of a Map.
 * - `ResultPath: "$"` is left out, which means the same; the interpreter makes a property named `$` of it.
 */
export interface RunnableDefinition {
  readonly interpreted: StateMachineDefinition;
  /** by state name, which is unique in the whole machine */
  readonly tasks: ReadonlyMap<string, TaskState>;
  readonly maps: ReadonlyMap<string, MapState>;
  /** the types of all states as they were written */
  readonly types: ReadonlyMap<string, string>;
}

/** `invoke`: parameters name function and payload; otherwise the function itself is the resource. */
export type TaskState = { readonly kind: 'invoke' } | { readonly kind: 'function'; readonly functionArn: string };

export interface MapState {
  readonly distributed: boolean;
  readonly itemsPath: string;
  readonly itemSelector: object | undefined;
  readonly maxConcurrency: number;
  readonly maxConcurrencyPath: string | undefined;
  readonly processor: StateMachineDefinition;
}

type Json = Record<string, unknown>;

/** 23 days: near the longest time that a Node timer can take. */
const noTimeoutSeconds = 2_000_000;

/** What a Map can have in the cloud but not here. */
const unsupportedMapFields = [
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentagePath',
];

/**
 * Prepares a definition.
 * @param what names the machine in messages
 * @throws EmulatorError `NotSupported` naming the state and what of it cannot run here
 */
export function runnable(definition: object, what: string): RunnableDefinition {
  const tasks = new Map<string, TaskState>();
  const maps = new Map<string, MapState>();
  const types = new Map<string, string>();
  const text = JSON.stringify(definition);
  const unknown = /\$\$\.(State|Task)\b[\w.]*/.exec(text);
  if (unknown) throw notSupported(what, `the context path ${unknown[0]}`);

  function prepareStates(machine: Json): Json {
    if ((machine['QueryLanguage'] ?? 'JSONPath') !== 'JSONPath') throw notSupported(what, 'JSONata');
    const states = Object.entries(machine['States'] as Record<string, Json>);
    const TimeoutSeconds = Math.min(Number(machine['TimeoutSeconds'] ?? noTimeoutSeconds), noTimeoutSeconds);
    return {
      ...machine,
      ...('TimeoutSeconds' in machine && { TimeoutSeconds }),
      States: Object.fromEntries(states.map(([name, state]) => [name, prepare(name, state)])),
    };
  }

  function prepare(name: string, written: Json): Json {
    const type = String(written['Type']);
    types.set(name, type);
    const state = withoutWholeResultPath(written);
    if (type === 'Task') {
      tasks.set(name, taskState(`${what}, state "${name}"`, state));
      return 'TimeoutSecondsPath' in state ? state : { TimeoutSeconds: noTimeoutSeconds, ...state };
    }
    if (type === 'Parallel') return { ...state, Branches: (state['Branches'] as Json[]).map(prepareStates) };
    if (type !== 'Map') return state;
    maps.set(name, mapState(`${what}, state "${name}"`, state, prepareStates));
    const kept = ['InputPath', 'ResultSelector', 'ResultPath', 'OutputPath', 'Retry', 'Catch', 'Next', 'End'];
    return {
      Type: 'Task',
      Resource: 'map',
      TimeoutSeconds: noTimeoutSeconds,
      ...Object.fromEntries(kept.flatMap((field) => (field in state ? [[field, state[field]]] : []))),
    };
  }

  const prepared = prepareStates(JSON.parse(text.replaceAll('$$.Execution', '$$$$.Run')) as Json);
  return { interpreted: prepared as unknown as StateMachineDefinition, tasks, maps, types };
}

function taskState(what: string, state: Json): TaskState {
  const resource = String(state['Resource']);
  if (/^arn:[^:]+:states:::lambda:invoke$/.test(resource)) return { kind: 'invoke' };
  if (/^arn:[^:]+:lambda:/.test(resource)) return { kind: 'function', functionArn: resource };
  throw notSupported(what, `the resource ${resource} (only Lambda functions are)`);
}

function mapState(what: string, state: Json, prepareStates: (machine: Json) => Json): MapState {
  const field = unsupportedMapFields.find((name) => name in state);
  if (field !== undefined) throw notSupported(what, field);
  const processor = (state['ItemProcessor'] ?? state['Iterator']) as Json;
  const mode = (processor['ProcessorConfig'] as { Mode?: string } | undefined)?.Mode;
  return {
    distributed: mode === 'DISTRIBUTED',
    itemsPath: (state['ItemsPath'] as string | undefined) ?? '$',
    itemSelector: (state['ItemSelector'] ?? state['Parameters']) as object | undefined,
    maxConcurrency: (state['MaxConcurrency'] as number | undefined) ?? 0,
    maxConcurrencyPath: state['MaxConcurrencyPath'] as string | undefined,
    processor: prepareStates(processor) as unknown as StateMachineDefinition,
  };
}

function withoutWholeResultPath(state: Json): Json {
  const trimmed = Object.fromEntries(
    Object.entries(state).filter(([key, value]) => key !== 'ResultPath' || value !== '$'),
  );
  if (!Array.isArray(state['Catch'])) return trimmed;
  return { ...trimmed, Catch: (state['Catch'] as Json[]).map(withoutWholeResultPath) };
}

function notSupported(where: string, found: string): EmulatorError {
  return new EmulatorError('NotSupported', `${where}: the local endpoint cannot run ${found}`);
}
