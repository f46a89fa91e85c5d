import { afterAll, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quotasOption } from '../../local/run/quotas.ts';
import { temporary } from '../support/child.ts';
import { failureOf } from '../support/failure.ts';

const place = temporary();
afterAll(() => place.remove());

function written(text: string): string {
  const path = join(place.path, 'quotas.json');
  writeFileSync(path, text);
  return path;
}

it('reads a quotas file, and none without the option', () => {
  expect(quotasOption(undefined)).toBeUndefined();
  expect(quotasOption(written('{"class":"new-account","factor":0.5}'))?.values).toMatchObject({
    lambdaConcurrency: 5,
    startExecutionRate: 75,
  });
});

it('names a file that cannot be read, and every wrong field', async () => {
  const failure = (path: string): Promise<Error> => failureOf(new Promise((resolve) => resolve(quotasOption(path))));
  const missing = join(place.path, 'missing.json');
  expect(await failure(missing)).toMatchObject({
    name: 'InvalidInput',
    message: expect.stringContaining(`--quotas: "${missing}" cannot be read`),
  });
  const path = written('{"class":"mars","values":{"ssmRate":-1}}');
  expect(await failure(path)).toMatchObject({
    name: 'InvalidInput',
    message: expect.stringMatching(/^quotas .*quotas\.json is not valid:\n {2}class: .*\n {2}values\.ssmRate: /),
  });
});
