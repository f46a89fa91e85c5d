import { EmulatorError } from '../errors.ts';
import { validate } from '../validate.ts';
import type { Tables } from '../dynamodb/tables.ts';
import { AwsError } from '../http/exchange.ts';
import type { ResolvedResource } from '../template/stack.ts';
import { tableProperties } from './properties.ts';

interface Description {
  readonly TableStatus: string;
  readonly KeySchema: readonly KeyPart[];
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string; readonly KeySchema: readonly KeyPart[] }[];
}

interface KeyPart {
  readonly AttributeName: string;
  readonly KeyType: string;
}

/**
 * Creates a table, or reuses the one that an earlier start left in the data directory.
 * @throws EmulatorError `InvalidInput` if the existing table has other keys; it cannot be changed into the new one
 */
export async function deployTable(resource: ResolvedResource, tables: Tables): Promise<void> {
  const what = `${resource.logicalId} (${resource.type})`;
  const properties = validate(tableProperties, resource.properties, what);
  try {
    await tables.call('CreateTable', { TableName: resource.name, ...properties });
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'ResourceInUseException') throw error;
  }
  const found = await active(resource.name, tables);
  const wanted = keySummary(properties as unknown as Omit<Description, 'TableStatus'>);
  if (keySummary(found) !== wanted) {
    throw new EmulatorError(
      'InvalidInput',
      `${what}: the data directory has a table ${resource.name} with the keys ${keySummary(found)}, ` +
        `expected ${wanted}; ` +
        'remove the data directory, or choose another one',
    );
  }
}

async function active(name: string, tables: Tables): Promise<Description> {
  for (;;) {
    const { Table } = (await tables.call('DescribeTable', { TableName: name })) as { Table: Description };
    if (Table.TableStatus === 'ACTIVE') return Table;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The keys of a table and its indexes as text, in a fixed order, for comparison. */
function keySummary(table: Omit<Description, 'TableStatus'>): string {
  const keys = (parts: readonly KeyPart[]): string =>
    parts.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`).join(', ');
  const indexes = (table.GlobalSecondaryIndexes ?? []).map((index) => `${index.IndexName} (${keys(index.KeySchema)})`);
  return [keys(table.KeySchema), ...indexes.sort()].join('; ');
}
