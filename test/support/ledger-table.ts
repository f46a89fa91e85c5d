import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';

/** The ledger's table, as infra/table.ts makes it. */
export function ledgerTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['id', 'failedTask', 'failedAt'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'failed',
        KeySchema: [
          { AttributeName: 'failedTask', KeyType: 'HASH' },
          { AttributeName: 'failedAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  };
}
