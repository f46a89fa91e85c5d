import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it } from '@jest/globals';
import { DynamoOpenUploads } from '../../shared/aws/dynamodb/open-uploads.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { MemoryOpenUploads } from '../../shared/ports/memory/open-uploads.ts';
import { openTable } from '../support/local-table.ts';
import { describeOpenUploads } from './open-uploads.ts';

describeOpenUploads('in memory', async () => ({ open: new MemoryOpenUploads(), close: async () => undefined }));
describeOpenUploads('a DynamoDB table', async () => {
  const table = await openTable();
  return { open: new DynamoOpenUploads(table.client, table.name), close: () => table.close() };
});

it('can be corrected before the first execution, and expires a year after its last one', async () => {
  const table = await openTable();
  const clock = new ManualClock();
  const open = new DynamoOpenUploads(table.client, table.name, clock);
  await open.endComparison(-1, -1);
  expect(await open.count()).toBe(0);
  await open.endComparison(2, 2);
  expect(await open.count()).toBe(2);
  await open.admit(9);
  const { Item } = await table.client.send(new GetCommand({ TableName: table.name, Key: { id: 'open-uploads' } }));
  expect(Item).toMatchObject({ executions: 3, expiresAt: Math.floor(clock.now() / 1000) + 365 * 24 * 3600 });
  await table.close();
});
