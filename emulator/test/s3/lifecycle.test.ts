import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { openS3Server } from '../../s3/index.ts';
import { until } from '../../../test/support/until.ts';
import { ACCESS_KEY, SECRET_KEY, bytes, failure, once, plain, startServer, type Harness } from './harness.ts';

const Bucket = 'lifecycle';
const mebibyte = 1024 * 1024;
const QueueArn = 'arn:aws:sqs:us-east-1:000000000000:events';
// Ends a test that hangs; far longer than a test takes, because other work may share the machine.
jest.setTimeout(120_000);

let harness: Harness;
let s3: S3Client;

beforeAll(async () => {
  harness = await startServer();
  s3 = harness.client(plain);
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => harness.stop());

async function blobFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('a reader', () => {
  it.each(['overwritten', 'deleted'])('gets the version with which it started when the object is %s', async (how) => {
    const Key = `read-${how}`;
    const Body = bytes(16 * mebibyte, 3);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    const before = await blobFiles(harness.dataDirectory);
    const { Body: stream } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    if (how === 'deleted') await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    else await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'new' }));
    const got = Buffer.from((await stream?.transformToByteArray()) ?? []);
    expect(got.equals(Body)).toBe(true);
    await until(async () => (await blobFiles(harness.dataDirectory)).length === before.length - 1);
  });
});

describe('a file', () => {
  it('is removed when no object or upload refers to it', async () => {
    const before = await blobFiles(harness.dataDirectory);
    const Body = bytes(200_000);
    for (const Key of ['f1', 'f1', 'f2']) await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'f3', CopySource: `${Bucket}/f2` }));
    const bad = new PutObjectCommand({ Bucket, Key: 'f4', Body, ContentMD5: Buffer.alloc(16).toString('base64') });
    expect((await failure(s3.send(bad))).name).toBe('BadDigest');
    await until(async () => (await blobFiles(harness.dataDirectory)).length === before.length + 3);
    for (const Key of ['f1', 'f2', 'f3']) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await until(async () => (await blobFiles(harness.dataDirectory)).length === before.length);
  });
});

describe('a restart', () => {
  it('keeps objects, uploads and parts, and removes files without a row', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'small', Metadata: { a: 'b' } }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'open' }));
    const Body = bytes(300_000);
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'open', UploadId, PartNumber: 4, Body }));
    const names = await blobFiles(harness.dataDirectory);
    await writeFile(join(harness.dataDirectory, 'blobs', '0', '0leftover'), 'x');
    await harness.restart();
    s3 = harness.client(plain);
    expect(await blobFiles(harness.dataDirectory)).toEqual(names);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect([await got.Body?.transformToString(), got.Metadata]).toEqual(['small', { a: 'b' }]);
    const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key: 'open', UploadId }));
    expect(Parts).toMatchObject([{ PartNumber: 4, ETag, Size: 300_000 }]);
    const MultipartUpload = { Parts: [{ PartNumber: 4, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'open', UploadId, MultipartUpload }));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'open' }))).ContentLength).toBe(300_000);
  });

  it('has everything acknowledged after kill -9', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 's3-killed-'));
    const code = `
      import { createServer } from 'node:http';
      import { openS3Server } from ${JSON.stringify(join(import.meta.dirname, '../../s3/index.ts'))};
      const credentials = new Map([[${JSON.stringify(ACCESS_KEY)}, ${JSON.stringify(SECRET_KEY)}]]);
      const s3 = await openS3Server({ dataDirectory: ${JSON.stringify(dataDirectory)}, credentials });
      s3.createBucket('killed');
      const server = createServer((req, res) => void s3.handle(req, res));
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const port = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data).trim())),
    );
    const client = harness.client({ ...plain, endpoint: `http://127.0.0.1:${port}` });
    const acknowledged: string[] = [];
    const write = async (worker: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const Key = `${worker}/${i}`;
        const Body = i % 5 === 0 ? bytes(100_000, i) : Key;
        await client.send(new PutObjectCommand({ Bucket: 'killed', Key, Body }));
        acknowledged.push(Key);
        if (acknowledged.length === 150) child.kill('SIGKILL');
      }
    };
    await Promise.allSettled([0, 1, 2, 3].map(write));
    await exited;

    const credentials = new Map([[ACCESS_KEY, SECRET_KEY]]);
    const reopened = await openS3Server({ dataDirectory, credentials });
    await expect(openS3Server({ dataDirectory, credentials })).rejects.toThrow();
    const server = createServer((req, res) => void reopened.handle(req, res));
    await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'killed' }));
    const found = new Set(Contents.map(({ Key }) => Key));
    expect(acknowledged.filter((key) => !found.has(key))).toEqual([]);
    for (const { Key = '', Size } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: 'killed', Key }));
      expect((await Body?.transformToByteArray())?.length).toBe(Size);
    }
    expect(await blobFiles(dataDirectory)).toHaveLength(Contents.filter(({ Size }) => Size === 100_000).length);
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await reopened.close();
    await rm(dataDirectory, { recursive: true });
  });
});

describe('event notifications', () => {
  interface Record {
    readonly eventName: string;
    readonly awsRegion: string;
    readonly s3: {
      readonly configurationId: string;
      readonly object: { key: string; size?: number; sequencer: string };
    };
  }
  const records = (): Record[] =>
    harness.notifications.flatMap(({ message }) => ('Records' in message ? (message.Records as Record[]) : []));

  it('are sent to the configured queues', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'events' }));
    const QueueConfigurations = [
      {
        Id: 'all',
        QueueArn,
        Events: [
          's3:ObjectCreated:Put' as const,
          's3:ObjectCreated:CompleteMultipartUpload' as const,
          's3:ObjectRemoved:*' as const,
        ],
        Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'in/' }] } },
      },
      { Id: 'copies', QueueArn: `${QueueArn}-2`, Events: ['s3:ObjectCreated:Copy' as const] },
    ];
    const put = { Bucket: 'events', NotificationConfiguration: { QueueConfigurations } };
    await s3.send(new PutBucketNotificationConfigurationCommand(put));
    const got = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'events' }));
    expect(got.QueueConfigurations).toMatchObject([{ Id: 'all' }, { Id: 'copies', QueueArn: `${QueueArn}-2` }]);
    expect(harness.notifications.map(({ queueArn }) => queueArn)).toEqual([QueueArn, `${QueueArn}-2`]);
    expect(harness.notifications[0]?.message).toMatchObject({ Event: 's3:TestEvent', Bucket: 'events' });

    const Key = 'in/a b+ü.txt';
    await s3.send(new PutObjectCommand({ Bucket: 'events', Key, Body: 'abc' }));
    await s3.send(new PutObjectCommand({ Bucket: 'events', Key: 'out/x', Body: 'abc' }));
    await s3.send(new CopyObjectCommand({ Bucket: 'events', Key: 'in/copy', CopySource: 'events/out/x' }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: 'events', Key: 'in/mp' }));
    const part = { Bucket: 'events', Key: 'in/mp', UploadId, PartNumber: 1, Body: 'abcd' };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    const done = {
      Bucket: 'events',
      Key: 'in/mp',
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    };
    await s3.send(new CompleteMultipartUploadCommand(done));
    await s3.send(new DeleteObjectCommand({ Bucket: 'events', Key }));
    await s3.send(new DeleteObjectCommand({ Bucket: 'events', Key: 'in/absent' }));
    await until(() => records().length >= 4);
    const seen = records().map(({ eventName, s3: { configurationId, object } }) => [
      ...[configurationId, eventName, object.key, object.size],
    ]);
    expect(seen).toEqual([
      ['all', 'ObjectCreated:Put', 'in/a+b%2B%C3%BC.txt', 3],
      ['copies', 'ObjectCreated:Copy', 'in/copy', 3],
      ['all', 'ObjectCreated:CompleteMultipartUpload', 'in/mp', 4],
      ['all', 'ObjectRemoved:Delete', 'in/a+b%2B%C3%BC.txt', undefined],
    ]);
    const sequencers = records().map((record) => record.s3.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].toSorted());
  });

  it('read filters as URL-encoded, as S3 does', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'encoded' }));
    const filtered = (Id: string, Value: string) => ({
      Id,
      QueueArn,
      Events: ['s3:ObjectCreated:*' as const],
      Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value }] } },
    });
    const QueueConfigurations = [filtered('encoded', 'a+%C3%BC%2B/'), filtered('malformed', '100%/')];
    const put = { Bucket: 'encoded', NotificationConfiguration: { QueueConfigurations } };
    await s3.send(new PutBucketNotificationConfigurationCommand(put));
    for (const Key of ['a ü+/1', 'a+%C3%BC%2B/2', '100%/3']) {
      await s3.send(new PutObjectCommand({ Bucket: 'encoded', Key, Body: '' }));
    }
    const seen = () =>
      records()
        .map(({ s3: { configurationId, object } }) => [configurationId, object.key])
        .filter(([id]) => id === 'encoded' || id === 'malformed');
    await until(() => seen().some(([id]) => id === 'malformed'));
    expect(seen()).toEqual([
      ['encoded', 'a+%C3%BC%2B/1'],
      ['malformed', '100%25/3'],
    ]);
  });

  it('have one receiver each: overlapping rules are refused, all others are stored', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'receivers' }));
    const filter = (Value: string) => ({ Key: { FilterRules: [{ Name: 'prefix' as const, Value }] } });
    const NotificationConfiguration = {
      QueueConfigurations: [{ Id: 'q', QueueArn, Events: ['s3:ObjectCreated:*' as const], Filter: filter('a/') }],
      TopicConfigurations: [
        { Id: 't', TopicArn: 'arn:aws:sns:r:1:t', Events: ['s3:ObjectCreated:Put' as const], Filter: filter('b/') },
      ],
      LambdaFunctionConfigurations: [
        { Id: 'l', LambdaFunctionArn: 'arn:aws:lambda:r:1:function:l', Events: ['s3:ObjectRemoved:*' as const] },
      ],
      EventBridgeConfiguration: {},
    };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'receivers', NotificationConfiguration }));
    const got = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'receivers' }));
    expect(got).toMatchObject({
      ...NotificationConfiguration,
      QueueConfigurations: [{ Id: 'q', Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'a/' }] } } }],
      TopicConfigurations: [{ Id: 't', Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'b/' }] } } }],
    });
    const QueueConfigurations = [
      ...NotificationConfiguration.QueueConfigurations,
      { Id: 'r', QueueArn, Events: ['s3:ObjectCreated:Copy' as const], Filter: filter('a/b/') },
    ];
    const put = { Bucket: 'receivers', NotificationConfiguration: { QueueConfigurations } };
    await expect(s3.send(new PutBucketNotificationConfigurationCommand(put))).rejects.toMatchObject({
      name: 'InvalidArgument',
      message: expect.stringContaining('Configurations overlap'),
    });
  });

  it('are delivered after the queue was unavailable and the server restarted', async () => {
    const delivered: object[] = [];
    let away = true;
    const other = await startServer({
      onError: () => undefined,
      onEvent: ({ message }) => {
        if (away && 'Records' in message) throw new Error('away');
        delivered.push(message);
      },
    });
    const client = other.client(plain);
    await client.send(new CreateBucketCommand({ Bucket: 'patient' }));
    const QueueConfigurations = [{ QueueArn, Events: ['s3:ObjectCreated:*' as const] }];
    const put = { Bucket: 'patient', NotificationConfiguration: { QueueConfigurations } };
    await client.send(new PutBucketNotificationConfigurationCommand(put));
    await client.send(new PutObjectCommand({ Bucket: 'patient', Key: 'k', Body: 'x' }));
    away = false;
    await other.restart();
    await until(() => delivered.length === 2);
    expect(delivered[1]).toMatchObject({ Records: [{ eventName: 'ObjectCreated:Put' }] });
    await other.stop();
  });
});

describe('injected faults', () => {
  it('happen as the hook requests', async () => {
    const Body = bytes(500_000);
    const Key = 'faulty';
    const put = (): Promise<unknown> => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    const head = (): Promise<unknown> => s3.send(new HeadObjectCommand({ Bucket, Key }));

    harness.fault = once('PutObject', { kind: 'status', status: 503, code: 'SlowDown' });
    expect(await failure(put())).toEqual({ name: 'SlowDown', status: 503 });
    harness.fault = once('PutObject', { kind: 'reset' });
    await expect(put()).rejects.toThrow(/ECONNRESET|EPIPE|hang up/);
    harness.fault = once('PutObject', { kind: 'reset-body', afterBytes: 100_000 });
    await expect(put()).rejects.toThrow(/ECONNRESET|EPIPE|hang up/);
    // What came before the reset was sent for nothing, and counts.
    await until(() => harness.requests.some((r) => r.operation === 'PutObject' && r.bytesIn >= 100_000));
    expect((await failure(head())).status).toBe(404);
    harness.fault = once('PutObject', { kind: 'lose-answer' });
    await expect(put()).rejects.toThrow(/ECONNRESET|EPIPE|hang up/);
    await head();

    harness.fault = once('GetObject', { kind: 'truncate', afterBytes: 300_000, stallMillis: 1 });
    const { Body: stream, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(ContentLength).toBe(Body.length);
    await expect(stream?.transformToByteArray()).rejects.toThrow();
    const cut = (): boolean => harness.requests.some((r) => r.operation === 'GetObject' && r.bytesOut === 300_000);
    await until(cut);

    harness.fault = once('GetObject', { kind: 'delay', milliseconds: 20 });
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }));
    expect((await got.Body?.transformToByteArray())?.length).toBe(Body.length);

    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'late' }));
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'late', UploadId, PartNumber: 1, Body: 'x' }));
    const input = { Bucket, Key: 'late', UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    harness.fault = once('CompleteMultipartUpload', { kind: 'status', status: 200, code: 'InternalError' });
    expect((await failure(s3.send(new CompleteMultipartUploadCommand(input)))).name).toBe('InternalError');
    harness.fault = () => undefined;
    await s3.send(new CompleteMultipartUploadCommand(input));
    const observed = harness.requests.filter(({ operation, key }) => operation === 'UploadPart' && key === 'late');
    expect(observed).toMatchObject([{ status: 200, partNumber: 1, uploadId: UploadId, bytesIn: 1, bytesOut: 0 }]);
  });
});
