import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { ListTablesCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { asciiJson, encodeJob } from '../../shared/model/job.ts';
import { MiB } from '../../shared/model/limits.ts';
import { Child, temporary } from '../support/child.ts';
import { keyZoo } from '../support/key-zoo.ts';
import { until } from '../support/until.ts';
import { LocalCommand, pause } from '../support/local-command.ts';
import { bytesOf } from '../support/objects.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/** The deployed pipeline over its public interfaces: S3, the queue, the machines, the ledger. */

const place = temporary();
let local: LocalCommand;
let jobs: string;
let deadLetters: string;
let table: string;

const tasks = [
  {
    name: 'events',
    source: { bucket: 'source', prefix: '' },
    destination: { bucket: 'by-events' },
    events: 'create-delete',
  },
  {
    name: 'sync',
    source: { bucket: 'source' },
    destination: { bucket: 'by-sync', prefix: 'mirror/', storageClass: 'STANDARD_IA' },
    serverSideCopy: 'never',
  },
  {
    name: 'large',
    source: { bucket: 'source' },
    destination: { bucket: 'by-sync', prefix: 'large/' },
    serverSideCopy: 'never',
    largeObjectThreshold: '32 MiB',
  },
  {
    name: 'listed',
    source: { bucket: 'source' },
    destination: { bucket: 'listed' },
    prefixList: 'lists/today',
    metadata: false,
    tags: false,
    deletes: true,
  },
  {
    name: 'inside',
    source: { bucket: 'source' },
    destination: { bucket: 'inside' },
    largeObjectThreshold: '6 MiB',
    partSize: '5 MiB',
  },
];

beforeAll(async () => {
  local = await LocalCommand.start(place.path, tasks);
  jobs = await local.queueUrl(/Jobs/i);
  deadLetters = await local.queueUrl(/Dead/i);
  const settings = await local.s3.config.credentials();
  const endpoint = jobs.slice(0, jobs.indexOf('/', 'http://'.length));
  const dynamo = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: settings });
  table = (await dynamo.send(new ListTablesCommand({}))).TableNames?.[0] ?? '';
  dynamo.destroy();
});

afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

function bytesFor(key: string): Buffer {
  return key.endsWith('/') ? Buffer.alloc(0) : Buffer.from(`bytes of ${JSON.stringify(key)}`);
}

async function read(bucket: string, key: string): Promise<Buffer | undefined> {
  try {
    const { Body } = await local.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

async function keysIn(bucket: string): Promise<string[]> {
  const page = await local.s3.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url' }));
  return (page.Contents ?? []).map(({ Key }) => decodeURIComponent((Key ?? '').replaceAll('+', ' ')));
}

describe('keys of every legal kind', () => {
  beforeAll(async () => {
    for (const key of keyZoo) {
      await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: key, Body: bytesFor(key) }));
    }
  });

  it('arrive unchanged by events', async () => {
    for (const key of keyZoo) {
      const there = await until(() => read('by-events', key));
      expect({ key, bytes: there.toString() }).toEqual({ key, bytes: bytesFor(key).toString() });
    }
    expect((await keysIn('by-events')).sort()).toEqual([...keyZoo].sort());
  });

  it('arrive unchanged by a run', async () => {
    expect(await local.sync({ task: 'sync' })).toMatchObject({ status: 'SUCCEEDED' });
    const fitting = keyZoo.filter((key) => Buffer.byteLength(`mirror/${key}`) <= 1024);
    for (const key of fitting) {
      const there = await until(() => read('by-sync', `mirror/${key}`));
      expect({ key, bytes: there.toString() }).toEqual({ key, bytes: bytesFor(key).toString() });
    }
    expect((await keysIn('by-sync')).sort()).toEqual(fitting.map((key) => `mirror/${key}`).sort());
    // With the destination's prefix before them, the longest keys have no place there: said so, and nothing else.
    for (const key of keyZoo.filter((other) => !fitting.includes(other))) {
      const entry = await until(() => local.ledger(table).get('sync', key));
      expect(entry).toMatchObject({
        status: 'FAILED',
        reason: expect.stringMatching(/^InvalidInput: .*S3 allows 1024/),
      });
    }
    const again = await local.sync({ task: 'sync' });
    expect(JSON.parse(again.output)).toMatchObject({
      listed: keyZoo.length,
      jobs: keyZoo.length - fitting.length,
      same: fitting.length,
    });
  });
});

describe('an object', () => {
  it("brings its headers, metadata and tags along, and takes the task's storage class", async () => {
    const Key = 'dressed/object';
    const headers = {
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'identity',
      ContentLanguage: 'de',
      ContentDisposition: 'attachment; filename="x.txt"',
      CacheControl: 'max-age=60',
      Expires: new Date('2030-01-02T03:04:05Z'),
      Metadata: { owner: 'someone', 'with-dash': 'a b' },
    };
    await local.s3.send(
      new PutObjectCommand({ Bucket: 'source', Key, Body: 'dressed', Tagging: 'team=a%20b&empty=', ...headers }),
    );
    await until(() => read('by-events', Key));
    expect(await local.sync({ task: 'sync', prefix: 'dressed/' })).toMatchObject({ status: 'SUCCEEDED' });
    await until(() => read('by-sync', `mirror/${Key}`));
    for (const place of [
      { Bucket: 'by-events', Key },
      { Bucket: 'by-sync', Key: `mirror/${Key}` },
    ]) {
      expect(await local.s3.send(new HeadObjectCommand(place))).toMatchObject(headers);
      const { TagSet } = await local.s3.send(new GetObjectTaggingCommand(place));
      expect(TagSet).toEqual(
        expect.arrayContaining([
          { Key: 'team', Value: 'a b' },
          { Key: 'empty', Value: '' },
        ]),
      );
    }
    const { StorageClass } = await local.s3.send(new HeadObjectCommand({ Bucket: 'by-sync', Key: `mirror/${Key}` }));
    expect(StorageClass).toBe('STANDARD_IA');
  });

  it('that changes keeps its size is brought over again, and one that is deleted is deleted', async () => {
    const Key = 'changing';
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body: 'first' }));
    await until(async () => (await read('by-events', Key))?.toString() === 'first');
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body: 'again' }));
    await until(async () => (await read('by-events', Key))?.toString() === 'again');
    await local.s3.send(new DeleteObjectCommand({ Bucket: 'source', Key }));
    await until(async () => (await read('by-events', Key)) === undefined);
  });

  it('over the threshold takes the state machine', async () => {
    const Key = 'large by event';
    const bytes = bytesOf(33 * MiB);
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body: bytes }));
    expect(await local.sync({ task: 'large', prefix: Key })).toMatchObject({ status: 'SUCCEEDED' });
    const there = await until(() => read('by-sync', `large/${Key}`));
    expect(createHash('sha256').update(there).digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    const entry = await until(async () => {
      const found = await local.ledger(table).get('large', Key);
      return found?.status === 'DONE' ? found : undefined;
    });
    expect(entry).toMatchObject({ route: 'multipart', size: bytes.length });
  });
});

it('between buckets that one credential reaches, is copied by the store itself', async () => {
  const bytes = bytesOf(11 * MiB);
  for (const [Key, Body] of [
    ['inside/small', Buffer.from('small')],
    ['inside/large', bytes],
  ] as const) {
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body, Metadata: { kept: 'yes' } }));
  }
  // What was uploaded in parts is copied in parts, by the UPLOAD machine.
  const inParts = { Bucket: 'source', Key: 'inside/in parts' };
  const { UploadId } = await local.s3.send(new CreateMultipartUploadCommand(inParts));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of [bytes.subarray(0, 6 * MiB), bytes.subarray(6 * MiB)].entries()) {
    const part = { ...inParts, UploadId, PartNumber: index + 1 };
    const { ETag } = await local.s3.send(new UploadPartCommand({ ...part, Body }));
    Parts.push({ PartNumber: part.PartNumber, ETag });
  }
  await local.s3.send(new CompleteMultipartUploadCommand({ ...inParts, UploadId, MultipartUpload: { Parts } }));
  expect(await local.sync({ task: 'inside', prefix: 'inside/' })).toMatchObject({ status: 'SUCCEEDED' });
  expect((await until(() => read('inside', 'inside/small'))).toString()).toBe('small');
  expect((await until(() => read('inside', 'inside/large'))).equals(bytes)).toBe(true);
  expect((await until(() => read('inside', 'inside/in parts'))).equals(bytes)).toBe(true);
  const head = await local.s3.send(new HeadObjectCommand({ Bucket: 'inside', Key: 'inside/large' }));
  expect(head.Metadata).toEqual({ kept: 'yes' });
  const ledger = local.ledger(table);
  const small = await until(() => ledger.get('inside', 'inside/small'));
  expect(small).toMatchObject({ status: 'DONE', route: 'server-side copy' });
});

describe('bad input', () => {
  it('in the queue goes to the dead-letter queue with its reason; the rest of the batch is done', async () => {
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'beside bad ones', Body: 'good' }));
    const bodies = [
      'no JSON',
      asciiJson({ job: { task: 'sync', key: 'k', action: 'explode' } }),
      asciiJson({ Records: [{ eventVersion: '3.0', eventName: 'ObjectCreated:Put', s3: {} }] }),
      encodeJob({ task: 'no-such-task', key: objectKey('k'), action: 'copy' }),
      encodeJob({ task: 'sync', key: objectKey('beside bad ones'), action: 'copy' }),
    ];
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Successful = [] } = await local.sqs.send(new SendMessageBatchCommand({ QueueUrl: jobs, Entries }));
    expect((await until(() => read('by-sync', 'mirror/beside bad ones'))).toString()).toBe('good');
    const reasons = new Map<string, string>();
    while (!bodies.slice(0, 4).every((body) => reasons.has(body))) {
      const { Messages = [] } = await local.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: deadLetters, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
      );
      for (const { Body = '', MessageAttributes } of Messages)
        reasons.set(Body, MessageAttributes?.['reason']?.StringValue ?? '');
    }
    expect(reasons.get(bodies[0]!)).toMatch(/^InvalidInput: queue message is not JSON/);
    expect(reasons.get(bodies[1]!)).toMatch(
      /^InvalidInput: .*job\.action: found .*explode.*, expected .*copy.* .*delete/,
    );
    expect(reasons.get(bodies[2]!)).toMatch(/^InvalidInput: S3 event notification .*version 2\.x/);
    expect(reasons.get(bodies[3]!)).toMatch(/^UnknownTask: .*no-such-task/);

    const ledger = local.ledger(table);
    const malformed = Successful.find(({ Id }) => Id === '0')?.MessageId ?? '';
    expect(await ledger.get('(unknown)', `message:${malformed}`)).toMatchObject({
      status: 'FAILED',
      reason: reasons.get(bodies[0]!),
    });
    expect(await ledger.get('no-such-task', 'k')).toMatchObject({ status: 'FAILED', reason: reasons.get(bodies[3]!) });
  });

  it.each([
    [{ task: 'no-such-task' }, 'UnknownTask', /task: found .*no-such-task.*, expected the name of a parameter below/],
    [{ task: 'sync', speed: 'fast' }, 'InvalidInput', /speed: unknown option/],
    [{ prefix: 'a' }, 'InvalidInput', /task: is missing, expected/],
    [{ task: 'sync', dryRun: 'yes' }, 'InvalidInput', /dryRun: found .*yes.*, expected boolean/],
  ])('in the sync machine ends the run with a clear error: %j', async (input, error, cause) => {
    const run = await local.sync(input);
    expect(run).toMatchObject({ status: 'FAILED', error });
    expect(run.cause).toMatch(cause);
  });

  it('in a task reports every fault at once', async () => {
    await local.putParameter(
      '/s3-ferry/S3Ferry/tasks/broken',
      '{"name": "broken", "source": {"bucket": "a"}, "speed": 1}',
    );
    const run = await local.sync({ task: 'broken' });
    expect(run).toMatchObject({ status: 'FAILED', error: 'InvalidTask' });
    expect(run.cause).toMatch(/source\.bucket: .*bucket name/);
    expect(run.cause).toMatch(/destination: is missing/);
    expect(run.cause).toMatch(/speed: unknown option/);
  });

  it('names a missing bucket', async () => {
    await local.putParameter(
      '/s3-ferry/S3Ferry/tasks/nowhere',
      JSON.stringify({ name: 'nowhere', source: { bucket: 'source' }, destination: { bucket: 'missing-bucket' } }),
    );
    const run = await local.sync({ task: 'nowhere' });
    expect(run).toMatchObject({ status: 'FAILED', error: 'BucketNotFound' });
    expect(run.cause).toMatch(/task nowhere, destination\.bucket: bucket .*missing-bucket.* does not exist/);
  });
});

it('copies and deletes within a prefix list, and leaves metadata and tags behind if the task says so', async () => {
  const put = (Bucket: string, Key: string, Body = Key): Promise<unknown> =>
    local.s3.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body,
        ContentType: 'text/x-kept',
        Metadata: { left: 'behind' },
        Tagging: 't=1',
      }),
    );
  for (const key of ['parts/a/1', 'parts/b/2', 'parts/c/3']) await put('source', key);
  for (const key of ['parts/a/old', 'parts/c/theirs', 'elsewhere']) await put('listed', key);
  expect(await local.sync({ task: 'listed' })).toMatchObject({
    status: 'FAILED',
    error: 'InvalidInput',
    cause: expect.stringContaining('prefixList: source: "lists/today" does not exist'),
  });
  await put('source', 'lists/today', 'parts/b/\nparts/a\nparts/a/\n');
  const run = await local.sync({ task: 'listed' });
  expect(JSON.parse(run.output)).toMatchObject({ listed: 2, listedAtDestination: 1, jobs: 3, deletes: 1 });
  const keys = await until(async () => {
    const found = await keysIn('listed');
    return found.length === 4 && !found.includes('parts/a/old') ? found : undefined;
  });
  expect(keys).toEqual(['elsewhere', 'parts/a/1', 'parts/b/2', 'parts/c/theirs']);
  const there = await local.s3.send(new HeadObjectCommand({ Bucket: 'listed', Key: 'parts/a/1' }));
  expect(there).toMatchObject({ ContentType: 'text/x-kept', Metadata: {} });
  expect(there.TagCount).toBeUndefined();
  await put('source', 'lists/today', '\n');
  expect(await local.sync({ task: 'listed' })).toMatchObject({ error: 'InvalidInput' });

  // A prefix that the source does not have, as a mistyped one: the mirror stays until a person allows its deletion.
  await put('source', 'lists/today', 'parts/c/t\n');
  expect(await local.sync({ task: 'listed' })).toMatchObject({
    status: 'FAILED',
    error: 'DeletesRefused',
    cause: expect.stringContaining('1 of 1 objects at the destination would be deleted'),
  });
  await pause(500);
  expect(await keysIn('listed')).toEqual(keys);
  const allowed = await local.sync({ task: 'listed', allowDeletes: true });
  expect(JSON.parse(allowed.output)).toMatchObject({ listed: 0, jobs: 1, deletes: 1 });
  await until(async () => !(await keysIn('listed')).includes('parts/c/theirs') || undefined);
});

it('a dry run counts and sends nothing', async () => {
  await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'dry/one', Body: '12345' }));
  await until(() => read('by-events', 'dry/one'));
  const run = await local.sync({ task: 'sync', prefix: 'dry/', dryRun: true });
  expect(JSON.parse(run.output)).toMatchObject({ listed: 1, jobs: 1, bytes: 5 });
  await pause(500);
  expect(await read('by-sync', 'mirror/dry/one')).toBeUndefined();
});

describe('dead letters', () => {
  async function redrive(...options: string[]): Promise<{ code: number | null; report: Record<string, unknown> }> {
    const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
    const child = new Child('operations/redrive.ts', ['--json', ...options], {
      AWS_ENDPOINT_URL: jobs.slice(0, jobs.indexOf('/', 'http://'.length)),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const { code, stdout, stderr } = await child.ended();
    return { code, report: stdout === '' ? { stderr } : (JSON.parse(stdout) as Record<string, unknown>) };
  }

  it('are done by one command once their cause is gone', async () => {
    const key = 'buried/one';
    await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: key, Body: bytesFor(key) }));
    const MessageBody = encodeJob({ task: 'later', key: objectKey(key), action: 'copy' });
    await local.sqs.send(new SendMessageBatchCommand({ QueueUrl: jobs, Entries: [{ Id: 'one', MessageBody }] }));
    await until(async () => await local.ledger(table).get('later', key));

    // Looking takes nothing away, and the job alone is chosen, not what else is buried.
    // Without --stack the stack is S3Ferry.
    const look = await redrive('--dry-run');
    expect(look).toMatchObject({ code: 0, report: { sent: 0, removed: 0, tasks: { later: 1 } } });
    // Within what the roles may write: a task that is added without a deployment brings no permissions.
    const destination = { bucket: 'by-sync', prefix: 'mirror/later/' };
    const task = { name: 'later', source: { bucket: 'source' }, destination };
    await local.putParameter('/s3-ferry/S3Ferry/tasks/later', JSON.stringify(task));
    const back = await redrive('--stack', 'S3Ferry', '--task', 'later');
    expect(back).toMatchObject({ code: 0, report: { sent: 1, removed: 1, failed: 0 } });
    expect((await until(() => read('by-sync', `mirror/later/${key}`))).toString()).toBe(bytesFor(key).toString());
    const entry = await until(async () => {
      const found = await local.ledger(table).get('later', key);
      return found?.status === 'DONE' ? found : undefined;
    });
    expect(entry).not.toHaveProperty('reason');
    expect((await redrive('--stack', 'S3Ferry', '--dry-run')).report['tasks']).not.toHaveProperty('later');
  });

  it.each([
    { options: ['--stack'], message: /option '--stack <name>' argument missing/ },
    { options: ['--stack', 'a b'], message: /--stack: not the name of a stack/ },
    { options: ['--stack', 'Other'], message: /--stack: there is no parameter \/s3-ferry\/Other\/queues/ },
  ])('are not looked for with wrong options: $options', async ({ options, message }) => {
    const { code, report } = await redrive(...options);
    expect(report['stderr']).toMatch(message);
    expect(code).toBe(2);
  });
});
