import {
  PutBucketNotificationConfigurationCommand,
  S3Client,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { allTasks } from '../../shared/model/job.ts';
import { invocation, startEndpoint, type Endpoint } from '../support/endpoint.ts';

/** The handler of the daily sweep over the local endpoint: do source buckets still send the events of their tasks? */

const queue = 'arn:aws:sqs:us-east-1:000000000000:events';
const other = 'arn:aws:sqs:us-east-1:000000000000:jobs';

const under = (prefix: string) => ({ Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: prefix }] } } });
const ours = {
  Id: 's3-ferry-0123456789abcdef-created-1',
  QueueArn: queue,
  Events: ['s3:ObjectCreated:*' as const],
  ...under('in/'),
};
const theirs = { Id: 'theirs', QueueArn: other, Events: ['s3:ObjectCreated:*' as const], ...under('theirs/') };

let world: Endpoint;
let s3: S3Client;
let handler: (event: unknown, context: ReturnType<typeof invocation>) => Promise<void>;
let lines: Record<string, unknown>[];
const outputs = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];

function putTask(name: string, more: { source?: object; events?: string } = {}): void {
  const task = { name, destination: { bucket: 'into', prefix: `${name}/` }, events: 'create', ...more };
  world.putTask(name, JSON.stringify({ ...task, source: { bucket: 'photos', prefix: 'in/', ...more.source } }));
}

beforeAll(async () => {
  world = await startEndpoint(['photos', 'into', 'far', 'foreign', 'quiet']);
  s3 = new S3Client({});
  putTask('photos');
  putTask('deeper', { source: { prefix: 'in/deeper/' } });
  // None of these can have an entry for the queue that the sweep may look at.
  putTask('far', { source: { bucket: 'far', region: 'eu-west-1' } });
  putTask('foreign', { source: { bucket: 'foreign', expectedBucketOwner: '210987654321' } });
  putTask('quiet', { source: { bucket: 'quiet' }, events: 'none' });
  ({ handler } = await import('../../functions/sweep-uploads/index.ts'));
});
afterAll(async () => {
  for (const output of outputs) output.mockRestore();
  s3.destroy();
  await world.stop();
});
beforeEach(() => {
  lines = [];
  world.requests.length = 0;
  world.fault = () => undefined;
  for (const output of outputs) {
    output.mockImplementation((chunk) => {
      const logged = String(chunk)
        .split('\n')
        .filter((line) => line.startsWith('{'));
      lines.push(...logged.map((line) => JSON.parse(line) as Record<string, unknown>));
      return true;
    });
  }
});

async function configure(NotificationConfiguration: NotificationConfiguration): Promise<void> {
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'photos', NotificationConfiguration }));
  world.requests.length = 0;
}

/** Task, or stand-in for all tasks -> the metric's value. */
function counted(): Record<string, unknown> {
  const metrics = lines.filter((line) => '_aws' in line && 'NotificationsMissing' in line);
  return Object.fromEntries(metrics.map((line) => [String(line['task']), line['NotificationsMissing']]));
}

function reported(message: string): unknown[] {
  return lines
    .filter((line) => line['message'] === message)
    .map(({ task, bucket, missing, fault }) => ({ task, bucket, missing, fault }));
}

const message = 'the bucket does not send the events of the task';

describe('sweep-uploads, for the notifications of source buckets', () => {
  it('reports nothing while our entry is there, alone or among those of others', async () => {
    for (const entries of [[ours], [theirs, ours]]) {
      await configure({ QueueConfigurations: entries, EventBridgeConfiguration: {} });
      await handler({}, invocation());
    }
    expect(counted()).toEqual({});
    expect(reported(message)).toEqual([]);
  });

  it.each([
    ['removed', {}],
    ['removed, and those of others are there', { QueueConfigurations: [theirs], EventBridgeConfiguration: {} }],
    ['sent to another queue', { QueueConfigurations: [{ ...ours, QueueArn: other }] }],
  ])('counts each task, and names it with its bucket, if our entry was %s', async (_, configuration) => {
    await configure(configuration);
    await handler({}, invocation());
    expect(counted()).toEqual({ photos: 1, deeper: 1, [allTasks]: 2 });
    const missing = (prefix: string): string[] => [`s3:ObjectCreated:* under "${prefix}"`];
    expect(reported(message)).toEqual(
      expect.arrayContaining([
        { task: 'photos', bucket: 'photos', missing: missing('in/') },
        { task: 'deeper', bucket: 'photos', missing: missing('in/deeper/') },
      ]),
    );
  });

  it('counts only the tasks whose prefixes a changed entry leaves out', async () => {
    await configure({ QueueConfigurations: [{ ...ours, ...under('in/deeper/') }] });
    await handler({}, invocation());
    expect(counted()).toEqual({ photos: 1, [allTasks]: 1 });
  });

  it('reads each bucket once, and none of another account or region, or without events', async () => {
    await configure({ QueueConfigurations: [ours] });
    await handler({}, invocation());
    const read = world.requests.filter(({ operation }) => operation === 'GetBucketNotificationConfiguration');
    expect(read.map(({ bucket }) => bucket)).toEqual(['photos']);
  });

  it('reports a bucket that it may not read as such, and sweeps all the same', async () => {
    await configure({});
    world.fault = ({ operation }) =>
      operation === 'GetBucketNotificationConfiguration'
        ? { kind: 'status', status: 403, code: 'AccessDenied' }
        : undefined;
    await expect(handler({}, invocation())).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'notifications not read: deeper, photos (the log says why)',
    });
    expect(counted()).toEqual({});
    expect(reported(message)).toEqual([]);
    expect(reported('notifications not read')).toEqual(
      expect.arrayContaining([expect.objectContaining({ task: 'photos', bucket: 'photos', fault: 'AccessDenied' })]),
    );
    expect(lines.filter((line) => line['message'] === 'uploads swept')).toHaveLength(5);
  });
});
