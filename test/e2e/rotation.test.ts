import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { MiB } from '../../shared/model/limits.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../support/local-s3.ts';
import { temporary } from '../support/child.ts';
import { until } from '../support/until.ts';
import { LocalCommand } from '../support/local-command.ts';
import { bytesOf } from '../support/objects.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/** The other side's keys are changed in Parameter Store and at its store while a run is under way. */

const place = temporary();
const parameter = '/other/side';
let other: LocalS3;
let local: LocalCommand;

/** New keys in Parameter Store and, at the same moment, none but these at the store (and those of the test itself). */
async function rotate(name: string): Promise<void> {
  const Value = JSON.stringify({ aws_access_key_id: name, aws_secret_access_key: `secret-of-${name}` });
  await local.ssm.send(new PutParameterCommand({ Name: parameter, Value, Type: 'SecureString', Overwrite: true }));
  for (const old of other.keys.keys()) if (old !== localKeys.accessKeyId) other.keys.delete(old);
  other.keys.set(name, `secret-of-${name}`);
}

beforeAll(async () => {
  other = await startLocalS3();
  other.createBucket('mirror');
  const destination = {
    bucket: 'mirror',
    region: 'us-east-1',
    endpoint: other.endpoint,
    forcePathStyle: true,
    credentials: { ssmParameter: parameter },
  };
  local = await LocalCommand.start(place.path, [
    { name: 'abroad', source: { bucket: 'source' }, destination, largeObjectThreshold: '6 MiB', partSize: '5 MiB' },
  ]);
});

afterAll(async () => {
  expect(await local.stop()).toBe(0);
  await other.close();
  place.remove();
});

it('a rotation in the middle of a run fails no job', async () => {
  const objects = new Map<string, Buffer>();
  for (let index = 0; index < 60; index++) objects.set(`small-${index}`, bytesOf(1000, index));
  objects.set('large', bytesOf(22 * MiB));
  for (const [Key, Body] of objects) await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key, Body }));
  await rotate('first');

  // From here on the store itself says when: after some objects, and again when parts of the large one have come.
  const due: [string, () => boolean][] = [
    ['second', () => count('PutObject') >= 15],
    ['third', () => count('UploadPart') >= 2],
  ];
  const count = (operation: string): number =>
    other.requests.filter((request) => request.operation === operation && request.status === 200).length;
  const rotations: Promise<void>[] = [];
  other.fault = () => {
    const next = due[0];
    if (next?.[1]() === true) {
      due.shift();
      rotations.push(rotate(next[0]));
    }
    return undefined;
  };

  expect(await local.sync({ task: 'abroad' })).toMatchObject({ status: 'SUCCEEDED' });
  const side = { bucket: 'mirror', prefix: '', requestPayer: false, endpoint: other.endpoint, forcePathStyle: true };
  const mirror = new S3ObjectStore(createS3Client(side, localKeys), side);
  await until(async () => {
    const { value: page = [] } = (await mirror.list({ prefix: '' }).next()) as { value?: unknown[] };
    return page.length === objects.size ? page : undefined;
  });
  await Promise.all(rotations);
  expect({ due, rotations: rotations.length }).toEqual({ due: [], rotations: 2 });
  // Calls were refused, and nothing came of it: nothing failed, nothing is in the queues.
  expect(other.requests.filter(({ status }) => status === 403).length).toBeGreaterThan(0);
  for (const [key, bytes] of objects) {
    const opened = await mirror.get(objectKey(key));
    expect([key, opened && (await buffer(opened.body)).equals(bytes)]).toEqual([key, true]);
  }
  expect(readFileSync(join(place.path, 'data', 'functions.log'), 'utf8')).not.toMatch(
    /"level":"(WARN|ERROR)"|AccessDenied/,
  );
  for (const name of [/Jobs/i, /Dead/i]) {
    const QueueUrl = await local.queueUrl(name);
    await until(async () => {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
      const input = { QueueUrl, AttributeNames: [...names] };
      const { Attributes = {} } = await local.sqs.send(new GetQueueAttributesCommand(input));
      return names.every((attribute) => Attributes[attribute] === '0') ? true : undefined;
    });
  }
}, 60_000);
