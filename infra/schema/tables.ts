import { formatSize } from '../../shared/model/size.ts';
import type { JsonSchema } from './json-schema.ts';
import { storesTable } from './stores-table.ts';

/** The tables of options in docs/configuration.md, by the names in its marks (`<!-- options: NAME -->`). */
export function optionTables(schema: JsonSchema): Readonly<Record<string, string>> {
  const at = (...path: readonly string[]): JsonSchema =>
    path.reduce((from, name) => from.properties?.[name] ?? {}, schema);
  const task = schema.properties?.['tasks']?.items ?? {};
  const source = task.properties?.['source'] ?? {};
  const destination = task.properties?.['destination'] ?? {};
  const ofBoth = Object.keys(source.properties ?? {});
  const kinds = schema.$defs?.['0']?.anyOf ?? [];
  return {
    task: table(task),
    side: table(source),
    stores: storesTable(),
    destination: table(destination, (name) => !ofBoth.includes(name)),
    credentials: heading + kinds.map((kind) => rows(kind, '')).join('\n'),
    stack: table(at('stack'), (name) => name !== 'worker'),
    worker: table(at('stack', 'worker')),
  };
}

const heading = '| option | values | default | meaning |\n| --- | --- | --- | --- |\n';

function table(schema: JsonSchema, wanted: (name: string) => boolean = () => true): string {
  const properties = Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => wanted(name)));
  return heading + rows({ ...schema, properties }, '');
}

/** A row for each property, and for the properties within it unless they have a table of their own. */
function rows({ properties = {}, required = [] }: JsonSchema, path: string): string {
  return Object.entries(properties)
    .flatMap(([name, schema]) => {
      const own = [
        `\`${path}${name}\``,
        valuesOf(schema),
        defaultOf(schema, required.includes(name)),
        schema.description ?? '',
      ];
      const row = `| ${own.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
      // Source and destination have tables of their own.
      const inner = schema.properties && !('bucket' in schema.properties) ? [rows(schema, `${path}${name}.`)] : [];
      return [row, ...inner];
    })
    .join('\n');
}

/** Longer lists of values are abbreviated. */
const maxListed = 10;

function valuesOf(schema: JsonSchema): string {
  if (schema.enum) {
    const all = schema.enum.map((value) => `\`${String(value)}\``);
    return all.length <= maxListed ? all.join(', ') : `${all.slice(0, 7).join(', ')}, ... ${all.at(-1)}`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (isSize(schema)) return 'size';
  if (schema.anyOf && !schema.anyOf.some(({ type }) => type === 'object')) return 'text';
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer') return `${number(schema.minimum)} to ${number(schema.maximum)}`;
  if (schema.type === 'string') return 'text';
  if (schema.type === 'array') return 'list of texts';
  return 'object';
}

function defaultOf(schema: JsonSchema, required: boolean): string {
  if (required) return 'required';
  if (schema.default === undefined || schema.default === '' || typeof schema.default === 'object') return '';
  const shown = isSize(schema)
    ? formatSize(Number(schema.default)).replace('.0 ', ' ')
    : JSON.stringify(schema.default).replaceAll('"', '');
  return `\`${shown}\``;
}

/** Bytes, as a number or in words. */
function isSize({ anyOf = [] }: JsonSchema): boolean {
  return (
    anyOf.length === 2 && anyOf.some(({ type }) => type === 'number') && anyOf.some(({ type }) => type === 'string')
  );
}

function number(value: number | undefined): string {
  return value?.toLocaleString('en-US') ?? '';
}
