import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Emulator } from '../../emulator/aws/index.ts';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { localTask } from '../../local/run/main-job.ts';
import type { Report } from '../../local/run/report.ts';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { LocalWorker } from '../../local/run/workers.ts';
import type { FinishedRequest } from '../../emulator/s3/index.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { MiB } from '../../shared/model/limits.ts';
import type { WorkerKey } from '../../worker/environment.ts';
import { start, temporary } from '../support/child.ts';
import { until } from '../support/until.ts';
import { LocalCommand } from '../support/local-command.ts';
import { bytesOf, noAttributes } from '../support/objects.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/** The deployed worker, from its bundle in processes of its own, on the queue of a stack without a Lambda consumer. */

const place = temporary();
const assembly = join(place.path, 'cdk.out');
const { sourceBucket, destinationBucket, task } = localNames;
const partSize = 5 * MiB;

/** Milliseconds that the destination takes for a part. */
let delay = 0;
const requests: FinishedRequest[] = [];
let ferry: LocalPipeline;
let aws: Emulator;
let queues: SQSClient;
let workers: { worker: LocalWorker; log: { text: string } }[] = [];

const before = new Map<string, Buffer>([
  ...Array.from({ length: 80 }, (_, index) => [`small/${index}`, bytesOf(1000 * index)] as const),
  ['large/one', bytesOf(11 * MiB)],
  ['large/two', bytesOf(23 * MiB + 7)],
]);

beforeAll(async () => {
  const tasks = [localTask({ threshold: 6 * MiB, partSize })];
  const configuration = writeConfiguration(place.path, tasks, { workerMode: 'ec2' });
  ferry = await LocalPipeline.open({
    dataDirectory: place.path,
    configuration,
    port: 0,
    fault: ({ operation, bucket }) =>
      operation === 'UploadPart' && bucket === destinationBucket && delay > 0
        ? { kind: 'delay', milliseconds: delay }
        : undefined,
    onRequest: (request) => requests.push(request),
  });
  await Promise.all([...before].map(([key, bytes]) => put(key, bytes)));
  await synthesize(configuration, assembly);
  aws = await ferry.deploy(assembly);
  queues = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials: localNames.credentials });
});

afterAll(async () => {
  queues.destroy();
  await ferry.close();
  place.remove();
});

beforeEach(() => {
  delay = 0;
  requests.length = 0;
});

afterEach(async () => {
  for (const { worker } of workers) await worker.stop();
  workers = [];
});

async function put(key: string, data: Buffer): Promise<void> {
  await ferry.store(sourceBucket).put(objectKey(key), { data, size: data.length }, noAttributes);
}

/** A worker, with all that it writes. */
function startWorker(environment: Partial<Record<WorkerKey, string>>): { worker: LocalWorker; log: { text: string } } {
  const log = { text: '' };
  const worker = new LocalWorker(aws, assembly, { METRICS_SECONDS: '1', ...environment }, ({ text }) => {
    log.text += text;
  });
  workers.push({ worker, log });
  return { worker, log };
}

/** The lines of a log with a message. */
function lines(log: { text: string }, message: string): Record<string, unknown>[] {
  return log.text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes(`"message":${JSON.stringify(message)}`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function messages(
  name: 'ApproximateNumberOfMessages' | 'ApproximateNumberOfMessagesNotVisible',
): Promise<number> {
  const counts = ['JobsQueueUrl', 'EventsQueueUrl'].map(async (queue) => {
    const input = { QueueUrl: aws.outputs[queue], AttributeNames: [name] };
    const { Attributes } = await queues.send(new GetQueueAttributesCommand(input));
    return Number(Attributes?.[name]);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function messagesLeft(): Promise<number> {
  return (await messages('ApproximateNumberOfMessages')) + (await messages('ApproximateNumberOfMessagesNotVisible'));
}

async function emptyQueue(): Promise<void> {
  await until(async () => (await messagesLeft()) === 0);
}

async function arrived(key: string, bytes: Buffer): Promise<void> {
  const opened = await until(() => ferry.store(destinationBucket).get(objectKey(key)));
  const chunks: Buffer[] = [];
  for await (const chunk of opened.body as AsyncIterable<Buffer>) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
}

/** Part numbers that the destination confirmed, in order. */
function parts(): number[] {
  return requests
    .filter(
      ({ operation, bucket, status }) => operation === 'UploadPart' && bucket === destinationBucket && status === 200,
    )
    .map(({ partNumber }) => Number(partNumber));
}

async function untilParts(count: number): Promise<void> {
  await until(async () => parts().length >= count);
}

it('moves everything of a run, large objects too, in two processes, without a Lambda consumer', async () => {
  const { log } = startWorker({ OBJECTS_AT_ONCE: '2' });
  await until(async () => lines(log, 'working').length === 2);
  const runs = new Runs(aws);
  const counts = await runs.sync(task);
  expect(counts).toMatchObject({ listed: before.size, jobs: before.size });
  await runs.waitUntilIdle();
  expect(await runs.deadLetters()).toBe(0);
  expect((await runs.uploads('SUCCEEDED')) + (await runs.uploads('RUNNING'))).toBe(0);
  for (const [key, bytes] of before) await arrived(key, bytes);
  expect((await runs.sync(task)).jobs).toBe(0);
  runs.close();
  expect(await workers[0]!.worker.stop()).toBe(0);
  // Every object was done once, and both processes did some of them.
  const worked = lines(log, 'worked');
  expect(worked.reduce((sum, { objects }) => sum + Number(objects), 0)).toBe(before.size);
  expect(new Set(worked.map(({ pid }) => pid)).size).toBe(2);
  expect(log.text).toContain('"ObjectsCopied"');
});

it('ends a duplicate delivery as a skip', async () => {
  const { log } = startWorker({ PROCESSES: '1' });
  await put('twice', Buffer.from('once'));
  await arrived('twice', Buffer.from('once'));
  await emptyQueue();
  const MessageBody = encodeJob({ task, key: objectKey('twice'), action: 'copy' });
  await queues.send(new SendMessageCommand({ QueueUrl: aws.outputs['JobsQueueUrl'], MessageBody }));
  await emptyQueue();
  await workers[0]!.worker.stop();
  expect(
    requests.filter(({ operation, bucket }) => operation === 'PutObject' && bucket === destinationBucket),
  ).toHaveLength(1);
  expect(log.text).toContain('"ObjectsSkipped":1');
});

describe('a worker that ends in the middle of an object', () => {
  const partCount = 10;
  const bytes = bytesOf(partCount * partSize - 99);
  const settings = { PROCESSES: '1', PARTS_AT_ONCE: '3', VISIBILITY_SECONDS: '60' };

  it('by SIGTERM, ends the parts in flight and gives the message back; the next one sends the rest only', async () => {
    delay = 250;
    const { worker } = startWorker(settings);
    await put('drained', bytes);
    await untilParts(3);
    // It ends in its own time: a worker that has to be killed has no exit code.
    expect(await worker.stop()).toBe(0);
    const first = parts();
    expect(first.length).toBeLessThan(partCount - 2);
    // None was broken off: what was begun has ended.
    expect(requests.filter(({ operation, status }) => operation === 'UploadPart' && status !== 200)).toEqual([]);
    expect(await messages('ApproximateNumberOfMessages')).toBe(1);
    expect(await ferry.store(destinationBucket).head(objectKey('drained'))).toBeUndefined();

    delay = 0;
    startWorker(settings);
    await arrived('drained', bytes);
    expect([...parts()].sort((a, b) => a - b)).toEqual(Array.from({ length: partCount }, (_, index) => index + 1));
    await emptyQueue();
  });

  it('by kill -9, loses the message when its visibility ends; the next one sends no finished part again', async () => {
    delay = 250;
    const { worker, log } = startWorker({ ...settings, VISIBILITY_SECONDS: '2' });
    await put('killed', bytes);
    await untilParts(4);
    for (const { pid } of lines(log, 'working')) process.kill(Number(pid), 'SIGKILL');
    worker.process.kill('SIGKILL');
    await worker.ended();
    const first = parts();
    // Hidden still, or visible again by now.
    expect(await messagesLeft()).toBe(1);

    delay = 0;
    startWorker(settings);
    await arrived('killed', bytes);
    const second = parts().slice(first.length);
    expect(second.filter((number) => first.includes(number))).toEqual([]);
    await emptyQueue();
  });

  it('by a spot notice, drains, and does not start again before the machine is gone', async () => {
    // The next look for a notice comes within a second, long before the end.
    delay = 800;
    let notice = false;
    const metadata = createServer((request, response) => {
      const token = request.headers['x-aws-ec2-metadata-token'];
      if (request.method === 'PUT' && request.url === '/latest/api/token') response.end('a token');
      else if (token !== 'a token') response.writeHead(401).end();
      else if (notice && request.url === '/latest/meta-data/spot/instance-action')
        response.end('{"action":"terminate"}');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
    metadata.unref();
    const { port } = metadata.address() as AddressInfo;
    const health = join(place.path, 'health.json');
    const { worker, log } = startWorker({
      ...settings,
      METADATA_URL: `http://127.0.0.1:${port}`,
      NOTICE_SECONDS: '1',
      HEALTH_FILE: health,
    });
    await put('noticed', bytes);
    await untilParts(2);
    notice = true;
    await until(async () => (await messages('ApproximateNumberOfMessages')) === 1);
    expect(lines(log, 'draining')).toContainEqual(expect.objectContaining({ why: 'spot interruption' }));
    await until(async () => {
      const report = JSON.parse(readFileSync(health, 'utf8')) as { state: string };
      return report.state === 'drained' ? true : undefined;
    });
    expect(worker.process.exitCode).toBeNull();
    expect(await worker.stop()).toBe(0);
    metadata.closeAllConnections();
    metadata.close();

    const first = parts();
    delay = 0;
    startWorker(settings);
    await arrived('noticed', bytes);
    expect(first.length).toBeLessThan(partCount);
    expect(parts()).toHaveLength(partCount);
    await emptyQueue();
  });
});

it('continues an object with a new message when the old one was held for as long as allowed', async () => {
  delay = 400;
  const bytes = bytesOf(10 * partSize);
  // The core begins no part in a deadline's last minute: one second of work a message.
  const { log } = startWorker({ PROCESSES: '1', PARTS_AT_ONCE: '3', MAX_HOLD_SECONDS: '61' });
  await put('held', bytes);
  await arrived('held', bytes);
  expect(parts()).toHaveLength(10);
  expect(lines(log, 'given back')).toContainEqual(expect.objectContaining({ how: 'new message' }));
  expect(lines(log, 'failed, delivered again')).toEqual([]);
  await emptyQueue();
});

it('keeps a message hidden while there is progress, and lets go of a job that makes none', async () => {
  // Five rounds of a second and more: longer than the visibility and than the time limit.
  delay = 1000;
  const bytes = bytesOf(10 * partSize);
  const { log, worker } = startWorker({
    PROCESSES: '1',
    PARTS_AT_ONCE: '2',
    VISIBILITY_SECONDS: '2',
    JOB_TIMEOUT_SECONDS: '4',
  });
  await put('moving', bytes);
  await arrived('moving', bytes);
  expect(parts()).toHaveLength(10);
  expect(lines(log, 'failed, delivered again')).toEqual([]);

  delay = 30_000;
  await put('standing', bytesOf(2 * partSize));
  const failure = await until(async () => lines(log, 'failed, delivered again')[0]);
  expect(failure).toMatchObject({ fault: 'OutOfTime' });
  expect(lines(log, 'a job makes no progress; this process ends and another one takes its place')).toHaveLength(1);
  // What the job holds on to only the end of its process gives back.
  await until(async () => lines(log, 'working').length === 2);
  expect(lines(log, 'a process ended and is replaced')).toMatchObject([{ code: 1 }]);
  expect(await worker.stop()).toBe(0);
});

it('shares the queue with Lambda, and nothing is sent twice', async () => {
  const from = join(place.path, 'from');
  mkdirSync(from);
  for (let index = 0; index < 300; index++) writeFileSync(join(from, `small ${index}`), bytesOf(2000 + index));
  for (let index = 0; index < 3; index++) writeFileSync(join(from, `large ${index}`), bytesOf(12 * MiB));
  const data = join(place.path, 'both');
  const { code, stdout } = await start(
    ...['--worker-mode', 'both', '--from', from, '--data', data, '--json'],
    ...['--large-threshold', '6MiB', '--part-size', '5MiB'],
  );
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ objects: 303, copied: 303, verified: 303, failed: 0, secondRunJobs: 0 });
  // Besides the files, only the one new object of the event path.
  expect(report.bytesSent - report.bytes).toBeLessThan(100);
  const log = readFileSync(join(data, 'functions.log'), 'utf8');
  for (const service of ['copy-objects', 'worker']) {
    expect(log).toMatch(new RegExp(`"service":"${service}".*"ObjectsCopied":[1-9]`));
  }
});

it('belongs to `npm run local` where the configuration says so', async () => {
  const from = { bucket: 'from-bucket' };
  const tasks = [{ name: 'one', source: from, destination: { bucket: 'into-bucket' }, events: 'create' }];
  const local = await LocalCommand.start(join(place.path, 'kept'), tasks, { workerMode: 'ec2' });
  await local.s3.send(new PutObjectCommand({ Bucket: 'from-bucket', Key: 'k', Body: 'bytes' }));
  const copy = await until(() =>
    local.s3.send(new HeadObjectCommand({ Bucket: 'into-bucket', Key: 'k' })).catch(() => undefined),
  );
  expect(copy.ContentLength).toBe(5);
  expect(await local.stop()).toBe(0);
  const log = readFileSync(join(place.path, 'kept', 'data', 'functions.log'), 'utf8');
  expect(log).toMatch(/"service":"worker".*"ObjectsCopied":1/);
  expect(log).not.toContain('"service":"copy-objects"');
});

it('refuses a worker mode that there is not', async () => {
  const { code, stderr } = await start('--worker-mode', 'fargate');
  expect(code).toBe(2);
  expect(stderr).toContain('--worker-mode: found "fargate", expected lambda, ec2, both');
});
