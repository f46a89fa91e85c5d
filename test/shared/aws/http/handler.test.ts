import { createServer, type Server } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BoundedHttpHandler } from '../../../../shared/aws/http/handler.ts';
import type { LimitBounds } from '../../../../shared/aws/http/answer-limit.ts';
import { requestKinds } from '../../../../shared/aws/http/request.ts';
import type { Times } from '../../../../shared/aws/http/overdue.ts';
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

let s3: LocalS3;
let handler: BoundedHttpHandler;
let store: S3ObjectStore;
/** requests since `once` */
let asked = 0;

function open(times: Partial<Times> = {}, large: LimitBounds = requestKinds['write over 1 MiB']): void {
  handler = new BoundedHttpHandler({ maxSockets: 50, times, bounds: { 'write over 1 MiB': large } });
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

async function read(key: string): Promise<Buffer> {
  const opened = await store.get(key);
  if (!opened) throw new Error(`${key} is not there`);
  return buffer(opened.body);
}

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
  const put = (): Promise<unknown> => store.put('key', { data, size: data.length }, noAttributes);

  it('is asked for again within seconds once latencies are known, over another connection; no socket is left', async () => {
    await put();
    once('GetObject', { kind: 'no-answer' });
    let answers: Buffer[] = [];
    const took = await seconds(async () => {
      answers = await Promise.all(Array.from({ length: 30 }, () => read('key')));
    });
    expect(answers.every((answer) => answer.equals(data))).toBe(true);
    expect(took).toBeLessThan(20);
    expect(count('GetObject')).toBe(31);
    await sleep(50);
    expect(handler.sockets.busy).toBe(0);
    // Idle ones were closed with the one that hung.
    expect(handler.sockets.idle).toBeLessThanOrEqual(1);
  }, 60_000);

  it('is waited for where the whole store is slow', async () => {
    await put();
    for (let index = 0; index < 20; index++) await store.head('key');
    expect(handler.answerLimit('small')).toBe(3_000);
    s3.fault = () => ({ kind: 'delay', milliseconds: 4_000 });
    const first = s3.requests.length;
    const found = await Promise.all(Array.from({ length: 10 }, () => store.head('key')));
    expect(found.every((info) => info?.size === 1000)).toBe(true);
    // Each was given up once, and once only: the server sees both.
    expect(s3.requests.length - first).toBeLessThanOrEqual(20);
    const second = s3.requests.length;
    await Promise.all(Array.from({ length: 10 }, () => store.head('key')));
    expect(s3.requests.length - second).toBe(10);
  }, 60_000);

  it('is not missed because this process was busy itself', async () => {
    await put();
    for (let index = 0; index < 20; index++) await store.head('key');
    const asked = store.head('key');
    await sleep(1);
    const until = Date.now() + 4_500;
    while (Date.now() < until);
    expect((await asked)?.size).toBe(1000);
    expect(count('HeadObject')).toBe(21);
  }, 30_000);

  it('of a part that was sent whole is asked for again', async () => {
    open({}, { min: 1_000, first: 1_000, max: 10_000 });
    const bytes = bytesOf(2 * MiB);
    once('PutObject', { kind: 'no-answer' });
    await store.put('large', { data: bytes, size: bytes.length }, noAttributes);
    expect(count('PutObject')).toBe(2);
    expect((await read('large')).equals(bytes)).toBe(true);
  }, 30_000);

  it.each([
    ['begins and then stops', { kind: 'truncate', afterBytes: 40, stallMillis: 600_000 }],
    ['never begins', { kind: 'no-answer' }],
  ] as const)(
    'of a listing that %s',
    async (_name, fault) => {
      open({ answering: 1_000 });
      await put();
      const list = async (): Promise<string[]> => {
        const keys: string[] = [];
        for await (const page of store.list({ prefix: '' })) keys.push(...page.map(({ key }) => key));
        return keys;
      };
      for (let index = 0; index < 10; index++) await list();
      once('ListObjectsV2', fault);
      let keys: string[] = [];
      const took = await seconds(async () => {
        keys = await list();
      });
      expect(keys).toEqual(['key']);
      expect(took).toBeLessThan(15);
    },
    30_000,
  );
});

describe('a body on its way out', () => {
  const data = bytesOf(16 * MiB);

  it('that nobody takes is ended and sent again', async () => {
    open({ sending: 1_500 });
    once('PutObject', { kind: 'stall-body', afterBytes: MiB });
    const took = await seconds(() => store.put('key', { data, size: data.length }, noAttributes));
    expect(took).toBeLessThan(20);
    expect(asked).toBe(2);
    expect((await read('key')).equals(data)).toBe(true);
    await sleep(50);
    expect(handler.sockets.busy).toBe(0);
  }, 60_000);

  it('that is taken slowly, but steadily, is not', async () => {
    // A hundredth of the usual time, and a hundred times the 20 KB/s that it is for.
    open({ sending: 1_200 }, { min: 1_000, first: 30_000, max: 240_000 });
    for (let index = 0; index < 6; index++)
      await store.put('key', { data: data.subarray(8 * MiB), size: 8 * MiB }, noAttributes);
    expect(handler.answerLimit('write over 1 MiB')).toBeLessThan(4_000);
    const before = count('PutObject');
    s3.fault = ({ operation }) =>
      operation === 'PutObject' ? { kind: 'trickle-body', bytesPerSecond: 2_000_000 } : undefined;
    const took = await seconds(() => store.put('key', { data, size: data.length }, noAttributes));
    expect(took).toBeGreaterThan(6);
    expect(count('PutObject') - before).toBe(1);
  }, 60_000);

  it('that is a stream and breaks is the end of its request, with its own error', async () => {
    const body = new PassThrough();
    body.write(data.subarray(0, 100_000));
    const broke = new Error('the source broke');
    setTimeout(() => body.destroy(broke), 200);
    const took = await seconds(() =>
      expect(store.put('key', { data: body, size: data.length }, noAttributes)).rejects.toMatchObject({ cause: broke }),
    );
    expect(took).toBeLessThan(5);
    await sleep(50);
    expect(handler.sockets.busy).toBe(0);
  }, 30_000);

  it('that carries a trailing checksum and breaks, too', async () => {
    const { uploadId } = await store.createUpload('key', noAttributes, 'CRC32');
    const body = new PassThrough();
    body.write(data.subarray(0, 100_000));
    setTimeout(() => body.destroy(new Error('the source broke')), 200);
    const part = { key: 'key', uploadId, number: 1, checksum: 'CRC32' } as const;
    const took = await seconds(() =>
      expect(store.uploadPart(part, { data: body, size: data.length })).rejects.toMatchObject({ name: 'Unavailable' }),
    );
    expect(took).toBeLessThan(5);
  }, 120_000);

  it('that has nothing more to send is ended', async () => {
    open({ producing: 1_000 });
    const body = new Readable({ read: () => undefined });
    body.push(data.subarray(0, 100_000));
    const what = 'TimeoutError: no byte came to be sent for 1.0 s';
    await expect(store.put('key', { data: body, size: data.length }, noAttributes)).rejects.toThrow(what);
    body.destroy();
  }, 30_000);

  it('that is refused before it was read costs neither the answer nor a socket', async () => {
    s3.fault = () => ({ kind: 'status', status: 403, code: 'AccessDenied' });
    await expect(store.put('key', { data, size: data.length }, noAttributes)).rejects.toThrow('AccessDenied');
    await sleep(50);
    expect(handler.sockets.busy).toBe(0);
  }, 30_000);
});

describe('a service that accepts connections and says nothing', () => {
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
    ['TLS', 'https:', { times: { connecting: 500 } }, 'no connection within 0.5 s'],
    ['HTTP', 'http:', { bounds: { call: { min: 700, first: 700, max: 700 } } }, 'no answer within 0.7 s'],
  ])(
    'does not hold a call by %s for ever',
    async (_name, protocol, options, message) => {
      const requestHandler = new BoundedHttpHandler({ maxSockets: 5, ...options });
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
      await sleep(50);
      expect(requestHandler.sockets).toEqual({ busy: 0, idle: 0 });
      client.destroy();
    },
    30_000,
  );

  it.each([
    ['SQS', createQueueClient],
    ['DynamoDB', createTableClient],
    ['Step Functions', createMachineClient],
    ['Systems Manager', createParameterClient],
  ])('the client of %s has the bounds', (_name, create) => {
    expect(create().config.requestHandler).toBeInstanceOf(BoundedHttpHandler);
  });
});
