import { createServer, type Server } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LimitBounds } from '../../../../shared/aws/http/answer-limit.ts';
import { BoundedHttpHandler, type HandlerOptions } from '../../../../shared/aws/http/handler.ts';
import { usualTimes } from '../../../../shared/aws/http/overdue.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import {
  createMachineClient,
  createParameterClient,
  createQueueClient,
  createTableClient,
} from '../../../../shared/aws/service-clients.ts';
import { MiB } from '../../../../shared/model/limits.ts';
import type { Fault } from '../../../../emulator/s3/index.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';
import { until } from '../../../support/until.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';

/** Limits a tenth or less of the real ones, checked often enough for them. */
const checkEveryMillis = 50;
/** Learned like the real limits: at first long, then four times the usual answer, but at least 0.6 s. */
const learned: LimitBounds = { min: 600, first: 60_000, max: 60_000 };
const short: LimitBounds = { min: 300, first: 300, max: 10_000 };

let s3: LocalS3;
let handler: BoundedHttpHandler;
let store: S3ObjectStore;
/** requests since `once` */
let asked = 0;

function open(options: Partial<HandlerOptions> = {}): void {
  handler = new BoundedHttpHandler({ maxSockets: 50, checkEveryMillis, ...options });
  const side = { bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint: s3.endpoint, requestPayer: false };
  store = new S3ObjectStore(createS3Client(side, localKeys, handler), side);
}

/** Does this to the first request of that kind, and nothing to those that follow. */
function once(operation: string, fault: Fault): void {
  asked = 0;
  s3.fault = (request) => (request.operation === operation && asked++ === 0 ? fault : undefined);
}

const count = (operation: string): number => s3.requests.filter((request) => request.operation === operation).length;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function times(number: number, work: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < number; index++) await work();
}

async function read(key: string): Promise<Buffer> {
  const opened = await store.get(objectKey(key));
  if (!opened) throw new Error(`${key} is not there`);
  return buffer(opened.body);
}

const noSocketIsBusy = (of = handler): Promise<boolean> => until(() => of.sockets.busy === 0, { every: 5 });

beforeEach(async () => {
  s3 = await startLocalS3();
  s3.createBucket('bucket');
  open();
});

afterEach(async () => {
  handler.destroy();
  await s3.close();
});

describe('an answer that does not come', () => {
  const data = bytesOf(1000);
  const put = (): Promise<unknown> => store.put(objectKey('key'), { data, size: data.length }, noAttributes);

  it('is requested again over another connection long before the first limit once latencies are known', async () => {
    open({ bounds: { read: learned } });
    await put();
    once('GetObject', { kind: 'no-answer' });
    let answers: Buffer[] = [];
    const took = await seconds(async () => {
      answers = await Promise.all(Array.from({ length: 30 }, () => read('key')));
    });
    expect(answers.every((answer) => answer.equals(data))).toBe(true);
    expect(took).toBeLessThan(learned.first / 1000 / 2);
    expect(count('GetObject')).toBe(31);
    await noSocketIsBusy();
    // Idle ones were closed with the one that hung.
    expect(handler.sockets.idle).toBeLessThanOrEqual(1);
  });

  it('is waited for if the whole store is slow', async () => {
    open({ bounds: { small: learned } });
    await put();
    await times(20, () => store.head(objectKey('key')));
    expect(handler.answerLimit('small')).toBeLessThan(learned.first);
    s3.fault = () => ({ kind: 'delay', milliseconds: 900 });
    const first = s3.requests.length;
    const found = await Promise.all(Array.from({ length: 10 }, () => store.head(objectKey('key'))));
    expect(found.every((info) => info?.size === 1000)).toBe(true);
    // Each was given up once at most: the server sees both attempts.
    expect(s3.requests.length - first).toBeLessThanOrEqual(20);
    const second = s3.requests.length;
    await Promise.all(Array.from({ length: 10 }, () => store.head(objectKey('key'))));
    expect(s3.requests.length - second).toBe(10);
  });

  it('is not missed because this process itself was busy', async () => {
    open({ bounds: { small: learned } });
    await put();
    await times(20, () => store.head(objectKey('key')));
    const pending = store.head(objectKey('key'));
    await sleep(1);
    const busyUntil = Date.now() + handler.answerLimit('small') + 200;
    while (Date.now() < busyUntil);
    expect((await pending)?.size).toBe(1000);
    expect(count('HeadObject')).toBe(21);
  });

  it('is requested again for a part that was sent whole', async () => {
    open({ bounds: { 'write over 1 MiB': short } });
    const bytes = bytesOf(2 * MiB);
    once('PutObject', { kind: 'no-answer' });
    await store.put(objectKey('large'), { data: bytes, size: bytes.length }, noAttributes);
    expect(count('PutObject')).toBe(2);
    expect((await read('large')).equals(bytes)).toBe(true);
  });

  it.each([
    ['begins and then stops', { kind: 'truncate', afterBytes: 40, stallMilliseconds: 600_000 }],
    ['never begins', { kind: 'no-answer' }],
  ] as const)('is requested again if it is a listing that %s', async (_name, fault) => {
    open({ times: { answering: 300 }, bounds: { list: learned } });
    await put();
    const list = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const page of store.list({ prefix: '' })) keys.push(...page.map(({ key }) => key));
      return keys;
    };
    await times(10, list);
    once('ListObjectsV2', fault);
    let keys: string[] = [];
    const took = await seconds(async () => {
      keys = await list();
    });
    expect(keys).toEqual(['key']);
    expect(asked).toBe(2);
    expect(took).toBeLessThan(learned.first / 1000 / 2);
  });
});

describe('a body that is sent', () => {
  const data = bytesOf(16 * MiB);

  it('is ended and sent again if the store does not read it', async () => {
    open({ times: { sending: 400 } });
    once('PutObject', { kind: 'stall-body', afterBytes: MiB });
    const took = await seconds(() => store.put(objectKey('key'), { data, size: data.length }, noAttributes));
    expect(took).toBeLessThan(usualTimes.sending / 1000 / 2);
    expect(asked).toBe(2);
    expect((await read('key')).equals(data)).toBe(true);
    await noSocketIsBusy();
  });

  it('is not ended if the store reads it slowly but steadily', async () => {
    // 1/60 of the usual time, and 200 times the 20 KB/s that the usual time is for.
    open({ times: { sending: 2000 }, bounds: { 'write over 1 MiB': short } });
    s3.fault = ({ operation }) =>
      operation === 'PutObject' ? { kind: 'trickle-body', bytesPerSecond: 4_000_000 } : undefined;
    const took = await seconds(() => store.put(objectKey('key'), { data, size: data.length }, noAttributes));
    // Both limits are exceeded by the whole body, and neither without progress.
    expect(took).toBeGreaterThan(3);
    expect(count('PutObject')).toBe(1);
  });

  it.each([
    ['without a checksum', undefined],
    ['with a trailing checksum', 'CRC32'],
  ] as const)('ends its request with its own error if it is a stream %s that breaks', async (_name, checksum) => {
    const { uploadId } = await store.createUpload(objectKey('key'), noAttributes, checksum);
    const part = { key: objectKey('key'), uploadId, number: 1, ...(checksum && { checksum }) };
    const body = new PassThrough();
    body.write(data.subarray(0, 100_000));
    const broke = new Error('the source broke');
    const sent = store.uploadPart(part, { data: body, size: data.length });
    setTimeout(() => body.destroy(broke), 100);
    // A stream with a trailer is wrapped by the SDK, which passes on that it ended, and not why.
    await expect(sent).rejects.toMatchObject({ name: 'Unavailable', ...(!checksum && { cause: broke }) });
    await noSocketIsBusy();
  });

  it('is ended if it is a stream that has no more bytes', async () => {
    open({ times: { producing: 300 } });
    const body = new Readable({ read: () => undefined });
    body.push(data.subarray(0, 100_000));
    const what = 'TimeoutError: no byte came to be sent for 0.3 s';
    await expect(store.put(objectKey('key'), { data: body, size: data.length }, noAttributes)).rejects.toThrow(what);
    body.destroy();
  });

  it('costs neither the answer nor a socket if it is refused before it was read', async () => {
    s3.fault = () => ({ kind: 'status', status: 403, code: 'AccessDenied' });
    await expect(store.put(objectKey('key'), { data, size: data.length }, noAttributes)).rejects.toThrow(
      'AccessDenied',
    );
    await noSocketIsBusy();
  });
});

describe('a service that accepts connections and never answers', () => {
  let silent: Server;
  let url: string;

  beforeEach(async () => {
    silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    url = typeof address === 'object' && address ? `127.0.0.1:${address.port}` : '';
  });

  afterEach(() => {
    silent.close();
  });

  it.each([
    ['TLS', 'https:', { times: { connecting: 200 } }, 'no connection within 0.2 s'],
    ['HTTP', 'http:', { bounds: { call: { min: 300, first: 300, max: 300 } } }, 'no answer within 0.3 s'],
  ])('holds a call by %s no longer than the limit', async (_name, protocol, options, message) => {
    const requestHandler = new BoundedHttpHandler({ maxSockets: 5, checkEveryMillis, ...options });
    const client = new DynamoDBClient({
      endpoint: `${protocol}//${url}`,
      region: 'us-east-1',
      credentials: localKeys,
      maxAttempts: 2,
      requestHandler,
    });
    const command = new GetItemCommand({ TableName: 'table', Key: { key: { S: '1' } } });
    await expect(client.send(command)).rejects.toMatchObject({
      name: 'TimeoutError',
      message: `${message}; the connection was closed`,
      $metadata: { attempts: 2 },
    });
    await noSocketIsBusy(requestHandler);
    expect(requestHandler.sockets).toEqual({ busy: 0, idle: 0 });
    client.destroy();
  });

  it.each([
    ['SQS', createQueueClient],
    ['DynamoDB', createTableClient],
    ['Step Functions', createMachineClient],
    ['Systems Manager', createParameterClient],
  ])('the client of %s has the bounds', (_name, create) => {
    expect(create().config.requestHandler).toBeInstanceOf(BoundedHttpHandler);
  });
});
