import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import { startEndpoint, type Endpoint } from '../support/endpoint.ts';

/** The handler over the local endpoint, called as CloudFormation calls it. */

const jobs = 'arn:aws:sqs:us-east-1:000000000000:jobs';
const stackId = 'arn:aws:cloudformation:us-east-1:000000000000:stack/Ferry/0c5c6b20';
const prefixRule = (Value: string) => ({ Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value }] } } });

/** The configuration of other owners: a receiver of each kind. */
const foreign = {
  QueueConfigurations: [
    { Id: 'their-queue', QueueArn: `${jobs}-of-others`, Events: ['s3:ObjectCreated:*' as const], ...prefixRule('q/') },
  ],
  TopicConfigurations: [
    {
      Id: 's3-ferry-or-not',
      TopicArn: 'arn:aws:sns:us-east-1:1:t',
      Events: ['s3:ObjectCreated:Put' as const],
      ...prefixRule('t/'),
    },
  ],
  LambdaFunctionConfigurations: [
    {
      Id: 'their-function',
      LambdaFunctionArn: 'arn:aws:lambda:us-east-1:1:function:f',
      Events: ['s3:ObjectRestore:*' as const],
    },
  ],
  EventBridgeConfiguration: {},
} satisfies NotificationConfiguration;

interface Answer {
  readonly Status: string;
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
}

let world: Endpoint;
let s3: S3Client;
let server: Server;
let answers: { answer: Answer; contentType: string | undefined }[] = [];
let refusals = 0;
let handler: (event: unknown) => Promise<void>;
const outputs = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];

beforeAll(async () => {
  for (const output of outputs) output.mockReturnValue(true);
  world = await startEndpoint(['photos', 'more', 'crowded', 'busy', 'forever', 'slow', 'far']);
  s3 = new S3Client({});
  server = createServer((request, response) => {
    if (refusals-- > 0) {
      request.resume().on('end', () => response.writeHead(503).end());
      return;
    }
    void json(request).then((answer) => {
      answers.push({ answer: answer as Answer, contentType: request.headers['content-type'] });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ handler } = await import('../../functions/bucket-notifications/index.ts'));
});
afterAll(async () => {
  for (const output of outputs) output.mockRestore();
  s3.destroy();
  server.close();
  server.closeAllConnections();
  await world.stop();
});
beforeEach(() => {
  answers = [];
  refusals = 0;
  world.fault = () => undefined;
});

type Properties = Readonly<Record<string, unknown>>;

async function send(RequestType: string, properties: Properties, changes: Properties = {}): Promise<Answer> {
  answers = [];
  await handler({
    RequestType,
    ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?signature=secret`,
    StackId: stackId,
    RequestId: 'request',
    LogicalResourceId: 'Notifications',
    ResourceType: 'Custom::BucketNotifications',
    ResourceProperties: { ServiceToken: 'arn:aws:lambda:us-east-1:1:function:n', QueueArn: jobs, ...properties },
    ...changes,
  });
  expect(answers).toHaveLength(1);
  // The URL is signed for a request without a content type.
  expect(answers[0]!.contentType).toBeUndefined();
  expect(answers[0]!.answer).toMatchObject({
    StackId: stackId,
    RequestId: 'request',
    LogicalResourceId: 'Notifications',
  });
  return answers[0]!.answer;
}

async function put(bucket: string, configuration: NotificationConfiguration): Promise<void> {
  const input = { Bucket: bucket, NotificationConfiguration: configuration, SkipDestinationValidation: true };
  await s3.send(new PutBucketNotificationConfigurationCommand(input));
}

async function notifications(bucket: string): Promise<NotificationConfiguration> {
  const { $metadata, ...rest } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  expect($metadata.httpStatusCode).toBe(200);
  return rest;
}

/** Entries to our queue: the events and prefixes of each. What is optional, and may be left out, is shown as `+`. */
async function ours(bucket: string): Promise<string[]> {
  const { QueueConfigurations = [] } = await notifications(bucket);
  return QueueConfigurations.filter(({ QueueArn }) => QueueArn === jobs).map(({ Events = [], Filter }) => {
    const more = Events.slice(1).map((event) => (optional.includes(event) ? '+' : event));
    return `${String(Events[0])}${more.join('')} ${Filter?.Key?.FilterRules?.[0]?.Value ?? ''}`;
  });
}

const optional: readonly string[] = ['s3:ObjectRestore:Completed', 's3:LifecycleExpiration:*'];

async function theirs(bucket: string): Promise<NotificationConfiguration> {
  const all = await notifications(bucket);
  return { ...all, QueueConfigurations: (all.QueueConfigurations ?? []).filter(({ QueueArn }) => QueueArn !== jobs) };
}

const photos = { BucketName: 'photos', Created: ['in/', 'b/'], Removed: ['in/'] };

describe('bucket-notifications and entries of other owners', () => {
  it('keeps them unchanged through create, update and delete', async () => {
    await put('photos', foreign);
    const before = await notifications('photos');

    const created = await send('Create', photos);
    expect(created.Status).toBe('SUCCESS');
    expect(await ours('photos')).toEqual([
      's3:ObjectCreated:* in/',
      's3:ObjectCreated:* b/',
      's3:ObjectRemoved:*+ in/',
    ]);
    expect(await theirs('photos')).toEqual(before);

    // Another owner adds an entry meanwhile.
    const added = { Id: 'later', QueueArn: `${jobs}-later`, Events: ['s3:ObjectTagging:*' as const] };
    const now = await notifications('photos');
    await put('photos', { ...now, QueueConfigurations: [...now.QueueConfigurations!, added] });

    const updated = await send('Update', { ...photos, Created: ['in/'], Removed: [] });
    expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: created.PhysicalResourceId });
    expect(await ours('photos')).toEqual(['s3:ObjectCreated:* in/']);
    expect((await theirs('photos')).QueueConfigurations).toEqual([...before.QueueConfigurations!, added]);

    expect((await send('Delete', photos)).Status).toBe('SUCCESS');
    expect(await notifications('photos')).toEqual({
      ...before,
      QueueConfigurations: [...before.QueueConfigurations!, added],
    });
  });

  it('leaves restores and expirations to them, for runs find those, and takes both where nobody else does', async () => {
    const eventsOf = async (): Promise<unknown> =>
      (await notifications('more')).QueueConfigurations?.filter(({ QueueArn }) => QueueArn === jobs).map(
        ({ Events }) => Events,
      );
    const expirations = {
      Id: 'theirs',
      LambdaFunctionArn: 'arn:aws:lambda:us-east-1:1:function:f',
      Events: ['s3:LifecycleExpiration:Delete' as const],
      ...prefixRule('in/deeper/'),
    };
    const more = { BucketName: 'more', Created: ['in/'], Removed: ['in/'] };
    await put('more', { LambdaFunctionConfigurations: [expirations] });
    expect((await send('Create', more)).Status).toBe('SUCCESS');
    expect(await eventsOf()).toEqual([['s3:ObjectCreated:*', 's3:ObjectRestore:Completed'], ['s3:ObjectRemoved:*']]);
    await put('more', {});
    await send('Update', more);
    expect(await eventsOf()).toEqual([
      ['s3:ObjectCreated:*', 's3:ObjectRestore:Completed'],
      ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
    ]);
  });

  it('keeps them if every request is delivered twice', async () => {
    await put('more', foreign);
    const before = await notifications('more');
    const more = { BucketName: 'more', Created: [''] };
    await put('more', { ...before, QueueConfigurations: [], TopicConfigurations: [] });
    const rest = await notifications('more');
    for (const type of ['Create', 'Create', 'Update', 'Update']) {
      expect((await send(type, more)).Status).toBe('SUCCESS');
      expect(await ours('more')).toEqual(['s3:ObjectCreated:* ']);
    }
    for (const type of ['Delete', 'Delete']) {
      expect((await send(type, more)).Status).toBe('SUCCESS');
      expect(await notifications('more')).toEqual(rest);
    }
  });

  it('keeps the entries of another stack', async () => {
    const other = { StackId: stackId.replace('Ferry', 'Ferry2') };
    await put('more', {});
    await send('Create', { BucketName: 'more', Created: ['one/'] });
    const second = { BucketName: 'more', Created: ['two/'] };
    answers = [];
    await handler({
      RequestType: 'Create',
      ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      RequestId: 'r',
      LogicalResourceId: 'L',
      ResourceProperties: { QueueArn: jobs, ...second },
      ...other,
    });
    expect(await ours('more')).toEqual(['s3:ObjectCreated:*+ one/', 's3:ObjectCreated:*+ two/']);
    await send('Delete', { BucketName: 'more', Created: ['one/'] });
    expect(await ours('more')).toEqual(['s3:ObjectCreated:*+ two/']);
  });
});

test('a stack that is created again replaces the entries that its predecessor left', async () => {
  await put('more', {});
  await send('Create', { BucketName: 'more', Created: ['a/', 'b/'] });
  answers = [];
  await handler({
    RequestType: 'Create',
    ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    StackId: stackId.replace(/[^/]*$/, 'another-creation'),
    RequestId: 'r',
    LogicalResourceId: 'L',
    ResourceProperties: { QueueArn: jobs, BucketName: 'more', Created: ['a/'] },
  });
  expect(answers[0]!.answer.Status).toBe('SUCCESS');
  expect(await ours('more')).toEqual(['s3:ObjectCreated:*+ a/']);
});

describe('bucket-notifications and requests that fail', () => {
  it('names the entry that overlaps, and changes nothing', async () => {
    await put('crowded', foreign);
    const before = await notifications('crowded');
    const { Status, Reason } = await send('Create', { BucketName: 'crowded', Created: ['t/inner/'] });
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/^InvalidTask: bucket "crowded" already has notifications that overlap/);
    expect(Reason).toContain(
      'entry "s3-ferry-or-not" sends s3:ObjectCreated:Put to arn:aws:sns:us-east-1:1:t under "t/"',
    );
    expect(Reason).not.toContain('their-queue');
    expect(await notifications('crowded')).toEqual(before);
  });

  it('fails a create for a missing bucket, but not a delete', async () => {
    const gone = { BucketName: 'not-there', Created: [''] };
    expect(await send('Create', gone)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/^BucketNotFound: .*"not-there"/),
    });
    expect((await send('Delete', gone)).Status).toBe('SUCCESS');
  });

  it('fails invalid properties, with the reason', async () => {
    const { Status, Reason } = await send('Create', { BucketName: 'photos', Created: 'everything' });
    expect({ Status, Reason }).toEqual({
      Status: 'FAILED',
      Reason: expect.stringMatching(/^InvalidInput: properties of Notifications .*\n.*Created: found "everything"/),
    });
  });

  it('rejects an event that is not a request of CloudFormation', async () => {
    await expect(handler({ RequestType: 'Create' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });
});

describe('bucket-notifications and its writes', () => {
  it('writes again if another owner wrote between its write and its check', async () => {
    await put('busy', {});
    let interfered = false;
    const writes = () =>
      world.requests.filter(({ bucket, operation }) => bucket === 'busy' && /^PutBucketN/.test(operation));
    const before = writes().length;
    // The first check after our write sees their configuration instead of ours, and must keep it.
    const theirsNow = { QueueConfigurations: foreign.QueueConfigurations };
    const sent = send('Create', { BucketName: 'busy', Created: ['in/'] });
    while (!interfered) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (writes().length > before) {
        interfered = true;
        await put('busy', theirsNow);
      }
    }
    expect((await sent).Status).toBe('SUCCESS');
    // If the check came first, it saw our entry; then a second request of ours restores it and keeps theirs.
    await send('Update', { BucketName: 'busy', Created: ['in/'] });
    expect(await ours('busy')).toEqual(['s3:ObjectCreated:*+ in/']);
    expect((await theirs('busy')).QueueConfigurations).toEqual((await expected(theirsNow)).QueueConfigurations);
  });

  it('writes nothing if the entries are already right', async () => {
    await send('Create', photos);
    const writes = () =>
      world.requests.filter(({ operation }) => operation === 'PutBucketNotificationConfiguration').length;
    const before = writes();
    await send('Update', photos);
    expect(writes()).toBe(before);
  });
});

test('the answer to CloudFormation is sent again if it was refused', async () => {
  refusals = 2;
  expect((await send('Delete', photos)).Status).toBe('SUCCESS');
});

/** A configuration as S3 returns it. */
async function expected(configuration: NotificationConfiguration): Promise<NotificationConfiguration> {
  await put('slow', configuration);
  return notifications('slow');
}

describe('bucket-notifications for a group of buckets', () => {
  const group = (...buckets: readonly Properties[]) => ({ Group: '1', Buckets: buckets });
  const [more, busy] = [
    { BucketName: 'more', Created: ['in/'], Removed: [] },
    { BucketName: 'busy', Created: [''], Removed: [''] },
  ];
  beforeEach(async () => {
    for (const bucket of ['more', 'busy', 'slow']) await put(bucket, {});
  });

  it('sets all of them, and removes those that leave the group', async () => {
    const created = await send('Create', group(more, busy));
    expect(created).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: expect.stringMatching(/-group-1$/) });
    expect([await ours('more'), await ours('busy')]).toEqual([
      ['s3:ObjectCreated:*+ in/'],
      ['s3:ObjectCreated:*+ ', 's3:ObjectRemoved:*+ '],
    ]);
    const old = { OldResourceProperties: { QueueArn: jobs, ...group(more, busy) } };
    const updated = await send('Update', group(busy), old);
    // The same ID: nothing else is deleted.
    expect(updated).toEqual(created);
    expect([await ours('more'), (await ours('busy')).length]).toEqual([[], 2]);
    expect((await send('Delete', group(busy))).Status).toBe('SUCCESS');
    expect(await ours('busy')).toEqual([]);
  });

  it('names the first fault, and sets the other buckets nevertheless', async () => {
    const { Status, Reason } = await send('Create', group({ BucketName: 'not-there', Created: [''] }, more));
    expect({ Status, Reason }).toEqual({
      Status: 'FAILED',
      Reason: expect.stringMatching(/^BucketNotFound: .*"not-there"/),
    });
    expect(await ours('more')).toHaveLength(1);
  });

  it('keeps the notifications of a bucket that moves into a group, whether the update succeeds or fails', async () => {
    const requests = [
      { title: 'it succeeds', end: () => send('Delete', more), last: () => send('Delete', group(more)) },
      { title: 'it fails', end: () => send('Delete', group(more)), last: () => send('Delete', more) },
    ];
    for (const { title, end, last } of requests) {
      await send('Create', more);
      await send('Create', group(more));
      await end();
      expect([title, await ours('more')]).toEqual([title, ['s3:ObjectCreated:*+ in/']]);
      await last();
      expect([title, await ours('more')]).toEqual([title, []]);
    }
  });
});

describe('bucket-notifications and a bucket in another region', () => {
  const far = { BucketName: 'far', Created: ['in/'], Removed: [], Region: 'eu-west-1' };

  it('turns EventBridge on, sends nothing to the queue, and keeps what others have', async () => {
    const { EventBridgeConfiguration, ...others } = foreign;
    await put('far', others);
    const before = await notifications('far');
    expect((await send('Create', far)).Status).toBe('SUCCESS');
    expect(await notifications('far')).toEqual({ ...before, EventBridgeConfiguration });
    expect((await send('Update', far)).Status).toBe('SUCCESS');
    expect(await ours('far')).toEqual([]);
  });

  it('leaves EventBridge on when it is removed: rules of others may need it', async () => {
    expect((await send('Delete', far)).Status).toBe('SUCCESS');
    expect(await notifications('far')).toMatchObject({ EventBridgeConfiguration: {} });
  });

  it('asks the bucket in its own region', async () => {
    const regions: unknown[] = [];
    world.fault = ({ req }) => void regions.push(/\/\d{8}\/([^/]+)\/s3\//.exec(req.headers.authorization ?? '')?.[1]);
    await send('Update', far);
    expect(new Set(regions)).toEqual(new Set(['eu-west-1']));
  });

  it('says that no events come from another partition', async () => {
    const { Status, Reason } = await send('Create', { ...far, Region: 'cn-north-1' });
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/^InvalidTask: bucket "far" is in region cn-north-1, .* partition aws-cn instead of aws,/);
  });
});

test.each(['Create', 'Delete'])('a %s that is refused at first, because IAM is slow, is tried again', async (type) => {
  let refused = 0;
  world.fault = ({ operation }) =>
    operation === 'GetBucketNotificationConfiguration' && refused++ === 0
      ? { kind: 'status', status: 403, code: 'AccessDenied' }
      : undefined;
  expect((await send(type, photos)).Status).toBe('SUCCESS');
  expect(refused).toBeGreaterThan(1);
});
