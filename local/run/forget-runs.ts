import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Emulator } from '../../emulator/aws/index.ts';
import { DynamoActiveRuns } from '../../shared/aws/dynamodb/active-runs.ts';
import { localNames } from './settings.ts';

/**
 * Empties the lists of runs that an earlier process admitted. The ledger outlives the process, its executions do not:
 * an execution that is not found would count as running for five minutes (docs/decisions, "A run in the way is asked
 * for"). On AWS executions do not vanish.
 */
export async function forgetRuns(
  { endpoint, region, outputs }: Pick<Emulator, 'endpoint' | 'region' | 'outputs'>,
  tasks: readonly { readonly name: string }[],
): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region, credentials: localNames.credentials });
  const lists = new DynamoActiveRuns(DynamoDBDocumentClient.from(client), outputs['LedgerTable'] ?? '');
  for (const { name } of tasks) {
    const { runs, version } = await lists.read(name);
    if (runs.length > 0) await lists.replace(name, [], version);
  }
  client.destroy();
}
