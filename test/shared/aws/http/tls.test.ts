import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LimitBounds } from '../../../../shared/aws/http/answer-limit.ts';
import { networkOf } from '../../../../shared/aws/http/connections.ts';
import { BoundedHttpHandler, type HandlerOptions } from '../../../../shared/aws/http/handler.ts';
import { usualTimes } from '../../../../shared/aws/http/overdue.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { MiB } from '../../../../shared/model/limits.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { certificate } from '../../../support/certificate.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { contextOf } from '../../../support/context.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';
import { until } from '../../../support/until.ts';

const data = bytesOf(16 * MiB);
const authorities = getCACertificates('default');

let s3: LocalS3;
let handler: BoundedHttpHandler;

/** As in handler.test.ts: limits that are short, and checked often enough for them. */
const short: LimitBounds = { min: 300, first: 300, max: 10_000 };

function open(bucket: string, options: Partial<HandlerOptions> = {}): S3ObjectStore {
  handler = new BoundedHttpHandler({ maxSockets: 50, checkEveryMillis: 50, network: networkOf({}), ...options });
  const side = { bucket, prefix: '', region: 'us-east-1', endpoint: s3.endpoint, requestPayer: false };
  return new S3ObjectStore(createS3Client(side, localKeys, handler), side);
}

async function read(store: S3ObjectStore, key: string): Promise<Buffer> {
  const opened = await store.get(objectKey(key));
  if (!opened) throw new Error(`${key} is not there`);
  return buffer(opened.body);
}

const count = (operation: string): number => s3.requests.filter((request) => request.operation === operation).length;

beforeAll(() => setDefaultCACertificates([...authorities, certificate.cert]));
afterAll(() => setDefaultCACertificates(authorities));

beforeEach(async () => {
  s3 = await startLocalS3({ tls: certificate });
  for (const bucket of ['bucket', 'copies']) s3.createBucket(bucket);
});

afterEach(async () => {
  handler.destroy();
  await s3.close();
});

describe('over TLS', () => {
  it('moves objects whole, in one request and in parts, over connections that are used again', async () => {
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
      const key = objectKey(`of ${size}`);
      await source.put(key, { data: data.subarray(0, size), size }, noAttributes);
      await transferObject(context, { task: task.name, key: objectKey(key), action: 'copy', size });
      expect((await read(destination, key)).equals(data.subarray(0, size))).toBe(true);
    }
    expect(count('UploadPart')).toBe(4);
    expect(s3.requests.length).toBeGreaterThan(20);
    expect(s3.connections).toBeLessThan(10);
  });

  it('repeats a request without an answer over another connection', async () => {
    const store = open('bucket', { bounds: { 'write over 1 MiB': short } });
    let asked = 0;
    s3.fault = ({ operation }) => (operation === 'PutObject' && asked++ === 0 ? { kind: 'no-answer' } : undefined);
    await store.put(objectKey('key'), { data, size: data.length }, noAttributes);
    expect(asked).toBe(2);
    expect(s3.connections).toBe(2);
    expect((await read(store, 'key')).equals(data)).toBe(true);
  });

  it('ends and repeats a request whose body the store does not read', async () => {
    const store = open('bucket', { times: { sending: 400 } });
    let asked = 0;
    s3.fault = ({ operation }) =>
      operation === 'PutObject' && asked++ === 0 ? { kind: 'stall-body', afterBytes: MiB } : undefined;
    const began = performance.now();
    await store.put(objectKey('key'), { data, size: data.length }, noAttributes);
    expect(performance.now() - began).toBeLessThan(usualTimes.sending / 2);
    expect(asked).toBe(2);
    expect((await read(store, 'key')).equals(data)).toBe(true);
  });

  it('does not end a request whose body the store reads slowly but steadily', async () => {
    // The whole body takes twice the limit, each step of the system's buffer (4 MiB / 3) a sixth of it.
    const store = open('bucket', { times: { sending: 2000 }, bounds: { 'write over 1 MiB': short } });
    s3.fault = ({ operation }) =>
      operation === 'PutObject' ? { kind: 'trickle-body', bytesPerSecond: 4_000_000 } : undefined;
    await store.put(objectKey('key'), { data, size: data.length }, noAttributes);
    expect(count('PutObject')).toBe(1);
  });

  it('ends a request whose stream breaks with the error of the stream, and leaves no socket', async () => {
    const store = open('bucket');
    const body = new PassThrough();
    body.write(data.subarray(0, 100_000));
    const broke = new Error('the source broke');
    setTimeout(() => body.destroy(broke), 100);
    await expect(store.put(objectKey('key'), { data: body, size: data.length }, noAttributes)).rejects.toMatchObject({
      cause: broke,
    });
    await until(() => handler.sockets.busy === 0, { every: 5 });
  });

  it('refuses a certificate of an unknown authority, and names the reason', async () => {
    setDefaultCACertificates(authorities);
    try {
      await expect(open('bucket').head(objectKey('key'))).rejects.toThrow(/self-signed certificate/);
      expect(s3.requests).toEqual([]);
    } finally {
      setDefaultCACertificates([...authorities, certificate.cert]);
    }
  });
});
