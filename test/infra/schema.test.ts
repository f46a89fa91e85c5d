import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { configurationJsonSchema, type JsonSchema } from '../../infra/schema/json-schema.ts';
import { optionTables } from '../../infra/schema/tables.ts';
import { parseConfiguration } from '../../shared/model/config/configuration.ts';
import { parseTask } from '../../shared/model/config/task.ts';

const project = resolve(import.meta.dirname, '../..');
const schema = configurationJsonSchema();
const read = (name: string): string => readFileSync(resolve(project, name), 'utf8');

describe('files made from the model', () => {
  it('are what "npm run schema" writes', () => {
    const { status, stderr } = spawnSync(process.execPath, ['infra/schema/write.ts', '--check'], {
      cwd: project,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('describe every option', () => {
    const silent: string[] = [];
    const look = (one: JsonSchema, path: string): void => {
      for (const [name, property] of Object.entries(one.properties ?? {})) {
        // The variants of `encryption` are described at the option itself.
        if (property.description === undefined && !path.endsWith('.encryption')) silent.push(`${path}.${name}`);
        look(property, `${path}.${name}`);
      }
      for (const variant of [...(one.anyOf ?? []), ...(one.oneOf ?? [])]) look(variant, path);
      if (one.items) look(one.items, path);
    };
    look(schema, '');
    for (const [name, one] of Object.entries(schema.$defs ?? {})) look(one, `$defs.${name}`);
    expect(silent.filter((path) => path !== '.stack.worker')).toEqual([]);
  });

  it('make an editor reject what parsing rejects, where a JSON Schema can express it', () => {
    const task = schema.properties?.['tasks']?.items;
    expect(schema.required).toEqual(['tasks']);
    expect(task?.required).toEqual(['name', 'source', 'destination']);
    expect(JSON.stringify(schema).match(/"additionalProperties":false/g)?.length).toBeGreaterThanOrEqual(11);
    expect(task?.properties?.['partSize']).toMatchObject({ anyOf: [{ type: 'number' }, { type: 'string' }] });
    const kinds = schema.$defs?.['0']?.anyOf?.map(({ required }) => required?.join());
    expect(kinds).toEqual(['ssmParameter', 'secretArn', 'roleArn', 'webIdentity', 'anonymous']);
  });

  it('have well-formed tables', () => {
    for (const [name, table] of Object.entries(optionTables(schema))) {
      const widths = table.split('\n').map((row) => row.replaceAll('\\|', '').split('|').length);
      expect([name, [...new Set(widths)]]).toEqual([name, [6]]);
      expect(table).not.toContain('[object');
      expect(table).not.toContain('undefined');
    }
  });
});

describe('example configurations', () => {
  it('include one in the project that is valid and names the schema', () => {
    const text = read('s3-ferry.config.json');
    expect(parseConfiguration(text, 'example').tasks).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ $schema: './s3-ferry.schema.json' });
  });

  it('in the documentation are valid', () => {
    const blocks = [...read('docs/configuration.md').matchAll(/```json\n([^]*?)```/g)].map(([, text = '']) => text);
    let parsed = 0;
    for (const text of blocks) {
      const value = JSON.parse(text) as Record<string, unknown>;
      if ('Statement' in value) continue;
      parsed += 1;
      if ('tasks' in value) {
        parseConfiguration(text, 'docs/configuration.md');
        continue;
      }
      // A side, or the credentials of one.
      const sides = 'credentials' in value ? { source: { bucket: 'one', ...value } } : value;
      const task = { name: 'n', source: { bucket: 'one' }, destination: { bucket: 'two' }, ...sides };
      parseTask(JSON.stringify(task), text);
    }
    expect(parsed).toBe(9);
  });
});
