import { GetCommand, PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parseWith } from '../../model/parse.ts';
import type { ActiveList, ActiveRun, ActiveRuns } from '../../ports/active-runs.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import { faultOf } from '../faults.ts';
import { entryKeptSeconds } from './ledger-item.ts';

const listSchema = v.object({
  runs: v.array(v.object({ run: v.string(), prefix: v.string(), admittedAt: v.number() })),
  version: v.number(),
});

/** The lists of runs in the ledger's table: one item per task, `active#<task>`. */
export class DynamoActiveRuns implements ActiveRuns {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async read(task: string): Promise<ActiveList> {
    const input = { TableName: this.#table, Key: { id: idOf(task) }, ConsistentRead: true };
    const { Item } = await this.#client.send(new GetCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'GetItem active runs');
    });
    return Item
      ? parseWith(listSchema, Item, `list of the active runs of task ${task}`, 'Unavailable')
      : { runs: [], version: 0 };
  }

  async replace(task: string, runs: readonly ActiveRun[], version: number): Promise<boolean> {
    const expiresAt = Math.floor(this.#clock.now() / 1000) + entryKeptSeconds;
    const input = {
      TableName: this.#table,
      Item: { id: idOf(task), runs, version: version + 1, expiresAt },
      ConditionExpression: version === 0 ? 'attribute_not_exists(id)' : '#version = :version',
      ...(version > 0 && {
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': version },
      }),
    };
    try {
      await this.#client.send(new PutCommand(input));
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
      throw faultOf(error, 'PutItem active runs');
    }
  }
}

function idOf(task: string): string {
  return `active#${task}`;
}
