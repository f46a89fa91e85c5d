import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LimitBounds } from '../../../../shared/aws/http/answer-limit.ts';
import { BoundedHttpHandler } from '../../../../shared/aws/http/handler.ts';
import type { Times } from '../../../../shared/aws/http/overdue.ts';
import { requestKinds } from '../../../../shared/aws/http/request.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { MiB } from '../../../../shared/model/limits.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { certificate } from '../../../support/certificate.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { contextOf } from '../../../support/context.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';

const data = bytesOf(16 * MiB);
const authorities = getCACertificates('default');

let s3: LocalS3;
let handler: BoundedHttpHandler;

function open(
  bucket: string,
  times: Partial<Times> = {},
  large: LimitBounds = requestKinds['write over 1 MiB'],
): S3ObjectStore {
  handler = new BoundedHttpHandler({ maxSockets: 50, times, bounds: { 'write over 1 MiB': large } });
  const side = { bucket, prefix: '', region: 'us-east-1', endpoint: s3.endpoint, requestPayer: false };
  return new S3ObjectStore(createS3Client(side, localKeys, handler), side);
}

async function read(store: S3ObjectStore, key: string): Promise<Buffer> {
  const opened = await store.get(key);
  if (!opened) throw new Error(`${key} is not there`);
  return buffer(opened.body);
}

const count = (operation: string): number => s3.requests.filter((request) => request.operation === operation).length;

beforeAll(() => setDefaultCACertificates([...authorities, certificate.cert]));
afterAll(() => setDefaultCACertificates(authorities));

beforeEach(async () => {
  s3 = await startLocalS3(true);
  for (const bucket of ['bucket', 'copies']) s3.createBucket(bucket);
});

afterEach(async () => {
  handler.destroy();
  await s3.close();
});

describe('over TLS', () => {
  it('objects arrive whole, in one piece and in parts, over connections that are used again', async () => {
    const task = parseTask(
      JSON.stringify({
        name: 'secure',
        source: { bucket: 'bucket', endpoint: s3.endpoint },
        destination: { bucket: 'copies', endpoint: s3.endpoint },
        largeObjectThreshold: 5 * MiB,
        partSize: 5 * MiB,
        serverSideCopy: 'never',
      }),
      'task',
    );
    const [source, destination] = [open('bucket'), open('copies')];
    const context = contextOf(task, source, destination);
    const sizes = [0, 1, 300_000, 16 * MiB];
    for (const size of sizes) {
      const key = `of ${size}`;
      await source.put(key, { data: data.subarray(0, size), size }, noAttributes);
      await transferObject(context, { task: task.name, key, action: 'copy', size });
      expect((await read(destination, key)).equals(data.subarray(0, size))).toBe(true);
    }
    expect(count('UploadPart')).toBe(4);
    expect(s3.requests.length).toBeGreaterThan(20);
    expect(s3.connections).toBeLessThan(10);
  }, 60_000);

  it('an answer that never comes is asked for again over another connection', async () => {
    const store = open('bucket', {}, { min: 1_000, first: 1_000, max: 10_000 });
    let asked = 0;
    s3.fault = ({ operation }) => (operation === 'PutObject' && asked++ === 0 ? { kind: 'no-answer' } : undefined);
    await store.put('key', { data, size: data.length }, noAttributes);
    expect(asked).toBe(2);
    expect(s3.connections).toBe(2);
    expect((await read(store, 'key')).equals(data)).toBe(true);
  }, 60_000);

  it('a body that nobody takes is ended and sent again', async () => {
    const store = open('bucket', { sending: 1_500 });
    let asked = 0;
    s3.fault = ({ operation }) =>
      operation === 'PutObject' && asked++ === 0 ? { kind: 'stall-body', afterBytes: MiB } : undefined;
    const began = performance.now();
    await store.put('key', { data, size: data.length }, noAttributes);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(asked).toBe(2);
    expect((await read(store, 'key')).equals(data)).toBe(true);
  }, 60_000);

  it('a body that is taken slowly, but steadily, is not ended', async () => {
    const store = open('bucket', { sending: 1_200 }, { min: 1_000, first: 30_000, max: 240_000 });
    s3.fault = ({ operation }) =>
      operation === 'PutObject' ? { kind: 'trickle-body', bytesPerSecond: 2_000_000 } : undefined;
    await store.put('key', { data, size: data.length }, noAttributes);
    expect(count('PutObject')).toBe(1);
  }, 60_000);

  it('a stream that breaks ends its request, with its own error, and leaves no socket', async () => {
    const store = open('bucket');
    const body = new PassThrough();
    body.write(data.subarray(0, 100_000));
    const broke = new Error('the source broke');
    setTimeout(() => body.destroy(broke), 200);
    await expect(store.put('key', { data: body, size: data.length }, noAttributes)).rejects.toMatchObject({
      cause: broke,
    });
    await sleep(50);
    expect(handler.sockets.busy).toBe(0);
  }, 30_000);

  it('a certificate that nobody vouches for is refused, and says so', async () => {
    setDefaultCACertificates(authorities);
    try {
      await expect(open('bucket').head('key')).rejects.toThrow(/self-signed certificate/);
      expect(s3.requests).toEqual([]);
    } finally {
      setDefaultCACertificates([...authorities, certificate.cert]);
    }
  }, 60_000);
});
