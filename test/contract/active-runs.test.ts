import { describe, expect, it } from '@jest/globals';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoActiveRuns } from '../../shared/aws/dynamodb/active-runs.ts';
import { SfnRunExecutions } from '../../shared/aws/sync-executions.ts';
import { MemoryActiveRuns } from '../../shared/ports/memory/active-runs.ts';
import { openTable } from '../support/local-table.ts';
import { describeActiveRuns } from './active-runs.ts';

describeActiveRuns('in memory', async () => ({ active: new MemoryActiveRuns(), close: async () => undefined }));
describeActiveRuns('a DynamoDB table', async () => {
  const table = await openTable();
  return { active: new DynamoActiveRuns(table.client, table.name), close: () => table.close() };
});

describe('SfnRunExecutions', () => {
  const own = 'arn:aws-cn:states:cn-north-1:000000000000:execution:Sync:own';
  const asked: unknown[] = [];

  /** The port over a Step Functions that gives one answer. */
  const answering = (answer: () => object): SfnRunExecutions => {
    const send = async ({ input }: { input: unknown }): Promise<object> => {
      asked.push(input);
      return answer();
    };
    return new SfnRunExecutions({ send } as unknown as SFNClient, own);
  };
  const failing = (name: string) => (): never => {
    throw Object.assign(new Error(name), { name });
  };

  it.each([
    ['RUNNING', 'running'],
    ['PENDING_REDRIVE', 'running'],
    ['SUCCEEDED', 'ended'],
    ['ABORTED', 'ended'],
    ['TIMED_OUT', 'ended'],
  ])('reads the status %s as %s, from the machine that its own execution belongs to', async (status, existence) => {
    expect(await answering(() => ({ status })).existence('other')).toBe(existence);
    expect(asked.at(-1)).toEqual({ executionArn: own.replace(/own$/, 'other') });
  });

  it('knows nothing of an execution that does not exist, and takes no other error for that', async () => {
    expect(await answering(failing('ExecutionDoesNotExist')).existence('other')).toBe('unknown');
    await expect(answering(failing('AccessDeniedException')).existence('other')).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });
});
