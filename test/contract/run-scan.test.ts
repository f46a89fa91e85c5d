import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from '@jest/globals';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { DynamoRunScan } from '../../shared/aws/dynamodb/run-scan.ts';
import type { EndsScan } from '../../shared/model/messages/payloads.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { openTable } from '../support/local-table.ts';
import { describeRunScan } from './run-scan.ts';

describeRunScan('in memory', async () => {
  const ledger = new MemoryLedger();
  return { ledger, scan: ledger.scan, close: async () => undefined };
});
describeRunScan('a DynamoDB table', async () => {
  const table = await openTable();
  const { client, name } = table;
  return { ledger: new DynamoLedger(client, name), scan: new DynamoRunScan(client, name), close: () => table.close() };
});

describe('DynamoRunScan, over several pages', () => {
  /** A table whose parts have three pages each, with one object that was copied in each page. */
  const pages = 3;
  const asked: string[] = [];
  const send = async ({ input }: { input: { Segment: number; ExclusiveStartKey?: { id: string } } }) => {
    const { Segment, ExclusiveStartKey } = input;
    const page = Number(ExclusiveStartKey?.id ?? 0) + 1;
    asked.push(`${Segment} ${page}`);
    const Items = [{ counted: 'run#put#2' }];
    return page < pages ? { Items, LastEvaluatedKey: { id: String(page) } } : { Items };
  };
  const scan = new DynamoRunScan({ send } as unknown as DynamoDBDocumentClient, 't');

  it('goes on where the last call stopped, and reads no page twice', async () => {
    let state: EndsScan | undefined;
    const sums: number[] = [];
    for (let call = 0; call < pages; call++) {
      expect(state?.done).not.toBe(true);
      state = await scan.countEnds({ task: 'task', run: 'run' }, state, { remaining: () => 0 });
      sums.push(state.ends.put);
    }
    expect(state).toMatchObject({ done: true, ends: { put: 48, bytes: 96 } });
    expect(sums).toEqual([16, 32, 48]);
    expect(new Set(asked).size).toBe(asked.length);
  });
});
