import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { ListExecutionsCommand, ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MiB } from '../../shared/model/limits.ts';
import { temporary } from '../support/child.ts';
import { LocalCommand, pause } from '../support/local-command.ts';
import { until } from '../support/until.ts';

/** The budget of calls in the deployed pipeline: large objects wait in the queue until there is room. */

const place = temporary();
const objects = 5;

let local: LocalCommand;
beforeAll(async () => {
  const task = {
    name: 'films',
    source: { bucket: 'source' },
    // With keys of its own, so that bytes have to pass through the functions.
    destination: { bucket: 'destination', credentials: { ssmParameter: 'films-key' } },
    largeObjectThreshold: '5 MiB',
    partSize: '5 MiB',
    events: 'create',
  };
  // Three calls for the steps of uploads, and one for parts.
  const stack = { copyConcurrency: 2, concurrency: { calls: 7, finders: 1 } };
  local = await LocalCommand.start(place.path, [task], stack);
  const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
  const key = { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey };
  await local.putParameter('films-key', JSON.stringify(key));
});
afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

it('never has more uploads at once than calls for parts, and buries none of those that wait', async () => {
  const { stateMachines = [] } = await local.sfn.send(new ListStateMachinesCommand({}));
  const stateMachineArn = stateMachines.find(({ name }) => /upload/i.test(name ?? ''))?.stateMachineArn;
  const running = async (): Promise<number> => {
    const list = new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' });
    return (await local.sfn.send(list)).executions?.length ?? 0;
  };
  let most = 0;
  const watch = { done: false };
  const watching = (async () => {
    while (!watch.done) {
      most = Math.max(most, await running());
      await pause(20);
    }
  })();
  const Body = Buffer.alloc(24 * MiB, 'film');
  await Promise.all(
    Array.from({ length: objects }, (_, index) =>
      local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: `film-${index}`, Body })),
    ),
  );
  const copied = async (): Promise<number> =>
    (await local.s3.send(new ListObjectsV2Command({ Bucket: 'destination' }))).KeyCount ?? 0;
  await until(async () => (await copied()) === objects, { every: 250 });
  await until(async () => (await running()) === 0);
  watch.done = true;
  await watching;
  expect(most).toBe(1);
  expect(readFileSync(join(place.path, 'data', 'functions.log'), 'utf8')).toContain('"JobsHeld":');
  expect(await local.messages(await local.parameter('/s3-ferry/S3Ferry/queues/dead-letters'))).toBe(0);
}, 180_000);
