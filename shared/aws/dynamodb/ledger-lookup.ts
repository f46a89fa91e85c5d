import {
  BatchGetCommand,
  QueryCommand,
  type DynamoDBDocumentClient,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { runRecordSchema, type LedgerEntry, type RunRecord } from '../../model/ledger-entry.ts';
import { lossKindsSchema } from '../../model/losses.ts';
import { Fault } from '../../model/faults.ts';
import { parseWith } from '../../model/parse.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { LedgerLookup, LossyCopy } from '../../ports/ledger-lookup.ts';
import { entryOfItem, indexPartitions, itemId, runsPartition, type Indexed } from './ledger-item.ts';
import { faultOf } from '../faults.ts';

/** DynamoDB: the most items in one BatchGetItem. */
const maxBatchItems = 100;
/** Consecutive answers that may contain none of the requested items. */
const maxAttempts = 8;
/** The wait after the first of them; it doubles with each. */
const firstWaitMillis = 50;

/** Reads many entries at once from the table that DynamoLedger writes, and its index `failed`. */
export class DynamoLedgerLookup implements LedgerLookup {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async getMany(task: string, keys: readonly string[]): Promise<Map<string, LedgerEntry>> {
    const found = new Map<string, LedgerEntry>();
    for (let from = 0; from < keys.length; from += maxBatchItems) {
      const batch = new Map(keys.slice(from, from + maxBatchItems).map((key) => [itemId(task, key), key]));
      for await (const item of this.#items([...batch.keys()])) {
        const key = batch.get(String(item['id']));
        const entry = key === undefined ? undefined : entryOfItem(item, key);
        if (key !== undefined && entry) found.set(key, entry);
      }
    }
    return found;
  }

  /** DynamoDB may answer part of a batch; the rest is requested again. */
  async *#items(ids: readonly string[]): AsyncGenerator<Record<string, unknown>> {
    let left = ids.map((id) => ({ id }));
    for (let attempt = 1; left.length > 0;) {
      const input = { RequestItems: { [this.#table]: { Keys: left, ConsistentRead: true } } };
      const answer = await this.#client.send(new BatchGetCommand(input)).catch((error: unknown) => {
        throw faultOf(error, 'BatchGetItem ledger');
      });
      yield* answer.Responses?.[this.#table] ?? [];
      const next = (answer.UnprocessedKeys?.[this.#table]?.Keys ?? []) as { id: string }[];
      if (next.length < left.length) attempt = 1;
      else if (attempt++ >= maxAttempts) {
        throw new Fault('Throttled', `BatchGetItem ledger: ${next.length} items were not read in ${maxAttempts} calls`);
      }
      left = next;
      if (left.length > 0) await this.#clock.sleep(firstWaitMillis * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }

  async *failedKeys(task: string): AsyncGenerator<string[]> {
    const prefix = itemId(task, '');
    for await (const page of this.#indexed(task, 'failed')) yield page.flatMap(({ id }) => keyIn(id, prefix));
  }

  async failedKeysOf(task: string, run: string, limit: number): Promise<string[]> {
    const prefix = itemId(task, '');
    const found: string[] = [];
    for (const partition of indexPartitions(task, 'failed')) {
      const page = await this.#query(partition, { beginning: `${run}#`, Limit: limit });
      found.push(...page.items.flatMap(({ id }) => keyIn(id, prefix)));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  async latestRuns(task: string, limit: number): Promise<RunRecord[]> {
    const { items } = await this.#query(runsPartition(task), { ScanIndexForward: false, Limit: limit });
    const records = new Map<string, RunRecord>();
    for (let from = 0; from < items.length; from += maxBatchItems) {
      const ids = items.slice(from, from + maxBatchItems).map(({ id }) => id);
      for await (const item of this.#items(ids)) {
        records.set(
          String(item['id']),
          parseWith(runRecordSchema, item, `record ${String(item['id'])}`, 'Unavailable'),
        );
      }
    }
    return items.flatMap(({ id }) => records.get(id) ?? []);
  }

  async *lossyCopies(task: string): AsyncGenerator<LossyCopy[]> {
    const prefix = itemId(task, '');
    for await (const page of this.#indexed(task, 'lossy')) {
      yield page.flatMap(({ id, at }) => {
        const [kinds = ''] = at.split('#', 1);
        const lost = v.parse(lossKindsSchema, kinds.split(','));
        return keyIn(id, prefix).map((key) => ({ key, lost }));
      });
    }
  }

  async *#indexed(task: string, kind: Indexed): AsyncGenerator<IndexedItem[]> {
    for (const partition of indexPartitions(task, kind)) yield* this.#partition(partition);
  }

  /** The items of one partition of the index. */
  async *#partition(partition: string): AsyncGenerator<IndexedItem[]> {
    let next: Record<string, unknown> | undefined;
    do {
      const page = await this.#query(partition, { ...(next && { ExclusiveStartKey: next }) });
      yield page.items;
      ({ next } = page);
    } while (next);
  }

  /** A page of a partition of the index. @param beginning what `failedAt` begins with, if only such items are wanted */
  async #query(
    partition: string,
    { beginning, ...more }: Partial<QueryCommandInput> & { readonly beginning?: string },
  ): Promise<{ items: IndexedItem[]; next: Record<string, unknown> | undefined }> {
    const begins = beginning !== undefined;
    const input = {
      TableName: this.#table,
      IndexName: 'failed',
      KeyConditionExpression: `failedTask = :task${begins ? ' AND begins_with(failedAt, :beginning)' : ''}`,
      ExpressionAttributeValues: { ':task': partition, ...(begins && { ':beginning': beginning }) },
      ...more,
    };
    const page = await this.#client.send(new QueryCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'Query ledger');
    });
    const items = (page.Items ?? []).map((item) => ({ id: String(item['id']), at: String(item['failedAt']) }));
    return { items, next: page.LastEvaluatedKey };
  }
}

/** An item of the index: its ID, and its `failedAt`. */
interface IndexedItem {
  readonly id: string;
  readonly at: string;
}

function keyIn(id: string, prefix: string): string[] {
  return id.startsWith(prefix) ? [id.slice(prefix.length)] : [];
}
