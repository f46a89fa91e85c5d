import { toJsonSchema } from '@valibot/to-json-schema';
import { configurationSchema } from '../../shared/model/config/configuration.ts';

/** The part of JSON Schema that the configuration's schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

/**
 * The JSON Schema of the configuration file, for editors. What it cannot express (schedules, rules over several fields)
 * is checked when the file is parsed.
 */
export function configurationJsonSchema(): JsonSchema {
  const schema = toJsonSchema(configurationSchema, { typeMode: 'input', errorMode: 'ignore' });
  return { ...schema, title: 'S3 Ferry: tasks and settings' } as JsonSchema;
}
