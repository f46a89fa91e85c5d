import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ListStateMachinesCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Child, temporary, type Ended } from '../support/child.ts';
import { LocalCommand } from '../support/local-command.ts';
import { until } from '../support/until.ts';

/** `npm run runs` against the deployed pipeline. */

const place = temporary();

let local: LocalCommand;
beforeAll(async () => {
  local = await LocalCommand.start(place.path, [
    { name: 'photos', source: { bucket: 'source' }, destination: { bucket: 'destination' } },
  ]);
  await local.s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'a', Body: 'xyz' }));
});
afterAll(async () => {
  expect(await local.stop()).toBe(0);
  place.remove();
});

async function runs(...options: string[]): Promise<Ended> {
  const { accessKeyId, secretAccessKey } = await local.s3.config.credentials();
  const jobs = await local.parameter('/s3-ferry/S3Ferry/queues/jobs');
  return new Child('operations/runs.ts', options, {
    AWS_ENDPOINT_URL: jobs.slice(0, jobs.indexOf('/', 'http://'.length)),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }).ended();
}

it('shows runs while they are under way and afterwards, and names what it does not know', async () => {
  expect(await runs()).toEqual({ code: 0, stdout: 'no run is recorded\n', stderr: '' });
  const { stateMachines = [] } = await local.sfn.send(new ListStateMachinesCommand({}));
  const stateMachineArn = stateMachines.find(({ name }) => /sync/i.test(name ?? ''))?.stateMachineArn;
  const start = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ task: 'photos' }) });
  const { executionArn = '' } = await local.sfn.send(start);
  const run = executionArn.split(':').at(-1) ?? '';

  let seen = '';
  await until(async () => {
    seen = (await runs('--task', 'photos', '--json')).stdout;
    return seen.includes('"state":"DONE"');
  });
  expect(JSON.parse(seen)).toMatchObject({
    ...{ stack: 'S3Ferry', task: 'photos', run, found: 1, unaccounted: 0, ends: { copied: 1, failed: 0, bytes: 3 } },
  });
  const detail = await runs('--run', run);
  expect(detail).toMatchObject({ code: 0, stderr: '' });
  expect(detail.stdout).toMatch(/^state +DONE\n/m);
  expect(detail.stdout).toMatch(/^slow copy .*: a$/m);
  expect((await runs()).stdout).toContain(`photos ${run}\n`);

  const task = await runs('--task', 'fotos');
  expect(task).toMatchObject({ code: 2, stderr: expect.stringContaining('the stack has no task "fotos"') });
  const unknown = await runs('--run', 'none');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('found "none", expected the name') });
});
