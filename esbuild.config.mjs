/**
 * Bundles every folder of functions/ that has an index.ts into <directory>/<name>/index.mjs: one ES module for
 * nodejs24.x with the AWS SDK inside, so that what runs is what was tested. What each is made of is in
 * <directory>/meta.json. Argument: the directory, by default dist.
 */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const [outdir = 'dist'] = process.argv.slice(2);
const names = readdirSync('functions').filter((name) => existsSync(`functions/${name}/index.ts`));

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: Object.fromEntries(names.map((name) => [`${name}/index`, `functions/${name}/index.ts`])),
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

for (const name of names) {
  console.log(`${name.padEnd(20)} ${(statSync(`${outdir}/${name}/index.mjs`).size / 1024).toFixed(0)} KB`);
}
