/**
 * Bundles every folder of functions/ that has an index.ts, and the worker, into <directory>/<name>/index.mjs: one ES
 * module for Node 24 that includes the AWS SDK, so that what runs is what was tested. <directory>/meta.json lists the
 * inputs of each bundle.
 *
 * Arguments: the directory, by default dist; `--source-maps` writes a map beside each bundle, for stack traces and
 * breakpoints on one machine. It changes nothing in a bundle but adds a last line that names the map.
 */
import { Buffer } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { 'source-maps': { type: 'boolean' } } });
const [outdir = 'dist'] = positionals;
const functions = readdirSync('functions').filter((name) => existsSync(`functions/${name}/index.ts`));
const entryPoints = {
  ...Object.fromEntries(functions.map((name) => [`${name}/index`, `functions/${name}/index.ts`])),
  'worker/index': 'worker/index.ts',
};

/** Maps of packages would be twenty times the size of the project's own, and Node reads them with the bundle. */
const withoutMapsOfPackages = {
  name: 'without-maps-of-packages',
  setup({ onLoad }) {
    const empty = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64');
    onLoad({ filter: /\/node_modules\/.+\.[cm]?js$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${empty}`,
      loader: 'js',
    }));
  },
};
const sourceMaps = {
  sourcemap: 'linked',
  sourcesContent: false,
  // A deployment copies each bundle and its map to another directory: sources are named from the root. Every bundle
  // lies one folder below the output, so one root fits them all.
  sourceRoot: `${pathToFileURL(resolve(outdir, 'name')).href}/`,
  plugins: [withoutMapsOfPackages],
};

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  metafile: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // Packages in CommonJS inside the bundle call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  ...(values['source-maps'] ? sourceMaps : { sourcemap: false }),
});
writeFileSync(`${outdir}/meta.json`, JSON.stringify(metafile));

for (const name of [...functions, 'worker']) {
  console.log(`${name.padEnd(20)} ${(statSync(`${outdir}/${name}/index.mjs`).size / 1024).toFixed(0)} KB`);
}
