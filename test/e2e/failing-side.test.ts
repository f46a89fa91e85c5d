import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { Emulator } from '../../emulator/aws/index.ts';
import type { FinishedRequest } from '../../emulator/s3/index.ts';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { DynamoControls } from '../../shared/aws/dynamodb/controls.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { temporary } from '../support/child.ts';
import { pause } from '../support/local-command.ts';
import { bytesOf, noAttributes } from '../support/objects.ts';
import { until } from '../support/until.ts';

/** Two tasks in the deployed pipeline; the destination of one refuses its keys for a while. */

const place = temporary();
const keys = Array.from({ length: 10 }, (_, index) => objectKey(`k${index}`));
const requests: FinishedRequest[] = [];
let refuses = true;
let ferry: LocalPipeline;
let aws: Emulator;
let queue: SQSClient;
let table: DynamoDBDocumentClient;

beforeAll(async () => {
  const tasks = ['good', 'bad'].map((name) => ({
    ...{ name, source: { bucket: 'source' }, destination: { bucket: `${name}-destination` } },
    serverSideCopy: 'never',
  }));
  const configuration = writeConfiguration(place.path, tasks);
  ferry = await LocalPipeline.open({
    dataDirectory: place.path,
    configuration,
    port: 0,
    fault: ({ bucket }) =>
      refuses && bucket === 'bad-destination' ? { kind: 'status', status: 403, code: 'InvalidAccessKeyId' } : undefined,
    onRequest: (request) => requests.push(request),
  });
  for (const key of keys) {
    await ferry.store('source').put(key, { data: bytesOf(1000), size: 1000 }, noAttributes);
  }
  const assembly = join(place.path, 'cdk.out');
  await synthesize(configuration, assembly);
  aws = await ferry.deploy(assembly);
  const settings = { endpoint: aws.endpoint, region: aws.region, credentials: localNames.credentials };
  queue = new SQSClient(settings);
  table = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
});
afterAll(async () => {
  queue.destroy();
  table.destroy();
  await ferry.close();
  place.remove();
});

async function send(task: string): Promise<void> {
  const Entries = keys.map((key, index) => ({
    Id: String(index),
    MessageBody: encodeJob({ task, key, action: 'copy' }),
  }));
  await queue.send(new SendMessageBatchCommand({ QueueUrl: aws.outputs['JobsQueueUrl'], Entries }));
}

async function arrived(task: string): Promise<number> {
  const { objects } = await ferry.store(`${task}-destination`).firstPage({ prefix: '' });
  return objects.length;
}

it('a refused key stops one task and no other, is probed once a minute, and everything arrives afterwards', async () => {
  const controls = new DynamoControls(table, aws.outputs['LedgerTable'] ?? '');
  // What a function has seen ends with its environment, so the bad task is kept busy.
  const { destination } = await until(
    async () => {
      await send('bad');
      return (await controls.read('bad')).breakers;
    },
    { every: 2000 },
  );
  expect(destination).toMatchObject({ fault: 'CredentialsRefused' });
  await send('good');
  await until(async () => (await arrived('good')) === keys.length);

  // Every environment knows by now. Of ten jobs that come back again and again, none asks, but for a probe.
  await pause(16_000);
  const asked = (): number => requests.filter(({ bucket }) => bucket === 'bad-destination').length;
  const before = asked();
  await pause(15_000);
  expect(asked() - before).toBeLessThan(10);

  refuses = false;
  await until(async () => (await arrived('bad')) === keys.length, { every: 500 });
  expect((await controls.read('bad')).breakers).toBeUndefined();
  const runs = new Runs(aws);
  await runs.waitUntilIdle();
  expect(await runs.deadLetters()).toBe(0);
  runs.close();
}, 480_000);
