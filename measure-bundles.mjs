/**
 * Prints how long each bundle in dist takes to initialize: the median of a few fresh processes that import it, without
 * the start of Node itself. A function's cold start is this plus Lambda's own share.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';

const rounds = 5;
const script = `
  const started = performance.now();
  await import(process.argv[1]);
  console.log(performance.now() - started);
  process.exit(0);
`;

for (const name of readdirSync('dist').filter((entry) => existsSync(`functions/${entry}/environment.ts`))) {
  const { environmentKeys } = await import(`./functions/${name}/environment.ts`);
  const own = Object.fromEntries(environmentKeys.map((key) => [key, 'none']));
  const env = { ...process.env, AWS_REGION: 'us-east-1', ...own };
  const times = Array.from({ length: rounds }, () => {
    const options = ['--input-type=module', '--eval', script, resolve('dist', name, 'index.mjs')];
    const { stdout, stderr, status } = spawnSync(process.execPath, options, { encoding: 'utf8', env });
    if (status !== 0) throw new Error(`${name} does not initialize: ${stderr}`);
    return Number(stdout);
  });
  const median = times.sort((a, b) => a - b)[Math.floor(rounds / 2)];
  console.log(`${name.padEnd(20)} ${median?.toFixed(0)} ms to initialize`);
}
