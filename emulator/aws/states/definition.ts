import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import { EmulatorError } from '../errors.ts';

/**
 * The definition of a state machine, prepared for the interpreter (aws-local-stepfunctions). The deployed definition is
 * unchanged; the interpreted one has the same meaning, but avoids differences between the interpreter and AWS:
 *
 * - A Map becomes a Task, described by {@link MapState}. The interpreter's own Map keeps starting items after one has
 *   failed, and reports the item's error where a distributed Map reports that its threshold was exceeded.
 * - A Task without `TimeoutSeconds` gets a very long one. The interpreter's default is 60 seconds.
 * - `$$.Execution` becomes `$$.Run`. The interpreter overwrites the former inside a Map.
 * - `ResultPath: "$"` is removed, because it is the default. The interpreter creates a property named `$` for it.
 */
export interface RunnableDefinition {
  readonly interpreted: StateMachineDefinition;
  /** by state name, which is unique in a machine */
  readonly tasks: ReadonlyMap<string, TaskState>;
  readonly maps: ReadonlyMap<string, MapState>;
  /** the types of all states as deployed */
  readonly types: ReadonlyMap<string, string>;
}

/**
 * `invoke`: the parameters name function and payload; `function`: the resource is the function itself; `send`: the
 * parameters are those of SQS's SendMessage.
 */
export type TaskState =
  { readonly kind: 'invoke' | 'send' | Announcement } | { readonly kind: 'function'; readonly functionArn: string };

/** What tells others outside: a message to a topic, or events. */
export type Announcement = 'publish' | 'putEvents';

export interface MapState {
  readonly distributed: boolean;
  readonly itemsPath: string;
  readonly itemSelector: object | undefined;
  readonly maxConcurrency: number;
  readonly maxConcurrencyPath: string | undefined;
  readonly processor: StateMachineDefinition;
}

type Json = Record<string, unknown>;

/** 23 days, near the longest delay of a Node timer. */
const noTimeoutSeconds = 2_000_000;

/** Fields of a Map that the emulator does not support. */
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
 * @throws EmulatorError `NotSupported` that names the state and what is not supported
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
  if (/^arn:[^:]+:states:::sqs:sendMessage$/.test(resource)) return { kind: 'send' };
  if (/^arn:[^:]+:lambda:/.test(resource)) return { kind: 'function', functionArn: resource };
  if (/^arn:[^:]+:states:::sns:publish$/.test(resource)) return { kind: 'publish' };
  if (/^arn:[^:]+:states:::events:putEvents$/.test(resource)) return { kind: 'putEvents' };
  const known = 'Lambda functions, sqs:sendMessage, sns:publish and events:putEvents';
  throw notSupported(what, `the resource ${resource} (only ${known} are)`);
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
  return new EmulatorError('NotSupported', `${where}: the emulator cannot run ${found}`);
}
