import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QuotaUse } from '../../emulator/aws/index.ts';
import { temporary } from '../support/child.ts';
import { LocalCommand } from '../support/local-command.ts';
import { until } from '../support/until.ts';

/** `npm run local -- --quotas FILE`, as a user runs it. */

const place = temporary();
afterAll(() => place.remove());

it('enforces the quotas of the file, and shows how far each was used', async () => {
  const quotas = join(place.path, 'quotas.json');
  writeFileSync(quotas, JSON.stringify({ class: 'other-regions', factor: 0.1, values: { ssmRate: 5 } }));
  const tasks = [
    { name: 'one', source: { bucket: 'from-bucket' }, destination: { bucket: 'into-bucket' }, events: 'create' },
  ];
  const local = await LocalCommand.start(place.path, tasks, {}, ['--quotas', quotas]);
  await local.s3.send(new PutObjectCommand({ Bucket: 'from-bucket', Key: 'k', Body: 'bytes' }));
  await until(() => local.s3.send(new GetObjectCommand({ Bucket: 'into-bucket', Key: 'k' })).catch(() => undefined));
  const endpoint = /AWS_ENDPOINT_URL=(\S+)/.exec(local.child.stdout)?.[1] ?? '';
  const uses = (await (await fetch(`${endpoint}/_quotas`)).json()) as QuotaUse[];
  expect(uses).toContainEqual(expect.objectContaining({ quota: 'lambdaConcurrency', resource: '', limit: 100 }));
  expect(uses).toContainEqual(expect.objectContaining({ quota: 'ssmRate', limit: 5 }));
  expect(await local.stop()).toBe(0);
  expect(local.child.stderr).toMatch(/^lambdaConcurrency of copy-objects: peak \d of 100 \(calls at once\)$/m);
  expect(local.child.stderr).toMatch(/^s3Writes of into-bucket\/: peak \d of 350 /m);
});
