import { createHash } from 'node:crypto';
import { GetCommand, PutCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import {
  isLastRun,
  ledgerEntrySchema,
  runRecordSchema,
  type LedgerEntry,
  type OpenUpload,
  type RunRecord,
} from '../../model/ledger-entry.ts';
import { quoted } from '../../model/text.ts';
import { parseWith } from '../../model/parse.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { faultOf } from '../faults.ts';

/** How long an entry is kept after its last change: a year, far longer than anything is resumed. */
export const entryKeptSeconds = 365 * 24 * 3600;
/** How long announced uploads are kept: over four times as long as an upload may be idle before it is aborted. */
const announcementsKeptSeconds = 30 * 24 * 3600;
const dayMillis = 24 * 3600 * 1000;

/**
 * The ledger in one DynamoDB table. Its kinds of items are distinguished by their IDs:
 *
 * - `object#<task>#<key>`: the entry of an object. Its attributes are the fields of `ledgerEntrySchema`. One that
 *   failed, or whose copy lacks something, also has `failedTask` and `failedAt`, the keys of the sparse index `failed`,
 *   which ledger-lookup.ts reads (`indexPartitions`).
 * - `run#<task>#<run>`: the record of a run.
 * - `lastrun#<task>#<prefix>`: the record of the last run over a prefix that was done.
 * - `uploads#<day>#<task>#<key>`: the uploads to an object that were announced on one day. One item per day, because an
 *   item must not grow without bound.
 * - `active#<task>`: the task's runs that may be under way (active-runs.ts).
 *
 * Every item has `expiresAt` (seconds since the epoch), DynamoDB's time to live.
 */
export class DynamoLedger implements Ledger {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async get(task: string, key: string): Promise<LedgerEntry | undefined> {
    const item = await this.#get(itemId(task, key));
    return item && entryOfItem(item, key);
  }

  async put(entry: LedgerEntry): Promise<void> {
    const item = itemOf(entry);
    // Sets or removes every attribute except `upload`, which stays.
    const { id } = item;
    const update = updateOf(item, entryAttributes);
    await this.#call('UpdateItem', () =>
      this.#client.send(new UpdateCommand({ TableName: this.#table, Key: { id }, ...update })),
    );
  }

  async close(entry: LedgerEntry, ended?: string): Promise<OpenUpload | undefined> {
    const item = itemOf(entry);
    delete item['upload'];
    return this.#replace(entry, item, ended);
  }

  async claimUpload(entry: LedgerEntry & { readonly upload: OpenUpload }, replaces?: string): Promise<OpenUpload> {
    return (await this.#replace(entry, itemOf(entry), replaces)) ?? entry.upload;
  }

  /**
   * Writes the item unless an upload other than `known` is recorded.
   * @returns that upload, or undefined if the item was written
   */
  async #replace(entry: LedgerEntry, item: Item, known: string | undefined): Promise<OpenUpload | undefined> {
    const input = {
      TableName: this.#table,
      Item: item,
      ConditionExpression:
        known === undefined
          ? 'attribute_not_exists(upload)'
          : 'attribute_not_exists(upload) OR upload.uploadId = :known',
      ...(known !== undefined && { ExpressionAttributeValues: { ':known': known } }),
    };
    try {
      await this.#client.send(new PutCommand(input));
      return undefined;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException') {
        throw faultOf(error, 'PutItem ledger');
      }
      const other = await this.get(entry.task, entry.key);
      // If that upload ended between the two calls, the item can be written now.
      return other?.upload ?? this.#replace(entry, item, known);
    }
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
    const ids = [runId(record), ...(isLastRun(record) ? [lastRunId(record.task, record.prefix)] : [])];
    for (const id of ids) {
      const item = { ...record, id, expiresAt: Math.floor(record.updatedAt / 1000) + entryKeptSeconds };
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

/** The ID of an object's item. */
export function itemId(task: string, key: string): string {
  return `object#${task}#${key}`;
}

/** The entry in an object's item. @throws Fault `Unavailable` naming the field if the item is not an entry */
export function entryOfItem(item: Record<string, unknown>, key: string): LedgerEntry {
  return parseWith(ledgerEntrySchema, item, `ledger entry of ${quoted(key)}`, 'Unavailable');
}

function runId({ task, run }: Pick<RunRecord, 'task' | 'run'>): string {
  return `run#${task}#${run}`;
}

function lastRunId(task: string, prefix = ''): string {
  return `lastrun#${task}#${prefix}`;
}

function dayOf(at: number): number {
  return Math.floor(at / dayMillis);
}

function announcementsOf(task: string, key: string, day: number): string {
  return `uploads#${day}#${task}#${key}`;
}

const announcementsSchema = v.object({ announced: v.optional(v.set(v.number()), new Set<number>()) });

/** Every attribute that an update sets or removes. */
const entryAttributes = [
  ...Object.keys(ledgerEntrySchema.entries).filter((name) => name !== 'upload'),
  'expiresAt',
  'failedTask',
  'failedAt',
];

type Item = Record<string, unknown> & { readonly id: string };

function itemOf(entry: LedgerEntry): Item {
  const at = `${entry.run ?? ''}#${new Date(entry.updatedAt).toISOString()}`;
  const failed = entry.status === 'FAILED' && { failedTask: indexPartition(entry, 'failed'), failedAt: at };
  const lossy = (entry.lost ?? []).length > 0 &&
    entry.status !== 'FAILED' && {
      failedTask: indexPartition(entry, 'lossy'),
      failedAt: `${entry.lost?.join(',')}#${at}`,
    };
  return {
    ...entry,
    id: itemId(entry.task, entry.key),
    expiresAt: Math.floor(entry.updatedAt / 1000) + entryKeptSeconds,
    ...failed,
    ...lossy,
  };
}

/** What the index `failed` lists: objects that failed, and copies that lack something. */
export type Indexed = 'failed' | 'lossy';

/**
 * Partitions of the index for each kind and task. An outage fails all objects that are under way, a store without tags
 * makes all copies lack them, and a partition takes 1,000 writes a second (DynamoDB Developer Guide, "Burst and
 * adaptive capacity"). An index that cannot keep up throttles the writes of the table, too.
 */
const partitionCount = 16;

/** The partition keys of the index for a task. No task's name has a "#". */
export function indexPartitions(task: string, kind: Indexed): string[] {
  const partitions = Array.from({ length: partitionCount }, (_, index) => `${task}#${kind}#${index}`);
  // Failures of former versions are in one partition, until their objects are written again.
  return kind === 'failed' ? [task, ...partitions] : partitions;
}

function indexPartition({ task, key }: Pick<LedgerEntry, 'task' | 'key'>, kind: Indexed): string {
  const [first = 0] = createHash('md5').update(key).digest();
  return `${task}#${kind}#${first % partitionCount}`;
}

/** An update expression that sets those attributes of `names` that have a value, and removes the others. */
function updateOf(
  values: Record<string, unknown>,
  names: readonly string[],
): Pick<
  ConstructorParameters<typeof UpdateCommand>[0],
  'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> {
  const present = names.filter((name) => values[name] !== undefined);
  const absent = names.filter((name) => values[name] === undefined);
  const set = `SET ${present.map((name) => `#${name} = :${name}`).join(', ')}`;
  const remove = absent.length > 0 ? ` REMOVE ${absent.map((name) => `#${name}`).join(', ')}` : '';
  return {
    UpdateExpression: set + remove,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(present.map((name) => [`:${name}`, values[name]])),
  };
}
