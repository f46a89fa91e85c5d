import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { ExecutionEnvironment } from '../emulator/aws/lambda/environment.ts';
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

describe('bundles with source maps', () => {
  const mapped = join(place.path, 'mapped');

  beforeAll(() => {
    const options = { cwd: project, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(process.execPath, ['esbuild.config.mjs', mapped, '--source-maps'], options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are those that are deployed, but for a last line that names the map', () => {
    for (const name of Object.keys(known)) {
      const deployed = readFileSync(join(bundles, name, 'index.mjs'), 'utf8');
      const here = readFileSync(join(mapped, name, 'index.mjs'), 'utf8');
      expect([name, here === `${deployed}//# sourceMappingURL=index.mjs.map\n`]).toEqual([name, true]);
    }
  });

  it('make stack traces of a function name the sources, wherever a deployment copies the bundle to', async () => {
    const moved = join(place.path, 'assembly', 'asset.1', 'code');
    cpSync(join(mapped, 'plan-sync'), moved, { recursive: true });
    const surroundings = {
      endpoint: 'http://127.0.0.1:9',
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    };
    const definition = {
      name: 'PlanSync',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:PlanSync',
      id: 'plan-sync',
      codeDirectory: moved,
      handler: 'index.handler',
      timeoutSeconds: 60,
      memoryMiB: 128,
      // It needs variables, so that its module throws.
      environment: {},
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    };
    const environment = new ExecutionEnvironment(definition, surroundings, 'threads', () => undefined);
    const result = await environment.invoke('{}');
    await environment.end();
    const trace = result.ok ? [] : (result.error.trace ?? []);
    expect(trace.filter((line) => line.includes(`${project}/functions/`))[0]).toMatch(
      /functions\/environment\.ts:\d+:\d+\)?$/,
    );
  });
});
