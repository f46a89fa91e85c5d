import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectAttributes } from '../../shared/model/object.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { temporary } from '../support/child.ts';
import { keyZoo } from '../support/key-zoo.ts';
import { LocalCommand } from '../support/local-command.ts';
import { bytesOf, noAttributes } from '../support/objects.ts';
import { until } from '../support/until.ts';

/** The whole pipeline between the local endpoint and a real server, in each direction, and inside the real server. */

const { S3_ENDPOINT: endpoint = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
const parameter = '/real/store';
const realKeys = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
const run = `s3-ferry-pipeline-${Date.now().toString(36)}`;
const place = temporary();
let local: LocalCommand;
let stores: Record<'source' | 'destination' | 'first' | 'second', ObjectStore>;

const real = (bucket: string): object => ({
  bucket: `${run}-${bucket}`,
  region: 'us-east-1',
  endpoint,
  forcePathStyle: true,
  credentials: { ssmParameter: parameter },
});
const sizes = { largeObjectThreshold: '8 MiB', partSize: '5 MiB' };

beforeAll(async () => {
  local = await LocalCommand.start(place.path, [
    { name: 'to', source: { bucket: 'source' }, destination: real('first'), events: 'none', ...sizes },
    { name: 'inside', source: real('first'), destination: real('second'), events: 'none', ...sizes },
    { name: 'from', source: real('second'), destination: { bucket: 'destination' }, events: 'none', ...sizes },
  ]);
  const Value = JSON.stringify({ aws_access_key_id: AWS_ACCESS_KEY_ID, aws_secret_access_key: AWS_SECRET_ACCESS_KEY });
  await local.ssm.send(new PutParameterCommand({ Name: parameter, Value, Type: 'SecureString' }));
  const realStore = async (name: string): Promise<ObjectStore> => {
    const side = { bucket: `${run}-${name}`, prefix: '', requestPayer: false, endpoint, forcePathStyle: true };
    const client = createS3Client(side, realKeys);
    await client.send(new CreateBucketCommand({ Bucket: side.bucket }));
    return new S3ObjectStore(client, side);
  };
  const localStore = (bucket: string): ObjectStore =>
    new S3ObjectStore(local.s3, { bucket, prefix: '', requestPayer: false });
  stores = {
    source: localStore('source'),
    destination: localStore('destination'),
    first: await realStore('first'),
    second: await realStore('second'),
  };
});

afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

const tagged: ObjectAttributes = {
  headers: { contentType: 'text/x-mine', cacheControl: 'max-age=60' },
  metadata: { one: '1' },
  tags: { two: '2' },
};
const objects: ReadonlyMap<string, { bytes: Buffer; attributes: ObjectAttributes }> = new Map([
  ...keyZoo.map((key, index) => [key, { bytes: bytesOf(1000 + index, index), attributes: tagged }] as const),
  ['empty', { bytes: Buffer.alloc(0), attributes: noAttributes }],
  ['in one request', { bytes: bytesOf(6 * MiB), attributes: tagged }],
  ['large', { bytes: bytesOf(12 * MiB + 7), attributes: { ...tagged, tags: {} } }],
]);

async function countOf(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const page of store.list({ prefix: '' })) count += page.length;
  return count;
}

async function syncAndCompare(task: string, destination: ObjectStore): Promise<void> {
  expect(await local.sync({ task })).toMatchObject({ status: 'SUCCEEDED' });
  await until(async () => ((await countOf(destination)) === objects.size ? true : undefined));
  for (const [key, { bytes, attributes }] of objects) {
    const opened = await destination.get(objectKey(key));
    expect([key, opened && (await buffer(opened.body)).equals(bytes)]).toEqual([key, true]);
    const { headers, metadata } = opened!.info;
    expect([key, headers, metadata]).toEqual([key, expect.objectContaining(attributes.headers), attributes.metadata]);
    expect([key, await destination.tags(objectKey(key))]).toEqual([key, attributes.tags]);
  }
  const dead = await local.queueUrl(/Dead/i);
  expect(await local.messages(dead)).toBe(0);
  const again = await local.sync({ task, dryRun: true });
  expect(JSON.parse(again.output)).toMatchObject({ jobs: 0 });
}

describe(`the pipeline with the real server at ${endpoint}`, () => {
  it('copies to it, inside it, and from it, and finds nothing to do afterwards', async () => {
    for (const [key, { bytes, attributes }] of objects) {
      await stores.source.put(objectKey(key), { data: bytes, size: bytes.length }, attributes);
    }
    await syncAndCompare('to', stores.first);
    await syncAndCompare('inside', stores.second);
    await syncAndCompare('from', stores.destination);
  });
});
