import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { serviceName } from '../support/permissions.ts';
import { synthesize, type Template } from '../support/synthesize.ts';

/** The parts of a definition that the tests look at. */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Default?: string;
  readonly TimeoutSeconds?: number;
  readonly MaxConcurrency?: number;
  readonly ItemProcessor?: Definition & { readonly ProcessorConfig: Readonly<Record<string, string>> };
}

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly MaxAttempts: number;
  readonly IntervalSeconds: number;
  readonly MaxDelaySeconds: number;
  readonly BackoffRate: number;
  readonly JitterStrategy?: string;
}

export interface Definition {
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
}

/** A function of the machine: what it is given, to what it answers. */
export type Handler = (payload: never) => unknown;

export interface Run {
  /** the execution's output; undefined where it failed */
  readonly output: unknown;
  /** what it failed with */
  readonly error?: { readonly name: string; readonly message: string };
  /** each call of a state: what its function was given */
  readonly calls: readonly { readonly state: string; readonly payload: unknown }[];
  /** `State`, `State retries 0`, `State catches 0`, `Choice -> State`, in order */
  readonly steps: readonly string[];
}

/** The definition of one of the two machines, as deployed, and the function that each of its states calls. */
export class Machine {
  readonly definition: Definition;
  /** every state by its name, those inside maps too */
  readonly states: ReadonlyMap<string, State>;
  /** Everything that can happen and has not yet happened in a run. */
  readonly untouched: Set<string>;

  constructor(template: Template, output: 'SyncMachineArn' | 'UploadMachineArn') {
    const { Ref } = template.Outputs[output]!.Value as { Ref: string };
    const { DefinitionString } = template.Resources[Ref]!.Properties as {
      DefinitionString: { 'Fn::Join': [string, unknown[]] };
    };
    const text = DefinitionString['Fn::Join'][1].map((part) => rendered(template, part)).join('');
    this.definition = JSON.parse(text) as Definition;
    // Refuses a definition that is not valid. Once is enough: it is most of the time that a run takes.
    new StateMachine(this.definition as unknown as StateMachineDefinition);
    this.states = new Map(statesOf(this.definition));
    this.untouched = new Set([...this.states].flatMap(([name, state]) => stepsOf(name, state)));
  }

  /**
   * Runs the machine.
   * @param functions by their names in functions/; a state that sends a message or tells something by its own name
   * @param changed another definition than the one that is deployed
   */
  async run(
    input: unknown,
    functions: Readonly<Record<string, Handler>>,
    changed: Definition = this.definition,
  ): Promise<Run> {
    const calls: { state: string; payload: unknown }[] = [];
    const names = [...this.states].flatMap(([name, { Type }]) => (Type === 'Task' ? [name] : []));
    const invoke = (state: string) => async (parameters: unknown) => {
      if (!this.states.get(state)?.Resource?.endsWith(':lambda:invoke')) {
        calls.push({ state, payload: parameters });
        return ((await functions[state]?.(parameters as never)) ?? { MessageId: '1' }) as never;
      }
      const { FunctionName, Payload } = parameters as { FunctionName: string; Payload: unknown };
      calls.push({ state, payload: Payload });
      const handler = functions[FunctionName];
      if (!handler) throw new Error(`${state} calls ${FunctionName}, which the test does not expect`);
      return { StatusCode: 200, Payload: (await handler(Payload as never)) ?? null } as never;
    };
    // The interpreter's timers end immediately where their time does not fit into 32 bits.
    const timed = { ...changed, TimeoutSeconds: Math.min(changed.TimeoutSeconds ?? Infinity, 2_000_000) };
    const machine = new StateMachine(timed as unknown as StateMachineDefinition, {
      validationOptions: { noValidate: true },
    });
    const run = machine.run(input as never, {
      context: { Execution: { Id: 'arn:execution-1', Name: 'execution-1' } },
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(names.map((name) => [name, invoke(name)])),
        retryIntervalOverrides: Object.fromEntries([...this.states.keys()].map((name) => [name, 0])),
        waitTimeOverrides: { WaitForParts: 0, WaitAMinute: 0, WaitForRound: 0, WaitForJobs: 0 },
      },
    });
    const ended = run.result.then(
      (output) => ({ output }),
      (error: unknown) => ({ output: undefined, error: (error as { cause: Error }).cause }),
    );
    const steps: string[] = [];
    const choosing = new Map<number | undefined, string>();
    for await (const event of run.eventLogs) {
      if (!('state' in event)) continue;
      const { name } = event.state;
      if (event.type === 'StateEntered') {
        const choice = choosing.get(event.index);
        if (choice !== undefined) steps.push(`${choice} -> ${name}`);
        choosing.delete(event.index);
        steps.push(name);
      }
      if (event.type === 'StateExited' && event.state.type === 'Choice') choosing.set(event.index, name);
      if (event.type === 'StateRetried')
        steps.push(`${name} retries ${indexOf(this.states.get(name)?.Retry, event.retry.retrier)}`);
      if (event.type === 'StateCaught')
        steps.push(`${name} catches ${indexOf(this.states.get(name)?.Catch, event.catch.catcher)}`);
    }
    for (const step of steps) this.untouched.delete(step);
    return { ...(await ended), calls, steps };
  }
}

/** Both machines of a stack with one task. */
export function synthesizeMachines(stack: object = {}): { sync: Machine; upload: Machine } {
  const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } };
  const template = synthesize({ configuration: { tasks: [task], stack } });
  return { sync: new Machine(template, 'SyncMachineArn'), upload: new Machine(template, 'UploadMachineArn') };
}

/** An error as Step Functions sees it: a name. */
export function named(name: string): Error {
  return Object.assign(new Error(`message of ${name}`), { name });
}

/** Seconds for which a retrier waits in all, if chance makes no delay shorter. */
export function longestWaitSeconds({ MaxAttempts, IntervalSeconds, MaxDelaySeconds }: Retrier): number {
  return Array.from({ length: MaxAttempts }, (_, index) =>
    Math.min(MaxDelaySeconds, IntervalSeconds * 2 ** Math.min(index, 40)),
  ).reduce((sum, delay) => sum + delay, 0);
}

/** A handler that fails with `name` the first `times` times, and then does as `handler` does. */
export function failing(name: string, times: number, handler: Handler): Handler {
  let left = times;
  return (payload) => {
    if (left-- > 0) throw named(name);
    return handler(payload);
  };
}

/** A reference of the definition: functions by their names in functions/, and the partition that is known to exist. */
function rendered(template: Template, part: unknown): string {
  if (typeof part === 'string') return part;
  const { Ref, 'Fn::GetAtt': attribute } = part as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  if (Ref === 'AWS::Partition') return 'aws';
  if (Ref?.startsWith('NoticeTopic')) return Ref;
  if (Ref !== undefined && template.Resources[Ref]?.Type === 'AWS::SQS::Queue') return `<${Ref}>`;
  const name = attribute && serviceName(template.Resources[attribute[0]]?.Properties);
  if (name === undefined) throw new Error(`the definition holds ${JSON.stringify(part)}`);
  return name;
}

function statesOf({ States }: Definition): [string, State][] {
  return Object.entries(States).flatMap(([name, state]) => [
    [name, state],
    ...(state.ItemProcessor ? statesOf(state.ItemProcessor) : []),
  ]);
}

/** Everything that can happen at a state, in the words of {@link Run.steps}. */
function stepsOf(name: string, { Retry = [], Catch = [], Choices = [], Default }: State): string[] {
  return [
    name,
    ...Retry.map((_retrier, index) => `${name} retries ${index}`),
    ...Catch.map((_catcher, index) => `${name} catches ${index}`),
    ...Choices.map(({ Next }) => `${name} -> ${Next}`),
    ...(Default === undefined ? [] : [`${name} -> ${Default}`]),
  ];
}

function indexOf(entries: readonly unknown[] | undefined, entry: unknown): number {
  return (entries ?? []).findIndex((other) => JSON.stringify(other) === JSON.stringify(entry));
}
