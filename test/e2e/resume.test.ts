import { afterAll, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { localNames } from '../../local/run/settings.ts';
import { openS3Server } from '../../emulator/s3/index.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { Child, temporary } from '../support/child.ts';
import { bytesOf } from '../support/objects.ts';

/** A run that is killed in the middle of a large object, and started again over the same data. */

const place = temporary();
afterAll(() => place.remove());

const partSize = 5 * MiB;
const partCount = 24;
const size = partCount * partSize - 12_345;

/** Works on the store of a data directory while nothing else does. */
async function withStore<Result>(bucket: string, work: (store: ObjectStore) => Promise<Result>): Promise<Result> {
  const { accessKeyId, secretAccessKey } = localNames.credentials;
  const s3 = await openS3Server({
    dataDirectory: join(place.path, 's3'),
    credentials: new Map([[accessKeyId, secretAccessKey]]),
  });
  const server = createServer((request, response) => void s3.handle(request, response)).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  s3.createBucket(bucket);
  const { port } = server.address() as AddressInfo;
  const side = { bucket, prefix: '', region: 'us-east-1', endpoint: `http://127.0.0.1:${port}`, requestPayer: false };
  const client = createS3Client(side, localNames.credentials);
  try {
    return await work(new S3ObjectStore(client, side));
  } finally {
    client.destroy();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await s3.close();
  }
}

function run(delay: number): Child {
  return new Child('test/support/slow-ferry.ts', [place.path, String(20 * MiB), String(partSize), String(delay)]);
}

function partsOf(text: string): number[] {
  return [...text.matchAll(/^part ([0-9]+) of/gm)].map(([, number]) => Number(number));
}

it('sends no part again after kill -9', async () => {
  const bytes = bytesOf(size);
  // One PUT: the source has no part layout, so the parts are the task's own.
  await withStore(localNames.sourceBucket, (store) =>
    store.put(objectKey('large object'), { data: bytes, size }, { headers: {}, metadata: { kind: 'test' }, tags: {} }),
  );

  const first = run(300);
  await first.wrote(/(part [0-9]+ of[^]*){6}/);
  const killed = await first.kill('SIGKILL');
  const before = partsOf(killed.stdout);
  expect(before.length).toBeGreaterThanOrEqual(6);
  expect(before.length).toBeLessThan(partCount);
  expect(killed.stdout).not.toContain('completed');
  // Nothing partial is visible.
  expect(
    await withStore(localNames.destinationBucket, (store) => store.head(objectKey('large object'))),
  ).toBeUndefined();

  const second = await run(0).ended();
  expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: expect.anything() });
  expect(second.stdout).toContain('completed');
  const after = partsOf(second.stdout);
  // Parts whose answer was on its way when the process died may be there too: they are not sent again either.
  expect(after.filter((number) => before.includes(number))).toEqual([]);
  expect(new Set([...before, ...after]).size).toBeLessThanOrEqual(partCount);
  expect(before.length + after.length).toBeLessThanOrEqual(partCount);

  await withStore(localNames.destinationBucket, async (store) => {
    const opened = await store.get(objectKey('large object'));
    expect(opened?.info).toMatchObject({ size, metadata: { kind: 'test' } });
    const hash = createHash('sha256');
    for await (const chunk of opened!.body as AsyncIterable<Buffer>) hash.update(chunk);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});
