import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { Fault } from '../../shared/model/faults.ts';
import { configurationJsonSchema } from './json-schema.ts';
import { metricsPage } from './metrics-table.ts';
import { storesPage, type SeenStore } from './stores-page.ts';
import { optionTables } from './tables.ts';

/**
 * `npm run schema`: writes the files that are made from the model. s3-ferry.schema.json (for editors) and the tables of
 * docs/configuration.md come from the schema of the configuration, docs/metrics.md from the table of metrics, and
 * docs/stores.md from what is known of stores and what the tests saw of them. With `--check` it writes nothing, and
 * fails if a file is not what it would write.
 */
const project = resolve(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
const schema = configurationJsonSchema();
const tables = optionTables(schema);
const guide = readFileSync(resolve(project, 'docs/configuration.md'), 'utf8');

const seenStores = JSON.parse(readFileSync(resolve(project, 'docs/results/stores.json'), 'utf8')) as Readonly<
  Record<string, SeenStore>
>;

const stale: string[] = [];
for (const [name, text] of [
  ['s3-ferry.schema.json', JSON.stringify(schema)],
  ['docs/configuration.md', withTables(guide)],
  ['docs/metrics.md', metricsPage()],
  ['docs/stores.md', storesPage(seenStores)],
] as const) {
  const path = resolve(project, name);
  const formatted = await format(text, { ...(await resolveConfig(path)), filepath: path });
  if (formatted === read(path)) continue;
  stale.push(name);
  if (!check) writeFileSync(path, formatted);
}
if (check && stale.length > 0) {
  console.error(`not what the model says: ${stale.join(', ')}; run "npm run schema"`);
  process.exitCode = 1;
}

/** The guide with new tables between `<!-- options: NAME -->` and `<!-- end -->`. */
function withTables(text: string): string {
  const missing = new Set(Object.keys(tables));
  const made = text.replace(
    /(<!-- options: (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const table = tables[name];
      if (table === undefined) throw new Fault('InvalidInput', `docs/configuration.md: there is no table "${name}"`);
      missing.delete(name);
      return `${begin}\n${table}\n\n${end}`;
    },
  );
  if (missing.size === 0) return made;
  throw new Fault('InvalidInput', `docs/configuration.md: no place for the tables ${[...missing].join(', ')}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
