import { randomInt } from 'node:crypto';
import { GetCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parseWith } from '../../model/parse.ts';
import {
  addEnds,
  endKinds,
  noEnds,
  slowCopySchema,
  type EndKind,
  type Ends,
  type SlowCopy,
} from '../../model/run-ends.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { RunCounters, RunTotals } from '../../ports/run-counters.ts';
import { faultOf } from '../faults.ts';
import { entryKeptSeconds } from './ledger-item.ts';

/**
 * Items of a run. An item takes 1,000 writes a second (DynamoDB Developer Guide, "Burst and adaptive capacity"), and a
 * thousand functions with ten small objects each end some thousand batches a second.
 */
const shards = 16;
/** Attempts at an addition that was refused because of throttling, and the wait after the first, which doubles. */
const maxAttempts = 4;
const firstWaitMillis = 50;

/** The attribute that counts each kind of end. */
const attributes: Readonly<Record<EndKind | 'bytes', string>> = {
  put: 'put',
  multipart: 'multipart',
  'server-side copy': 'inside',
  skip: 'skip',
  delete: 'deleted',
  failed: 'failed',
  cancelled: 'cancelled',
  bytes: 'copiedBytes',
};
const names = [...endKinds, 'bytes'] as const;

const itemSchema = v.looseObject({ slowest: v.exactOptional(slowCopySchema) });

/**
 * The counts of runs in the ledger's table, in items `runcount#<task>#<run>#<shard>`. Each has the slowest copy that
 * was counted there.
 */
export class DynamoRunCounters implements RunCounters {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  /** @param client must make each request once: an addition is not idempotent */
  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async add(task: string, run: string, added: Ends, slowest?: SlowCopy): Promise<void> {
    const changed = names.filter((name) => added[name] !== 0);
    if (changed.length === 0) return;
    const key = { id: idOf(task, run, randomInt(shards)) };
    const additions = changed.map((name) => `#${attributes[name]} :${attributes[name]}`);
    const expiry = Math.floor(this.#clock.now() / 1000) + entryKeptSeconds;
    const answer = await this.#throttled(() =>
      this.#client.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: key,
          UpdateExpression: `ADD ${additions.join(', ')} SET expiresAt = :expiry`,
          ExpressionAttributeNames: Object.fromEntries(
            changed.map((name) => [`#${attributes[name]}`, attributes[name]]),
          ),
          ExpressionAttributeValues: {
            ...Object.fromEntries(changed.map((name) => [`:${attributes[name]}`, added[name]])),
            ':expiry': expiry,
          },
          ...(slowest && { ReturnValues: 'ALL_NEW' }),
        }),
      ),
    );
    const known = v.safeParse(itemSchema, answer.Attributes ?? {});
    if (!slowest || (known.success && (known.output.slowest?.tookMillis ?? -1) >= slowest.tookMillis)) return;
    await this.#noteSlowest(key, slowest);
  }

  /** Of random durations, one in a few is the longest so far, then ever fewer: some ten writes a shard in all. */
  async #noteSlowest(key: { readonly id: string }, slowest: SlowCopy): Promise<void> {
    const input = {
      TableName: this.#table,
      Key: key,
      UpdateExpression: 'SET slowest = :slowest',
      ConditionExpression: 'attribute_not_exists(slowest) OR slowest.tookMillis < :took',
      ExpressionAttributeValues: { ':slowest': slowest, ':took': slowest.tookMillis },
    };
    // The counts are there. Without this, a slow copy is not named; that is no reason to count again.
    await this.#client.send(new UpdateCommand(input)).catch(() => undefined);
  }

  /** Makes a request again that was throttled, and so had no effect. */
  async #throttled<Result>(request: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const fault = faultOf(error, 'UpdateItem run counters');
        if (fault.name !== 'Throttled' || attempt >= maxAttempts) throw fault;
        await this.#clock.sleep(firstWaitMillis * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
      }
    }
  }

  async read(task: string, run: string): Promise<RunTotals> {
    const items = await Promise.all(Array.from({ length: shards }, (_, shard) => this.#item(idOf(task, run, shard))));
    const ends = items.reduce<Ends>((sum, item) => addEnds(sum, countsIn(item)), noEnds);
    const slowest = items
      .flatMap((item) => parseWith(itemSchema, item, `counts of run ${run}`, 'Unavailable').slowest ?? [])
      .sort((a, b) => b.tookMillis - a.tookMillis);
    return { ends, slowest };
  }

  async #item(id: string): Promise<Record<string, unknown>> {
    const input = { TableName: this.#table, Key: { id }, ConsistentRead: true };
    const { Item } = await this.#throttled(() => this.#client.send(new GetCommand(input)));
    return Item ?? {};
  }
}

function countsIn(item: Record<string, unknown>): Partial<Ends> {
  return Object.fromEntries(names.map((name) => [name, Number(item[attributes[name]] ?? 0)]));
}

function idOf(task: string, run: string, shard: number): string {
  return `runcount#${task}#${run}#${shard}`;
}
