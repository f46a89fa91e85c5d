import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { accountIn } from '../../aws/account.ts';
import { SqsMapping } from '../../aws/events/sqs-mapping.ts';
import { startEmulator, type Emulator } from '../../aws/index.ts';
import type { InvocationResult } from '../../aws/lambda/environment.ts';
import { Quotas } from '../../aws/quotas/quotas.ts';
import { quotaValues, type QuotaSettings } from '../../aws/quotas/settings.ts';
import { openQueues, type Queues } from '../../aws/sqs/queues.ts';
import { runnable } from '../../aws/states/definition.ts';
import { Executions, type Execution, type Machine } from '../../aws/states/executions.ts';
import { until } from '../../../test/support/until.ts';
import { writeAssembly } from './assembly.ts';
import { credentials, directory, options } from './fixture.ts';
import { ManualClock } from './manual-clock.ts';

/** That the services ask their quotas, and answer what they refuse. */

const account = accountIn('us-east-1');
const quotasOf = (values: QuotaSettings['values'], clock?: ManualClock): Quotas =>
  new Quotas(quotaValues({ values }), clock);

afterAll(() => directory.remove());

describe('a queue', () => {
  const QueueUrl = 'http://127.0.0.1:4566/000000000000/jobs';
  let clock: ManualClock;
  let quotas: Quotas;
  let queues: Queues;

  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    quotas = quotasOf({ sqsInFlight: 2 }, clock);
    queues = await openQueues({ account, endpoint: () => 'http://127.0.0.1:4566', flight: quotas.flight });
    const Attributes = { VisibilityTimeout: '30', MessageRetentionPeriod: '3600' };
    await queues.call('CreateQueue', { QueueName: 'jobs', Attributes });
  });
  afterEach(() => queues.close());

  const send = (MessageBody: string): Promise<object> => queues.call('SendMessage', { QueueUrl, MessageBody });
  async function receive(more: object = {}): Promise<{ Body: string; ReceiptHandle: string; Attributes?: object }[]> {
    const { Messages = [] } = await queues.call('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10, ...more });
    return Messages as never;
  }

  it('has so many messages in flight; a short poll is refused, a long one waits and gets none', async () => {
    for (const body of ['a', 'b', 'c']) await send(body);
    const [first, second] = await receive();
    expect([first?.Body, second?.Body]).toEqual(['a', 'b']);
    await expect(receive()).rejects.toMatchObject({ code: 'OverLimit', status: 403 });
    const { result, passed } = await clock.passUntil(receive({ WaitTimeSeconds: 20 }), 1000);
    expect(result).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(20_000);
    const waiting = receive({ WaitTimeSeconds: 20 });
    await queues.call('DeleteMessage', { QueueUrl, ReceiptHandle: first?.ReceiptHandle });
    expect(await clock.passUntil(waiting, 100)).toMatchObject({ result: [{ Body: 'c' }] });
    expect(quotas.report()).toMatchObject([
      { quota: 'sqsInFlight', resource: 'jobs', limit: 2, peak: 2, refused: 1, delayed: 1 },
    ]);
  });

  it('loses a message when its retention period is over', async () => {
    await send('old');
    await clock.pass(3_601_000);
    expect(await receive({ AttributeNames: ['All'] })).toEqual([]);
    const { Attributes } = await queues.call('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessagesNotVisible: '0', ApproximateNumberOfMessages: '0' });
    expect(quotas.report()).toContainEqual(expect.objectContaining({ quota: 'sqsRetention', refused: 1 }));
  });

  it('shows the attributes of messages that its receiver asked for', async () => {
    await send('a');
    await send('b');
    expect((await receive({ MaxNumberOfMessages: 1 }))[0]).not.toHaveProperty('Attributes');
    const asked = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(asked[0]?.Attributes).toEqual({ ApproximateReceiveCount: '1' });
  });

  it('is refused with more statements in its policy than SQS accepts', async () => {
    const statement = { Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' }, Action: 'sqs:SendMessage' };
    const assemblyDirectory = writeAssembly(join(directory.path, 'statements'), {
      resources: {
        Jobs: { Type: 'AWS::SQS::Queue', Properties: {} },
        Policy: {
          Type: 'AWS::SQS::QueuePolicy',
          Properties: {
            Queues: [{ Ref: 'Jobs' }],
            PolicyDocument: {
              Statement: Array.from({ length: 21 }, () => ({
                ...statement,
                Resource: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
              })),
            },
          },
        },
      },
    });
    await expect(
      startEmulator({ ...options, dataDirectory: join(directory.path, 'statements-data'), assemblyDirectory }),
    ).rejects.toThrow('Policy: found 21 statements, SQS accepts 20');
  });
});

describe('an event source mapping', () => {
  const QueueUrl = 'http://127.0.0.1:4566/000000000000/jobs';
  const throttled: InvocationResult = {
    ok: false,
    requestId: '',
    error: { errorType: 'Lambda.TooManyRequestsException', errorMessage: 'Rate Exceeded.' },
  };
  let queues: Queues;
  let mapping: SqsMapping | undefined;

  beforeEach(async () => {
    queues = await openQueues({ account, endpoint: () => 'http://127.0.0.1:4566' });
    await queues.call('CreateQueue', { QueueName: 'jobs', Attributes: { VisibilityTimeout: '60' } });
    await queues.call('SendMessage', { QueueUrl, MessageBody: 'a' });
  });
  afterEach(async () => {
    await mapping?.stop();
    await queues.close();
  });

  function map(clock: ManualClock, invoke: () => InvocationResult): Quotas {
    const quotas = quotasOf({}, clock);
    mapping = new SqsMapping({
      queueUrl: QueueUrl,
      queueArn: 'arn:aws:sqs:us-east-1:000000000000:jobs',
      batchSize: 10,
      concurrency: 1,
      scale: quotas.mappingScale(Infinity),
      clock,
      reportsFailures: true,
      retryDelaySeconds: 0,
      queues,
      invoke: () => Promise.resolve(invoke()),
      onError: (error) => {
        throw error;
      },
    });
    return quotas;
  }
  async function inFlight(): Promise<string> {
    const { Attributes } = await queues.call('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
    return (Attributes as Record<string, string>)['ApproximateNumberOfMessagesNotVisible'] ?? '';
  }

  it('tries a throttled batch again, without another delivery of its messages', async () => {
    const clock = new ManualClock();
    let calls = 0;
    map(clock, () => (++calls <= 2 ? throttled : { ok: true, requestId: '', payload: null }));
    await until(async () => {
      await clock.pass(10_000);
      return calls === 3 && (await inFlight()) === '0';
    });
  });

  it('drops a batch that is throttled until its messages become visible', async () => {
    const clock = new ManualClock();
    let calls = 0;
    map(clock, () => (++calls, throttled));
    // The visibility timeout is 60 s; another pause of 10 s would end after it.
    for (const pause of [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]) {
      await until(() => clock.sleepers === 1);
      await clock.pass(pause);
    }
    await until(() => calls === 10);
    await mapping?.stop();
    expect([calls, clock.sleepers]).toEqual([10, 0]);
    expect(await inFlight()).toBe('1');
  });
});

describe('an execution', () => {
  const loop = {
    StartAt: 'Count',
    States: {
      Count: { Type: 'Task', Resource: 'arn:aws:lambda:us-east-1:000000000000:function:f', Next: 'Again' },
      Again: { Type: 'Choice', Choices: [{ Variable: '$.go', BooleanEquals: true, Next: 'Count' }], Default: 'Done' },
      Done: { Type: 'Succeed' },
    },
  };

  function run(quotas: Quotas, answer: () => boolean): { execution: Execution; executions: Executions } {
    const invoke = (): Promise<InvocationResult> =>
      Promise.resolve({ ok: true, requestId: '', payload: { go: answer() } });
    const send = (): never => {
      throw new Error('this machine sends no message');
    };
    const actions = { invoke, send, announce: () => ({}), childrenRefused: () => undefined };
    const executions = new Executions(actions, { quotas: quotas.executions });
    const machine: Machine = {
      name: 'machine',
      arn: 'arn',
      roleArn: 'role',
      role: { arn: 'role', names: {}, policies: 'all' },
      definition: loop,
      runnable: runnable(loop, 'machine'),
      created: 0,
    };
    return { executions, execution: executions.start(machine, 'arn:execution', 'name', '{}') };
  }
  const ended = (execution: Execution): Promise<unknown> => until(() => execution.status !== 'RUNNING');

  it('fails when its history is full', async () => {
    let calls = 0;
    const { execution } = run(quotasOf({ historyEvents: 71 }), () => (++calls, true));
    await ended(execution);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (71).',
    });
    // One event of the start, and seven of each round: five of the task, two of the choice. The interpreter reports its
    // states a moment later.
    expect([10, 11, 12]).toContain(calls);
  });

  it('is slowed down by the transitions of all, and succeeds', async () => {
    const clock = new ManualClock();
    const quotas = quotasOf({ stateTransitionBucket: 4, stateTransitionRate: 2 }, clock);
    let calls = 0;
    const { execution } = run(quotas, () => ++calls < 5);
    const { passed } = await clock.passUntil(ended(execution), 100);
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls).toBe(5);
    // Before the last call nine states are entered, five more than there are tokens: the last of them wait.
    expect(passed).toBeGreaterThanOrEqual(1500);
    const [use] = quotas.report();
    expect(use).toMatchObject({ quota: 'stateTransitionRate', refused: 0 });
    expect(use?.delayed).toBeGreaterThan(0);
  });
});

describe('a deployment', () => {
  let aws: Emulator;
  const quotas = quotasOf({
    lambdaConcurrency: 1,
    startExecutionBucket: 3,
    startExecutionRate: 0.001,
    openExecutions: 1,
    ssmRate: 0.001,
  });
  const clients: { destroy: () => void }[] = [];

  beforeAll(async () => {
    aws = await startEmulator({
      ...options,
      dataDirectory: join(directory.path, 'deployed'),
      quotas,
      schedules: false,
    });
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await aws.stop();
  });

  const settings = () => ({ endpoint: aws.endpoint, region: aws.region, credentials, maxAttempts: 1 });

  it('throttles functions, for machines too, and answers 429 to what is over', async () => {
    const sfn = new SFNClient(settings());
    clients.push(sfn);
    const waiting = aws.invokeFunction('Stack-Wait', {});
    const stateMachineArn = aws.outputs['Machine'];
    const input = JSON.stringify({ wait: 0, n: 1 });
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
    const execution = await until(async () => {
      const found = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      return found.status === 'RUNNING' ? undefined : found;
    });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Lambda.TooManyRequestsException' });
    await waiting;
    expect(await aws.invokeFunction('Stack-Double', { n: 2 })).toMatchObject({ ok: true, payload: 4 });
  });

  it('refuses executions past the open ones, and starts past the rate', async () => {
    const sfn = new SFNClient(settings());
    clients.push(sfn);
    const stateMachineArn = aws.outputs['Machine'];
    const start = (): Promise<unknown> =>
      sfn.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ wait: 60, n: 1 }) }));
    await start();
    await expect(start()).rejects.toMatchObject({ name: 'ExecutionLimitExceeded' });
    await expect(start()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
  });

  it('shows how far each quota was used', async () => {
    const ssm = new SSMClient(settings());
    clients.push(ssm);
    const read = (): Promise<unknown> => ssm.send(new GetParameterCommand({ Name: '/ferry/tasks/one' }));
    await read();
    await expect(read()).rejects.toMatchObject({ name: 'ThrottlingException' });
    const answer = (await (await fetch(`${aws.endpoint}/_quotas`)).json()) as object[];
    expect(answer).toEqual(aws.quotas());
    expect(answer).toContainEqual(expect.objectContaining({ quota: 'ssmRate', limit: 0.001, peak: 1, refused: 1 }));
    expect(answer).toContainEqual(expect.objectContaining({ quota: 'lambdaConcurrency', resource: '', peak: 1 }));
  });
});
