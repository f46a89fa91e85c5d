import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { project, temporary } from './support/child.ts';

/** What is deployed as code. */

const place = temporary();
const bundles = join(place.path, 'bundles');
/** Bytes of each bundle when its size was last looked at; to be changed together with what makes it grow. */
const known = JSON.parse(readFileSync(join(import.meta.dirname, 'bundle-sizes.json'), 'utf8')) as Record<
  string,
  number
>;

beforeAll(() => {
  const options = { cwd: project, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(process.execPath, ['esbuild.config.mjs', bundles], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(() => place.remove());

test('no bundle has grown by more than a fifth unnoticed', () => {
  const names = readdirSync(bundles).filter((name) => name !== 'meta.json');
  expect(names.sort()).toEqual(Object.keys(known).sort());
  for (const name of names) {
    const { size } = statSync(join(bundles, name, 'index.mjs'));
    expect([name, size / (known[name] ?? 0) <= 1.2 ? 'as known' : `${size} bytes`]).toEqual([name, 'as known']);
  }
});

test('bundles are made of functions, worker, shared and their packages: no CDK, no test, nothing local', () => {
  const { inputs } = JSON.parse(readFileSync(join(bundles, 'meta.json'), 'utf8')) as { inputs: Record<string, object> };
  const files = Object.keys(inputs);
  expect(files.filter((file) => file.startsWith('shared/')).length).toBeGreaterThan(30);
  const own = files.filter((file) => !file.startsWith('node_modules/'));
  expect(own.filter((file) => !/^(functions|worker|shared)\//.test(file))).toEqual([]);
  expect(
    files.filter((file) => /^node_modules\/(aws-cdk|constructs|cdk-nag|@jest|jest|dynalite|fauxqs)/.test(file)),
  ).toEqual([]);
  expect(files.filter((file) => file.startsWith('shared/ports/memory/'))).toEqual([]);
});
