import { GetCommand, PutCommand, UpdateCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { LedgerEntry, OpenUpload, RunRecord } from '../../model/ledger-entry.ts';
import { transferStatuses } from '../../model/ledger-entry.ts';
import { checksumAlgorithms } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import { parseWith } from '../../model/parse.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { faultOf } from '../faults.ts';

/** Seconds that an entry is kept after its last change: a year, far longer than anything is resumed. */
const keptFor = 365 * 24 * 3600;
/** Seconds that announced uploads are kept: over four times as long as one is left alone. */
const announcementsKeptFor = 30 * 24 * 3600;
const millisecondsOfDay = 24 * 3600 * 1000;

/**
 * The ledger in one DynamoDB table. An object's item has the ID `object#<task>#<key>`, a run's `run#<task>#<run>`, that
 * of the uploads that were announced on one day `uploads#<day>#<task>#<key>` (an item may not grow without an end).
 * Items that failed carry `failedTask` and `failedAt`, the keys of the sparse index `failed`.
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
    // All attributes are set or removed but `upload`, which stays as it is.
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
   * Writes the item unless another upload than `known` is recorded.
   * @returns that upload, or undefined when the item was written
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
      if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException')
        throw faultOf(error, 'PutItem ledger');
      const other = await this.get(entry.task, entry.key);
      // Where it ended between the two calls, the item can be written now.
      return other?.upload ?? this.#replace(entry, item, known);
    }
  }

  async announceUpload(task: string, key: string, at: number): Promise<void> {
    const input = {
      TableName: this.#table,
      Key: { id: announcementsOf(task, key, dayOf(at)) },
      UpdateExpression: 'ADD announced :at SET expiresAt = :expiry',
      ExpressionAttributeValues: { ':at': new Set([at]), ':expiry': Math.floor(at / 1000) + announcementsKeptFor },
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
    const item = {
      ...record,
      id: `run#${record.task}#${record.run}`,
      expiresAt: Math.floor(record.updatedAt / 1000) + keptFor,
    };
    await this.#call('PutItem', () => this.#client.send(new PutCommand({ TableName: this.#table, Item: item })));
  }

  async getRun(task: string, run: string): Promise<RunRecord | undefined> {
    const item = await this.#get(`run#${task}#${run}`);
    return item && parseWith(runSchema, item, `record of run ${run}`, 'Unavailable');
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

/** An object's item as the core knows it. @throws Fault `Unavailable` naming the field where it is none */
export function entryOfItem(item: Record<string, unknown>, key: string): LedgerEntry {
  return parseWith(entrySchema, item, `ledger entry of ${quoted(key)}`, 'Unavailable');
}

function dayOf(at: number): number {
  return Math.floor(at / millisecondsOfDay);
}

function announcementsOf(task: string, key: string, day: number): string {
  return `uploads#${day}#${task}#${key}`;
}

const announcementsSchema = v.object({ announced: v.optional(v.set(v.number()), new Set<number>()) });

const uploadSchema = v.object({
  uploadId: v.string(),
  sourceEtag: v.string(),
  attributes: v.string(),
  sourceVersionId: v.exactOptional(v.string()),
  partSize: v.number(),
  sourceLayout: v.boolean(),
  opaqueEtag: v.boolean(),
  checksum: v.exactOptional(v.picklist(checksumAlgorithms)),
});

const entrySchema = v.object({
  task: v.string(),
  key: v.string(),
  status: v.picklist(transferStatuses),
  route: v.exactOptional(v.picklist(['skip', 'server-side copy', 'put', 'multipart', 'execution', 'delete'])),
  size: v.exactOptional(v.number()),
  sourceEtag: v.exactOptional(v.string()),
  destinationEtag: v.exactOptional(v.string()),
  upload: v.exactOptional(uploadSchema),
  run: v.exactOptional(v.string()),
  attempts: v.exactOptional(v.number()),
  reason: v.exactOptional(v.string()),
  startedAt: v.exactOptional(v.number()),
  updatedAt: v.number(),
});

const runSchema = v.object({
  task: v.string(),
  run: v.string(),
  status: v.picklist(['DONE', 'FAILED']),
  dryRun: v.boolean(),
  counts: v.object({
    listed: v.number(),
    listedAtDestination: v.number(),
    jobs: v.number(),
    bytes: v.number(),
    deletes: v.number(),
    same: v.number(),
  }),
  reason: v.exactOptional(v.string()),
  startedAt: v.string(),
  updatedAt: v.number(),
});

/** Every attribute that an update writes or removes. */
const entryAttributes = [
  ...Object.keys(entrySchema.entries).filter((name) => name !== 'upload'),
  'expiresAt',
  'failedTask',
  'failedAt',
];

type Item = Record<string, unknown> & { readonly id: string };

function itemOf(entry: LedgerEntry): Item {
  const failed = entry.status === 'FAILED' && {
    failedTask: entry.task,
    failedAt: `${entry.run ?? ''}#${new Date(entry.updatedAt).toISOString()}`,
  };
  return {
    ...entry,
    id: itemId(entry.task, entry.key),
    expiresAt: Math.floor(entry.updatedAt / 1000) + keptFor,
    ...failed,
  };
}

/** An update expression that sets the given attributes and removes the others of `names`. */
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
