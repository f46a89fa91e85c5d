import { afterEach, describe, expect, it } from '@jest/globals';
import { accountIn } from '../../aws/account.ts';
import type { InvocationResult } from '../../aws/lambda/environment.ts';
import { runnable } from '../../aws/states/definition.ts';
import {
  Executions,
  type Execution,
  type ExecutionsOptions,
  type Machine,
  type MachineActions,
} from '../../aws/states/executions.ts';
import { StepFunctions } from '../../aws/states/service.ts';
import { until } from '../../../test/support/until.ts';

type Handler = (event: never) => unknown;

let executions: Executions | undefined;
afterEach(async () => executions?.abortAll());

function thrown(errorType: string, errorMessage = 'message'): InvocationResult {
  return { ok: false, requestId: 'request', error: { errorType, errorMessage, trace: [] } };
}

/** Step Functions with one machine whose functions are these. */
function withMachine(definition: object, functions: Record<string, Handler> = {}, options: ExecutionsOptions = {}) {
  const invoke: MachineActions['invoke'] = async (_machine, name, event) => {
    const result = await functions[name]!(event as never);
    const isResult = typeof result === 'object' && result !== null && 'ok' in result;
    return isResult ? (result as InvocationResult) : { ok: true, requestId: 'request', payload: result ?? null };
  };
  const send: MachineActions['send'] = async (_machine, message) =>
    (await functions['send']!(message as never)) as object;
  const runs = new Executions({ invoke, send, announce: () => ({}), childrenRefused: () => undefined }, options);
  executions = runs;
  const machine: Machine = {
    name: 'machine',
    arn: 'arn:aws:states:us-east-1:000000000000:stateMachine:machine',
    roleArn: 'role',
    role: { arn: 'role', names: {}, policies: 'all' },
    definition,
    runnable: runnable(definition, 'machine'),
    created: 0,
  };
  const service = new StepFunctions(accountIn('us-east-1'), runs);
  service.register(machine);
  let started = 0;
  return async (input: unknown): Promise<Execution> => {
    const arn = `arn:execution:${++started}`;
    const execution = runs.start(machine, arn, `name-${started}`, JSON.stringify(input));
    return until(() => (runs.find(arn)!.status === 'RUNNING' ? undefined : execution));
  };
}

const invoke = (FunctionName: string, more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName, 'Payload.$': '$' },
  OutputPath: '$.Payload',
  ...more,
});
const machineOf = (States: Record<string, object>, more: object = {}) => ({
  StartAt: Object.keys(States)[0],
  States,
  ...more,
});
const output = (execution: Execution): unknown => JSON.parse(execution.output!);

describe('a task', () => {
  it('returns the answer of lambda:invoke', async () => {
    const run = withMachine(machineOf({ A: { ...invoke('f'), OutputPath: '$', End: true } }), {
      f: (event) => ({ event }),
    });
    expect(output(await run({ n: 1 }))).toMatchObject({
      Payload: { event: { n: 1 } },
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
    });
  });

  it('accepts a function as its resource', async () => {
    const Resource = 'arn:aws:lambda:us-east-1:000000000000:function:f';
    const run = withMachine(machineOf({ A: { Type: 'Task', Resource, End: true } }), {
      [Resource]: (event) => [event],
    });
    expect(output(await run({ n: 1 }))).toEqual([{ n: 1 }]);
  });

  it('sends a message, whose body may be an object', async () => {
    const sent: unknown[] = [];
    const Parameters = {
      QueueUrl: 'url',
      MessageBody: { 'job.$': '$.n' },
      MessageAttributes: { a: { DataType: 'String' } },
    };
    const Resource = 'arn:aws:states:::sqs:sendMessage';
    const send = (message: object): object => {
      sent.push(message);
      return { MessageId: 'id' };
    };
    const run = withMachine(machineOf({ A: { Type: 'Task', Resource, Parameters, End: true } }), { send });
    expect(output(await run({ n: 1 }))).toEqual({ MessageId: 'id' });
    expect(sent).toEqual([{ ...Parameters, MessageBody: '{"job":1}' }]);
  });

  it('is retried and then caught by the name of its error, with the cause of Lambda', async () => {
    let calls = 0;
    const definition = machineOf({
      A: invoke('f', {
        Retry: [
          { ErrorEquals: ['Other'], MaxAttempts: 5, IntervalSeconds: 0 },
          {
            ErrorEquals: ['Throttled'],
            MaxAttempts: 2,
            IntervalSeconds: 1,
            BackoffRate: 1,
            JitterStrategy: 'FULL',
            MaxDelaySeconds: 1,
          },
        ],
        Catch: [
          { ErrorEquals: ['SourceGone'], Next: 'Wrong' },
          { ErrorEquals: ['Throttled'], ResultPath: '$.error', Next: 'Caught' },
        ],
        Next: 'Wrong',
      }),
      Wrong: { Type: 'Fail' },
      Caught: {
        Type: 'Pass',
        Parameters: { 'name.$': '$.error.Error', 'cause.$': 'States.StringToJson($.error.Cause)' },
        End: true,
      },
    });
    const run = withMachine(definition, { f: () => (++calls, thrown('Throttled', 'slow down')) });
    expect(output(await run({}))).toEqual({
      name: 'Throttled',
      cause: { errorType: 'Throttled', errorMessage: 'slow down', trace: [] },
    });
    expect(calls).toBe(3);
  });

  it('fails the execution with its error if no state catches it', async () => {
    const run = withMachine(machineOf({ A: invoke('f', { End: true }) }), { f: () => thrown('AccessDenied') });
    expect(await run({})).toMatchObject({
      status: 'FAILED',
      error: 'AccessDenied',
      cause: expect.stringContaining('message'),
    });
  });

  it('ends the execution if its output is over 256 KiB, even if a state catches all errors', async () => {
    const definition = machineOf({
      A: invoke('f', {
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }],
        Retry: [{ ErrorEquals: ['States.ALL'] }],
        Next: 'B',
      }),
      B: { Type: 'Succeed' },
    });
    const run = withMachine(definition, { f: () => 'x'.repeat(262_145) });
    expect(await run({})).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });
});

describe('a map', () => {
  const map = (Mode: string, more: object = {}) =>
    machineOf({
      Map: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemSelector: {
          'task.$': '$.task',
          'item.$': '$$.Map.Item.Value',
          'index.$': '$$.Map.Item.Index',
          'run.$': '$$.Execution.Name',
        },
        ItemProcessor: { ProcessorConfig: { Mode }, StartAt: 'Each', States: { Each: invoke('each', { End: true }) } },
        ResultPath: '$.results',
        ...more,
        Next: 'After',
      },
      After: { Type: 'Pass', Parameters: { 'results.$': '$.results', 'input.$': '$$.Execution.Input' }, End: true },
      Caught: { Type: 'Pass', End: true },
    });
  const each: Handler = ({ item, index, task, run }: Record<string, unknown>) =>
    `${String(task)} ${String(index)}=${String(item)} ${String(run)}`;

  it.each(['INLINE', 'DISTRIBUTED'])(
    '%s: returns results in the order of the items, which see the context object',
    async (mode) => {
      const run = withMachine(map(mode), { each });
      const input = { task: 't', items: ['a', 'b', 'c'] };
      expect(output(await run(input))).toEqual({ results: ['t 0=a name-1', 't 1=b name-1', 't 2=c name-1'], input });
    },
  );

  it('runs as many items at once as MaxConcurrencyPath allows', async () => {
    let running = 0;
    let most = 0;
    const run = withMachine(map('DISTRIBUTED', { MaxConcurrencyPath: '$.concurrency' }), {
      each: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running--;
      },
    });
    expect(await run({ task: 't', concurrency: 3, items: [...Array(10).keys()] })).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(most).toBe(3);
  });

  it('returns no results for no items', async () => {
    expect(output(await withMachine(map('DISTRIBUTED'), { each })({ task: 't', items: [] }))).toMatchObject({
      results: [],
    });
  });

  it.each([
    ['INLINE', 'SourceChanged'],
    ['DISTRIBUTED', 'States.ExceedToleratedFailureThreshold'],
  ])('%s: fails with %s after one failed item and starts no others', async (mode, error) => {
    let begun = 0;
    const caught = { MaxConcurrency: 1, Catch: [{ ErrorEquals: [error], Next: 'Caught' }] };
    const run = withMachine(map(mode, caught), { each: () => (++begun, thrown('SourceChanged')) });
    expect(output(await run({ task: 't', items: [1, 2, 3] }))).toMatchObject({ Error: error });
    expect(begun).toBe(1);
  });

  it('runs inside another map', async () => {
    const inner = {
      Type: 'Map',
      ItemProcessor: { StartAt: 'Add', States: { Add: invoke('add', { End: true }) } },
      End: true,
    };
    const run = withMachine(
      machineOf({ Outer: { Type: 'Map', ItemProcessor: { StartAt: 'Inner', States: { Inner: inner } }, End: true } }),
      { add: (n: number) => n + 1 },
    );
    expect(output(await run([[1, 2], [3]]))).toEqual([[2, 3], [4]]);
  });
});

describe('a definition', () => {
  it.each<[string, object, RegExp]>([
    [
      'another service',
      { A: { Type: 'Task', Resource: 'arn:aws:states:::ecs:runTask', End: true } },
      /state "A".*ecs:runTask/,
    ],
    [
      'an item reader',
      { A: { Type: 'Map', ItemReader: {}, ItemProcessor: { States: {} }, End: true } },
      /state "A".*ItemReader/,
    ],
    [
      'an unknown context path',
      { A: { Type: 'Pass', Parameters: { 'x.$': '$$.State.EnteredTime' }, End: true } },
      /\$\$\.State\.EnteredTime/,
    ],
  ])('is refused with %s', (_, states, message) => {
    expect(() => runnable(machineOf(states as Record<string, object>), 'machine')).toThrow(message);
  });

  it('runs choices, waits, parallel branches and a ResultPath of "$"', async () => {
    const definition = machineOf({
      Choose: { Type: 'Choice', Choices: [{ Variable: '$.go', BooleanEquals: true, Next: 'Both' }], Default: 'No' },
      Both: {
        Type: 'Parallel',
        Branches: [
          machineOf({ L: invoke('f', { End: true }) }),
          machineOf({ W: { Type: 'Wait', Seconds: 0, Next: 'R' }, R: invoke('f', { End: true }) }),
        ],
        ResultPath: '$',
        End: true,
      },
      No: { Type: 'Fail', Error: 'NotGoing', Cause: 'as defined' },
    });
    const run = withMachine(definition, { f: () => 1 });
    expect(output(await run({ go: true }))).toEqual([1, 1]);
    expect(await run({ go: false })).toMatchObject({ status: 'FAILED', error: 'NotGoing', cause: 'as defined' });
  });
});

describe('an execution', () => {
  it('times out after TimeoutSeconds and starts no further state', async () => {
    let calls = 0;
    const definition = machineOf(
      { A: invoke('f', { Next: 'B' }), B: invoke('f', { End: true }) },
      { TimeoutSeconds: 1 },
    );
    const { promise, resolve } = Promise.withResolvers<null>();
    const run = withMachine(definition, { f: () => (++calls, promise) });
    expect(await run({})).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    resolve(null);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(1);
  });

  it('waits as long as the emulator is asked to, before retries too', async () => {
    let calls = 0;
    const definition = machineOf({
      Sleep: { Type: 'Wait', Seconds: 3600, Next: 'A' },
      A: invoke('f', { Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 3600 }], End: true }),
    });
    const run = withMachine(definition, { f: () => (++calls === 1 ? thrown('Throttled') : calls) }, { waitSeconds: 0 });
    expect(output(await run({}))).toBe(2);
  });

  it('retries nothing after it was aborted', async () => {
    let calls = 0;
    const definition = machineOf({
      A: invoke('f', { Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 60 }], End: true }),
    });
    const ended = withMachine(definition, { f: () => (++calls, thrown('Throttled')) })({});
    await until(() => calls > 0);
    await executions!.abortAll();
    expect(await ended).toMatchObject({ status: 'ABORTED' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(1);
  });
});
