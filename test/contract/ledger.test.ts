import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { QueryCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { indexPartitions } from '../../shared/aws/dynamodb/ledger-item.ts';
import { DynamoLedgerLookup } from '../../shared/aws/dynamodb/ledger-lookup.ts';
import type { EndChange } from '../../shared/model/run-ends.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { describeLedger, type LedgerSubject } from './ledger.ts';
import { describeLedgerLookup } from './ledger-lookup.ts';
import { openTable, type Table } from '../support/local-table.ts';

const subjects: readonly (readonly [string, () => Promise<LedgerSubject>])[] = [
  [
    'in memory',
    async () => {
      const ends: EndChange[] = [];
      const ledger = new MemoryLedger(undefined, (change) => ends.push(change));
      return { ledger, lookup: ledger, ends: () => ends.splice(0), close: async () => undefined };
    },
  ],
  [
    'a DynamoDB table',
    async () => {
      const table = await openTable();
      const ends: EndChange[] = [];
      return {
        ledger: new DynamoLedger(table.client, table.name, (change) => ends.push(change)),
        ends: () => ends.splice(0),
        lookup: new DynamoLedgerLookup(table.client, table.name),
        close: () => table.close(),
      };
    },
  ],
];
for (const [name, open] of subjects) {
  describeLedger(name, open);
  describeLedgerLookup(name, open);
}

describe('the index `failed` of DynamoLedger', () => {
  let table: Table;
  beforeAll(async () => {
    table = await openTable();
  });
  afterAll(() => table.close());

  /** The IDs in one partition. */
  async function listed(partition: string): Promise<AttributeValue[]> {
    const answer = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        IndexName: 'failed',
        KeyConditionExpression: 'failedTask = :task',
        ExpressionAttributeValues: { ':task': partition },
      }),
    );
    return (answer.Items ?? []).map((item) => item['id'] as AttributeValue);
  }

  async function failed(task: string): Promise<string[]> {
    const lookup = new DynamoLedgerLookup(table.client, table.name);
    const keys: string[] = [];
    for await (const page of lookup.failedKeys(task)) keys.push(...page);
    return keys.sort();
  }

  it('lists the objects of a task while they fail', async () => {
    const ledger = new DynamoLedger(table.client, table.name);
    const entry = { task: 'task', key: 'k', run: 'run-1', updatedAt: 1_700_000_000_000 };
    await ledger.put({ ...entry, status: 'FAILED' });
    await ledger.put({ ...entry, key: 'good', status: 'DONE' });
    expect(await failed('task')).toEqual(['k']);
    await ledger.put({ ...entry, status: 'STARTED' });
    expect(await failed('task')).toEqual([]);
    await ledger.put({ ...entry, status: 'FAILED' });
    await ledger.close({ ...entry, status: 'DONE' });
    expect(await failed('task')).toEqual([]);
  });

  it('spreads failures over partitions, none of which is hot', async () => {
    const ledger = new DynamoLedger(table.client, table.name);
    const keys = Array.from({ length: 320 }, (_, index) => `photos/${String(index).padStart(8, '0')}.jpg`);
    for (const key of keys) await ledger.put({ task: 'many', key, status: 'FAILED', updatedAt: 1 });
    const sizes = await Promise.all(
      indexPartitions('many', 'failed').map(async (partition) => (await listed(partition)).length),
    );
    // The first is that of former versions.
    expect(sizes[0]).toBe(0);
    expect(Math.max(...sizes)).toBeLessThan(3 * (keys.length / 16));
    expect(await failed('many')).toEqual(keys);
  });

  it('still lists what former versions wrote, and moves it with the next write', async () => {
    const { PutCommand } = await import('@aws-sdk/lib-dynamodb');
    const ledger = new DynamoLedger(table.client, table.name);
    const old = { id: 'object#old#k', task: 'old', key: 'k', status: 'FAILED', updatedAt: 1, expiresAt: 4_000_000_000 };
    const Item = { ...old, failedTask: 'old', failedAt: 'run-1#2026-11-01T00:00:00.000Z' };
    await table.client.send(new PutCommand({ TableName: table.name, Item }));
    await ledger.put({ task: 'old', key: 'new', status: 'FAILED', updatedAt: 2 });
    expect(await failed('old')).toEqual(['k', 'new']);
    await ledger.put({ task: 'old', key: 'k', status: 'FAILED', updatedAt: 3 });
    expect(await failed('old')).toEqual(['k', 'new']);
    expect(await listed('old')).toEqual([]);
    await ledger.put({ task: 'old', key: 'k', status: 'DONE', updatedAt: 4 });
    expect(await failed('old')).toEqual(['new']);
  });

  it('rejects an entry that it cannot read, naming the field', async () => {
    const { PutCommand } = await import('@aws-sdk/lib-dynamodb');
    await table.client.send(
      new PutCommand({
        TableName: table.name,
        Item: { id: 'object#task#bad', task: 'task', key: 'bad', status: 'ODD' },
      }),
    );
    await expect(new DynamoLedger(table.client, table.name).get('task', 'bad')).rejects.toMatchObject({
      name: 'Unavailable',
      message: expect.stringContaining('status: found "ODD"'),
    });
    await expect(new DynamoLedger(table.client, 'missing').get('task', 'k')).rejects.toMatchObject({
      message: expect.stringContaining('ResourceNotFoundException'),
    });
  });
});

describe('DynamoLedgerLookup, when a batch is read in part', () => {
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);

  /** A table that answers each call with so many of the items, and leaves the rest unprocessed. */
  function partial(answers: readonly number[]): { lookup: DynamoLedgerLookup; asked: number[]; clock: ManualClock } {
    const asked: number[] = [];
    const clock = new ManualClock(0);
    const send = async (command: { input: { RequestItems: { t: { Keys: { id: string }[] } } } }): Promise<object> => {
      const { Keys } = command.input.RequestItems.t;
      asked.push(Keys.length);
      const count = answers[asked.length - 1] ?? answers.at(-1) ?? 0;
      const items = Keys.slice(0, count).map(({ id }) => ({
        ...{ id, task: 'task', key: id.slice('object#task#'.length), status: 'DONE', updatedAt: 1 },
      }));
      return { Responses: { t: items }, UnprocessedKeys: { t: { Keys: Keys.slice(count) } } };
    };
    const client = { send } as unknown as DynamoDBDocumentClient;
    return { lookup: new DynamoLedgerLookup(client, 't', clock), asked, clock };
  }

  it('requests the rest again, after a wait', async () => {
    const { lookup, asked, clock } = partial([60, 0, 30, 10]);
    expect((await lookup.getMany('task', keys)).size).toBe(100);
    expect(asked).toEqual([100, 40, 40, 10]);
    expect(clock.now()).toBeGreaterThan(0);
  });

  it('throws if nothing more comes', async () => {
    const { lookup, asked } = partial([60, 0]);
    await expect(lookup.getMany('task', keys)).rejects.toMatchObject({ name: 'Throttled' });
    expect(asked).toHaveLength(9);
  });
});
