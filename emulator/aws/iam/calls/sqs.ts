import { arnOf, type Account } from '../../account.ts';
import { arnOfQueue } from '../../template/resource-types.ts';
import type { Call } from '../policy.ts';

/** Batches need the permission of the single call (SQS Developer Guide: Amazon SQS API permissions). */
const single: Readonly<Record<string, string>> = {
  SendMessageBatch: 'SendMessage',
  DeleteMessageBatch: 'DeleteMessage',
  ChangeMessageVisibilityBatch: 'ChangeMessageVisibility',
};

/**
 * What a request to SQS calls. Source: Service Authorization Reference, Actions, resources, and condition keys for
 * Amazon SQS.
 */
export function sqsCalls(operation: string, input: Readonly<Record<string, unknown>>, account: Account): Call[] {
  const named = [input['QueueUrl'], input['QueueName']].find((value) => typeof value === 'string');
  const source = typeof input['SourceArn'] === 'string' ? input['SourceArn'] : undefined;
  return [
    {
      action: `sqs:${single[operation] ?? operation}`,
      resource: named === undefined ? (source ?? arnOf(account, 'sqs', '*')) : arnOfQueue(named, account),
    },
  ];
}
