import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Child, temporary, type Ended } from '../support/child.ts';
import { LocalCommand } from '../support/local-command.ts';

/** `npm run preflight` against the deployed pipeline. */

const place = temporary();
const good = { name: 'good', source: { bucket: 'source', prefix: 'in/' }, destination: { bucket: 'destination' } };
const bad = {
  name: 'bad',
  source: { bucket: 'other-source' },
  destination: { bucket: 'other-destination' },
  prefixList: 'not/there',
};

let local: LocalCommand;
beforeAll(async () => {
  local = await LocalCommand.start(place.path, [good, bad]);
  await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'in/a', Body: 'x' }));
});
afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

async function preflight(...options: string[]): Promise<Ended> {
  const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
  const jobs = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  return new Child('operations/preflight.ts', options, {
    AWS_ENDPOINT_URL: jobs.slice(0, jobs.indexOf('/', 'http://'.length)),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }).ended();
}

it('checks with the deployed functions, copies nothing, and leaves nothing', async () => {
  expect(await preflight('--task', 'good')).toMatchObject({ code: 0, stdout: 'ok      good\n', stderr: '' });
  const { Contents = [] } = await local.s3.send(new ListObjectsV2Command({ Bucket: 'destination' }));
  const { Uploads = [] } = await local.s3.send(new ListMultipartUploadsCommand({ Bucket: 'destination' }));
  expect([Contents, Uploads]).toEqual([[], []]);
});

it('says which tasks lack what, and fails', async () => {
  const { code, stdout } = await preflight('--json');
  const outcomes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { task: string; reason?: string });
  expect(code).toBe(1);
  expect(outcomes.sort((one, other) => one.task.localeCompare(other.task))).toEqual([
    {
      stack: 'S3Ferry',
      task: 'bad',
      reason: expect.stringMatching(/^InvalidInput: task bad, prefixList: .*"not\/there" does not exist;.*per line$/),
    },
    { stack: 'S3Ferry', task: 'good' },
  ]);
});

it('knows the tasks of the stack', async () => {
  expect(await preflight('--task', 'none')).toMatchObject({ code: 2, stderr: expect.stringContaining('UnknownTask') });
});
