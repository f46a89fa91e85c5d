import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, waitUntilTableExists, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { maxTableBodyBytes, openTables } from '../../emulator/aws/dynamodb/tables.ts';
import { serve } from '../../emulator/aws/http/serve.ts';
import { ledgerTable } from './ledger-table.ts';

/** A table on the emulator's DynamoDB. */
export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
  close(): Promise<void>;
}

/** A table like the stack's, on the emulator's DynamoDB. */
export async function openTable(): Promise<Table> {
  const directory = await mkdtemp(join(tmpdir(), 's3-ferry-contract-'));
  const tables = openTables(directory);
  const server = createServer(
    (req, res) =>
      void serve({ service: 'dynamodb', exchange: tables.exchange, limitBytes: maxTableBodyBytes, fault: undefined })(
        req,
        res,
      ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const base = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  });
  await base.send(new CreateTableCommand(ledgerTable('ledger')));
  await waitUntilTableExists({ client: base, minDelay: 1, maxWaitTime: 60 }, { TableName: 'ledger' });
  const client = DynamoDBDocumentClient.from(base, { marshallOptions: { removeUndefinedValues: true } });
  return {
    client,
    name: 'ledger',
    close: async () => {
      base.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await tables.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
