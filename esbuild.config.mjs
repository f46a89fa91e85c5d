/**
 * Bundles every folder of functions/ that has an index.ts, and the worker, into dist/<name>/index.mjs: one ES module
 * for Node 24 with the AWS SDK inside, so that what runs is what was tested. The environment variable S3_FERRY_BUNDLES names
 * another directory than dist.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { build } from 'esbuild';

const functions = readdirSync('functions').filter((name) => existsSync(`functions/${name}/index.ts`));
const entryPoints = {
  ...Object.fromEntries(functions.map((name) => [`${name}/index`, `functions/${name}/index.ts`])),
  'worker/index': 'worker/index.ts',
};

const outdir = process.env.S3_FERRY_BUNDLES ?? 'dist';

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  sourcemap: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // Packages in CommonJS inside the bundle call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});

for (const name of [...functions, 'worker']) {
  console.log(`${name.padEnd(16)} ${(statSync(`${outdir}/${name}/index.mjs`).size / 1024).toFixed(0)} KB`);
}
