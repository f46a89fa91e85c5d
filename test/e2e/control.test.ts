import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ListStateMachinesCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeJob } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { Child, temporary, type Ended } from '../support/child.ts';
import { LocalCommand, pause } from '../support/local-command.ts';
import { until } from '../support/until.ts';

/** `npm run task` against the deployed pipeline: what it orders happens to what is queued. */

const place = temporary();
const objects = 30;

let local: LocalCommand;
beforeAll(async () => {
  local = await LocalCommand.start(place.path, [
    { name: 'photos', source: { bucket: 'source' }, destination: { bucket: 'destination' } },
    { name: 'other', source: { bucket: 'other-source' }, destination: { bucket: 'other-destination' } },
  ]);
  for (const bucket of ['source', 'other-source']) {
    await Promise.all(Array.from({ length: objects }, (_, index) => put(bucket, `k${index}`)));
  }
});
afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

async function put(Bucket: string, Key: string): Promise<void> {
  await local.s3.send(new PutObjectCommand({ Bucket, Key, Body: `${Bucket} ${Key}` }));
}

async function order(...args: string[]): Promise<Ended> {
  const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
  const jobs = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  return new Child('operations/task.ts', args, {
    AWS_ENDPOINT_URL: jobs.slice(0, jobs.indexOf('/', 'http://'.length)),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }).ended();
}

async function startRun(task: string): Promise<{ run: string; state: () => Promise<string | undefined> }> {
  const { stateMachines = [] } = await local.sfn.send(new ListStateMachinesCommand({}));
  const stateMachineArn = stateMachines.find(({ name }) => /sync/i.test(name ?? ''))?.stateMachineArn;
  const start = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ task }) });
  const { executionArn = '' } = await local.sfn.send(start);
  return {
    run: executionArn.split(':').at(-1) ?? '',
    state: async () => (await local.sfn.send(new DescribeExecutionCommand({ executionArn }))).status,
  };
}

/** Keys in a bucket. */
async function keys(Bucket: string): Promise<string[]> {
  const { Contents = [] } = await local.s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

/** Messages in the jobs queue, those that wait for their time included. */
async function queued(): Promise<{ delayed: number; all: number }> {
  const QueueUrl = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  const { Attributes = {} } = await local.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  const delayed = Number(Attributes['ApproximateNumberOfMessagesDelayed']);
  const others = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  return { delayed, all: others.reduce<number>((sum, name) => sum + Number(Attributes[name]), delayed) };
}

/** Sends jobs of the task `photos` as a finder does. */
async function send(names: readonly string[], run?: string): Promise<void> {
  const QueueUrl = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  const jobs = names.map((name) => ({
    task: 'photos',
    key: objectKey(name),
    action: 'copy' as const,
    ...(run && { run }),
  }));
  await Promise.all(
    jobs.map((job) => local.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: encodeJob(job) }))),
  );
}

describe('a paused task', () => {
  it('copies nothing, holds up no other task, and goes on exactly where it stood', async () => {
    expect(await order('pause', 'photos', '--reason', 'the line is needed')).toMatchObject({ code: 0, stderr: '' });
    await send(await keys('source'));
    await until(async () => (await queued()).delayed === objects);
    await startRun('other');
    await until(async () => (await keys('other-destination')).length === objects);
    expect(await keys('destination')).toEqual([]);
    expect(JSON.parse((await order('status', 'photos', '--json')).stdout)).toMatchObject({
      ...{ stack: 'S3Ferry', task: 'photos', paused: { reason: 'the line is needed' } },
    });

    expect(await order('resume', 'photos')).toMatchObject({ code: 0 });
    await until(async () => (await keys('destination')).length === objects);
    await until(async () => (await queued()).all === 0);
    for (const Key of await keys('source')) {
      const { Body } = await local.s3.send(new GetObjectCommand({ Bucket: 'destination', Key }));
      expect(await Body?.transformToString()).toBe(`source ${Key}`);
    }
    expect(await local.messages(await local.parameter('/s3-ferry/S3Ferry/queues/dead-letters'))).toBe(0);
  });
});

describe('a cancelled run', () => {
  it('leaves the queue undone', async () => {
    await Promise.all(Array.from({ length: objects }, (_, index) => put('source', `second/${index}`)));
    await order('pause', 'photos');
    // Functions believe for 15 seconds what they have read.
    await pause(16_000);
    // Its finder waits. What it had sent before the pause waits in the queue.
    const { run, state } = await startRun('photos');
    await send(
      Array.from({ length: objects }, (_, index) => `second/${index}`),
      run,
    );
    await until(async () => (await queued()).delayed === objects);
    const cancelled = await order('cancel', 'photos', '--run', run, '--json');
    const runs = expect.arrayContaining([{ run, state: 'cancelled' }]);
    expect([cancelled.code, JSON.parse(cancelled.stdout)]).toEqual([0, expect.objectContaining({ runs })]);
    await order('resume', 'photos');
    await until(async () => (await queued()).all === 0);
    await until(async () => (await state()) !== 'RUNNING');
    expect(await keys('destination')).toHaveLength(objects);
  }, 240_000);
});

it('names what is wrong with an order', async () => {
  const task = await order('pause', 'fotos');
  expect(task).toMatchObject({ code: 2, stderr: expect.stringContaining('the stack has no task "fotos"') });
  const run = await order('cancel', 'photos', '--run', 'none');
  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('expected a run of task photos') });
  expect(await order('stop', 'photos')).toMatchObject({ code: 2 });
  expect(await order('pause', 'photos', '--reason', 'x'.repeat(201))).toMatchObject({ code: 2 });
});
