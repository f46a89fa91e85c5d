import { arnOf, type Account } from '../../account.ts';
import type { Call } from '../policy.ts';

/**
 * What a request to DynamoDB calls: on a table, on an index, or in a batch on several tables. Source: Service
 * Authorization Reference, Actions, resources, and condition keys for Amazon DynamoDB.
 */
export function dynamodbCalls(operation: string, input: Readonly<Record<string, unknown>>, account: Account): Call[] {
  const action = `dynamodb:${operation}`;
  const arn = (table: string): string =>
    table.startsWith('arn:') ? table : arnOf(account, 'dynamodb', `table/${table}`);
  const { TableName: table, IndexName: index, RequestItems: batch } = input;
  if (typeof batch === 'object' && batch !== null) {
    return Object.keys(batch).map((name) => ({ action, resource: arn(name) }));
  }
  if (typeof table !== 'string') return [{ action, resource: '*' }];
  return [{ action, resource: typeof index === 'string' ? `${arn(table)}/index/${index}` : arn(table) }];
}
