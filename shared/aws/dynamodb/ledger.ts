import { GetCommand, PutCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import {
  isLastRun,
  runRecordSchema,
  type LedgerEntry,
  type OpenUpload,
  type RunRecord,
} from '../../model/ledger-entry.ts';
import { decodeCounted, encodeCounted, isLasting, type End, type EndChange } from '../../model/run-ends.ts';
import { parseWith } from '../../model/parse.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { faultOf } from '../faults.ts';
import {
  conditioned,
  countableEnd,
  entryAttributes,
  entryKeptSeconds,
  entryOfItem,
  firstOf,
  isConditionFailure,
  itemId,
  itemOf,
  lastRunId,
  runId,
  runsPartition,
  updateOf,
  withCounted,
  type CountedEnd,
  type Item,
  type Subject,
  type Update,
} from './ledger-item.ts';

/** How long announced uploads are kept: over four times as long as an upload may be idle before it is aborted. */
const announcementsKeptSeconds = 30 * 24 * 3600;
const dayMillis = 24 * 3600 * 1000;

/**
 * The ledger in one DynamoDB table. Its kinds of items are distinguished by their IDs:
 *
 * - `object#<task>#<key>`: the entry of an object. Its attributes are the fields of `ledgerEntrySchema`. One that
 *   failed, or whose copy lacks something, also has `failedTask` and `failedAt`, the keys of the sparse index `failed`,
 *   which ledger-lookup.ts reads (`indexPartitions`). `counted` says as what it was last counted, and by which run
 *   (`encodeCounted`).
 * - `run#<task>#<run>`: the record of a run. The index lists them too, in a partition of their own (`runsPartition`).
 * - `lastrun#<task>#<prefix>`: the record of the last run over a prefix that was done.
 * - `uploads#<day>#<task>#<key>`: the uploads to an object that were announced on one day. One item per day, because an
 *   item must not grow without bound.
 * - `runcount#<task>#<run>#<shard>`: the counts of a run (run-counters.ts).
 * - `active#<task>`: the task's runs that may be under way (active-runs.ts).
 *
 * Every item has `expiresAt` (seconds since the epoch), DynamoDB's time to live.
 */
export class DynamoLedger implements Ledger {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #onEnd: (change: EndChange) => void;

  /** @param onEnd called for each end of an object that changes the counts of its run, after it was written */
  constructor(client: DynamoDBDocumentClient, table: string, onEnd: (change: EndChange) => void = () => undefined) {
    this.#client = client;
    this.#table = table;
    this.#onEnd = onEnd;
  }

  async get(task: string, key: string): Promise<LedgerEntry | undefined> {
    return entryOfItem(await this.#get(itemId(task, key)), key);
  }

  async put(entry: LedgerEntry, { final } = { final: false }): Promise<void> {
    const end = final ? countableEnd(entry) : undefined;
    // Every attribute except `upload`, which stays.
    await this.#write(entry, updateOf(withCounted(itemOf(entry), end), entryAttributes), end);
  }

  async countEnd({ task, key, run }: { task: string; key: string; run: string }, end: End): Promise<void> {
    const update = {
      UpdateExpression: 'SET counted = :counted, expiresAt = if_not_exists(expiresAt, :expiry)',
      ExpressionAttributeValues: {
        ':counted': encodeCounted(run, end),
        ':expiry': Math.floor(Date.now() / 1000) + entryKeptSeconds,
      },
    };
    try {
      await this.#write({ task, key }, conditioned(update, [firstOf(run)]), { run, end });
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      // It has ended in this run before.
    }
  }

  async close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    const item = itemOf(entry);
    delete item['upload'];
    return this.#replace(entry, item, ended, countableEnd(entry));
  }

  async claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload> {
    return (await this.#replace(entry, itemOf(entry), replaces)) ?? entry.upload;
  }

  /**
   * Writes the item unless an upload other than `known` is recorded.
   * @param counting the end to count, unless the object has ended in its run before
   * @returns that upload, or undefined if the item was written
   */
  async #replace(
    entry: LedgerEntry,
    item: Item,
    known: string | undefined,
    counting?: CountedEnd,
  ): Promise<OpenUpload | undefined> {
    const conditions = [
      known === undefined
        ? { expression: 'attribute_not_exists(upload)', values: {} }
        : { expression: '(attribute_not_exists(upload) OR upload.uploadId = :known)', values: { ':known': known } },
      ...(counting && isLasting(counting.end) ? [firstOf(counting.run)] : []),
    ];
    const update = updateOf(withCounted(item, counting), [...entryAttributes, 'upload']);
    try {
      await this.#write(entry, conditioned(update, conditions), counting);
      return undefined;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      const found = await this.#get(item.id);
      const other = entryOfItem(found, entry.key)?.upload;
      if (other && other.uploadId !== known) return other;
      // If that upload ended between the two calls, the item can be written now.
      const again = counting && isLasting(decodeCounted(found?.['counted'], counting.run)) ? undefined : counting;
      return this.#replace(entry, item, known, again);
    }
  }

  /** Updates an object's item, and reports the end that it counts. @throws what the SDK throws if a condition fails */
  async #write(subject: Subject, update: Update, counting: CountedEnd | undefined): Promise<void> {
    const { task, key } = subject;
    const command = new UpdateCommand({
      TableName: this.#table,
      Key: { id: itemId(task, key) },
      ...update,
      ...(counting && { ReturnValues: 'ALL_OLD' }),
    });
    const { Attributes: old } = await this.#client.send(command).catch((error: unknown) => {
      throw isConditionFailure(error) ? error : faultOf(error, 'UpdateItem ledger');
    });
    if (!counting) return;
    const { run, end } = counting;
    const before = decodeCounted(old?.['counted'], run);
    const { startedAt, updatedAt = 0 } = subject;
    this.#onEnd({
      ...{ task, run, key, end },
      ...(before && { before }),
      ...(startedAt !== undefined && { tookMillis: Math.max(0, updatedAt - startedAt) }),
    });
  }

  async announceUpload(task: string, key: string, at: number): Promise<void> {
    const input = {
      TableName: this.#table,
      Key: { id: announcementsOf(task, key, dayOf(at)) },
      UpdateExpression: 'ADD announced :at SET expiresAt = :expiry',
      ExpressionAttributeValues: { ':at': new Set([at]), ':expiry': Math.floor(at / 1000) + announcementsKeptSeconds },
    };
    await this.#call('UpdateItem', () => this.#client.send(new UpdateCommand(input)));
  }

  async wasUploadAnnounced(task: string, key: string, from: number, to: number): Promise<boolean> {
    for (const day of new Set([dayOf(from), dayOf(to)])) {
      const item = await this.#get(announcementsOf(task, key, day));
      const { announced } = parseWith(announcementsSchema, item ?? {}, 'announced uploads', 'Unavailable');
      if ([...announced].some((at) => from <= at && at <= to)) return true;
    }
    return false;
  }

  async putRun(record: RunRecord): Promise<void> {
    const { task, run, prefix, startedAt } = record;
    const listed = { failedTask: runsPartition(task), failedAt: `${startedAt}#${run}` };
    const items = [{ id: runId(record), ...listed }, ...(isLastRun(record) ? [{ id: lastRunId(task, prefix) }] : [])];
    for (const names of items) {
      const item = { ...record, ...names, expiresAt: Math.floor(record.updatedAt / 1000) + entryKeptSeconds };
      await this.#call('PutItem', () => this.#client.send(new PutCommand({ TableName: this.#table, Item: item })));
    }
  }

  async getRun(task: string, run: string): Promise<RunRecord | undefined> {
    const item = await this.#get(runId({ task, run }));
    return item && parseWith(runRecordSchema, item, `record of run ${run}`, 'Unavailable');
  }

  async getLastRun(task: string, prefix?: string): Promise<RunRecord | undefined> {
    const item = await this.#get(lastRunId(task, prefix));
    return item && parseWith(runRecordSchema, item, `record of the last run of task ${task}`, 'Unavailable');
  }

  async #get(id: string): Promise<Record<string, unknown> | undefined> {
    const input = { TableName: this.#table, Key: { id }, ConsistentRead: true };
    const { Item } = await this.#call('GetItem', () => this.#client.send(new GetCommand(input)));
    return Item;
  }

  async #call<Result>(operation: string, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      throw faultOf(error, `${operation} ledger`);
    }
  }
}

function dayOf(at: number): number {
  return Math.floor(at / dayMillis);
}

function announcementsOf(task: string, key: string, day: number): string {
  return `uploads#${day}#${task}#${key}`;
}

const announcementsSchema = v.object({ announced: v.optional(v.set(v.number()), new Set<number>()) });
