import { GetCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parseWith } from '../../model/parse.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { Comparison, OpenUploads } from '../../ports/open-uploads.ts';
import { faultOf } from '../faults.ts';
import { entryKeptSeconds } from './ledger-item.ts';

const id = 'open-uploads';

const itemSchema = v.object({
  executions: v.optional(v.number(), 0),
  difference: v.optional(v.number(), 0),
});

/**
 * The counter in the ledger's table: one item, `open-uploads`. It is written twice for each execution, far below the
 * 1,000 writes a second of a partition: Step Functions starts at most some hundred executions a second.
 */
export class DynamoOpenUploads implements OpenUploads {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async admit(limit: number): Promise<boolean> {
    const condition = 'attribute_not_exists(executions) OR executions < :limit';
    const answer = await this.#update('ADD executions :one SET expiresAt = :expiry', condition, {
      ':one': 1,
      ':limit': limit,
      ':expiry': this.#expiry(),
    });
    return answer !== undefined;
  }

  async release(): Promise<void> {
    await this.#update('ADD executions :less', 'executions > :zero', { ':less': -1, ':zero': 0 });
  }

  async count(): Promise<number> {
    const { Item } = await this.#client
      .send(new GetCommand({ TableName: this.#table, Key: { id } }))
      .catch((error: unknown) => {
        throw faultOf(error, 'GetItem open uploads');
      });
    return read(Item).executions;
  }

  async beginComparison(now: number, before: number): Promise<Comparison | undefined> {
    const item = await this.#update(
      'SET comparedAt = :now, expiresAt = :expiry',
      'attribute_not_exists(comparedAt) OR comparedAt <= :before',
      { ':now': now, ':before': before, ':expiry': this.#expiry() },
    );
    if (!item) return undefined;
    const { executions, difference } = read(item);
    return { count: executions, lastDifference: difference };
  }

  async endComparison(difference: number, correction: number): Promise<void> {
    const done = await this.#update(
      'ADD executions :correction SET difference = :difference',
      'executions >= :least OR (attribute_not_exists(executions) AND :correction >= :zero)',
      { ':correction': correction, ':difference': difference, ':least': -correction, ':zero': 0 },
    );
    if (done) return;
    await this.#update('SET executions = :zero, difference = :difference', undefined, {
      ':zero': 0,
      ':difference': difference,
    });
  }

  #expiry(): number {
    return Math.floor(this.#clock.now() / 1000) + entryKeptSeconds;
  }

  /** @returns the item as it is then; undefined if the condition does not hold */
  async #update(
    UpdateExpression: string,
    ConditionExpression: string | undefined,
    ExpressionAttributeValues: Record<string, number>,
  ): Promise<Record<string, unknown> | undefined> {
    try {
      const { Attributes } = await this.#client.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: { id },
          UpdateExpression,
          ...(ConditionExpression !== undefined && { ConditionExpression }),
          ExpressionAttributeValues,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return undefined;
      throw faultOf(error, 'UpdateItem open uploads');
    }
  }
}

function read(item: Record<string, unknown> | undefined): v.InferOutput<typeof itemSchema> {
  return parseWith(itemSchema, item ?? {}, 'counter of open uploads', 'Unavailable');
}
