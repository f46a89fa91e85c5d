/**
 * Bundles every folder of functions/ that has an index.ts, and the worker, into <directory>/<name>/index.mjs: one ES module
 * for Node 24 with the AWS SDK inside, so that what runs is what was tested. What each is made of is in
 * <directory>/meta.json. Argument: the directory, by default dist.
 */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const [outdir = 'dist'] = process.argv.slice(2);
const functions = readdirSync('functions').filter((name) => existsSync(`functions/${name}/index.ts`));
const entryPoints = {
  ...Object.fromEntries(functions.map((name) => [`${name}/index`, `functions/${name}/index.ts`])),
  'worker/index': 'worker/index.ts',
};

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  sourcemap: false,
  metafile: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // Packages in CommonJS inside the bundle call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
writeFileSync(`${outdir}/meta.json`, JSON.stringify(metafile));

for (const name of [...functions, 'worker']) {
  console.log(`${name.padEnd(20)} ${(statSync(`${outdir}/${name}/index.mjs`).size / 1024).toFixed(0)} KB`);
}
