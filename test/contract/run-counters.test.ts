import { describe, expect, it } from '@jest/globals';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DynamoRunCounters } from '../../shared/aws/dynamodb/run-counters.ts';
import { noEnds } from '../../shared/model/run-ends.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { MemoryRunCounters } from '../../shared/ports/memory/run-counters.ts';
import { openTable } from '../support/local-table.ts';
import { describeRunCounters } from './run-counters.ts';

describeRunCounters('in memory', async () => ({ counters: new MemoryRunCounters(), close: async () => undefined }));
describeRunCounters('a DynamoDB table', async () => {
  const table = await openTable();
  return { counters: new DynamoRunCounters(table.client, table.name), close: () => table.close() };
});

describe('DynamoRunCounters, when a request fails', () => {
  /** Counters over a table that fails so often, with an error of this name. */
  function failing(name: string, times: number) {
    let asked = 0;
    const send = async (): Promise<object> => {
      if (asked++ < times) throw Object.assign(new Error(name), { name });
      return {};
    };
    const client = { send } as unknown as DynamoDBDocumentClient;
    return { counters: new DynamoRunCounters(client, 't', new ManualClock()), asked: () => asked };
  }

  it.each(['ProvisionedThroughputExceededException', 'ThrottlingException'])('repeats it after %s', async (name) => {
    const { counters, asked } = failing(name, 3);
    await counters.add('t', 'r', { ...noEnds, put: 1 });
    expect(asked()).toBe(4);
    const { counters: throttled } = failing(name, 4);
    await expect(throttled.add('t', 'r', { ...noEnds, put: 1 })).rejects.toMatchObject({ name: 'Throttled' });
  });

  it.each(['InternalServerError', 'TimeoutError', 'ECONNRESET'])(
    'does not repeat an addition after %s, for it may have been made',
    async (name) => {
      const { counters, asked } = failing(name, 1);
      await expect(counters.add('t', 'r', { ...noEnds, put: 1 })).rejects.not.toMatchObject({ name: 'Throttled' });
      expect(asked()).toBe(1);
    },
  );
});
