import { createHash } from 'node:crypto';
import type { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ledgerEntrySchema, type LedgerEntry, type RunRecord } from '../../model/ledger-entry.ts';
import { encodeCounted, endOfEntry, type End } from '../../model/run-ends.ts';
import { parseWith } from '../../model/parse.ts';
import { quoted } from '../../model/text.ts';

/** The items of the ledger's table, and the updates of an object's item. */

/** How long an entry is kept after its last change: a year, far longer than anything is resumed. */
export const entryKeptSeconds = 365 * 24 * 3600;

/** The ID of an object's item. */
export function itemId(task: string, key: string): string {
  return `object#${task}#${key}`;
}

/**
 * The entry in an object's item; undefined if there is none, because the object was only counted.
 * @throws Fault `Unavailable` naming the field if the item is not an entry
 */
export function entryOfItem(item: Record<string, unknown> | undefined, key: string): LedgerEntry | undefined {
  if (item?.['status'] === undefined) return undefined;
  return parseWith(ledgerEntrySchema, item, `ledger entry of ${quoted(key)}`, 'Unavailable');
}

export function runId({ task, run }: Pick<RunRecord, 'task' | 'run'>): string {
  return `run#${task}#${run}`;
}

export function lastRunId(task: string, prefix = ''): string {
  return `lastrun#${task}#${prefix}`;
}

/** The partition key of the index for the records of a task's runs, in the order in which they started. */
export function runsPartition(task: string): string {
  return `${task}#runs`;
}

/** Every attribute that an update sets or removes. */
export const entryAttributes = [
  ...Object.keys(ledgerEntrySchema.entries).filter((name) => name !== 'upload'),
  'expiresAt',
  'failedTask',
  'failedAt',
];

export type Item = Record<string, unknown> & { readonly id: string };

export function itemOf(entry: LedgerEntry): Item {
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

/** An end, and the run that counts it. */
export interface CountedEnd {
  readonly run: string;
  readonly end: End;
}

/** What an update of an object's item is about. */
export type Subject = Pick<LedgerEntry, 'task' | 'key' | 'startedAt'> & { readonly updatedAt?: number };

/** The end that an entry of a run counts as. */
export function countableEnd(entry: LedgerEntry): CountedEnd | undefined {
  const end = endOfEntry(entry);
  return entry.run === undefined || !end ? undefined : { run: entry.run, end };
}

export function withCounted(item: Item, counting: CountedEnd | undefined): Item {
  return counting ? { ...item, counted: encodeCounted(counting.run, counting.end) } : item;
}

interface Condition {
  readonly expression: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** True for an object that has not ended in this run, or has failed or was cancelled. */
export function firstOf(run: string): Condition {
  return {
    expression:
      '(attribute_not_exists(counted) OR NOT begins_with(counted, :run) OR begins_with(counted, :failed) ' +
      'OR begins_with(counted, :cancelled))',
    values: { ':run': `${run}#`, ':failed': `${run}#failed#`, ':cancelled': `${run}#cancelled#` },
  };
}

export function conditioned(update: Update, conditions: readonly Condition[]): Update {
  const values = [update.ExpressionAttributeValues ?? {}, ...conditions.map((one) => one.values)];
  return {
    ...update,
    ConditionExpression: conditions.map(({ expression }) => expression).join(' AND '),
    ExpressionAttributeValues: Object.fromEntries(values.flatMap((one) => Object.entries(one))),
  };
}

export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

type UpdateInput = ConstructorParameters<typeof UpdateCommand>[0];
export type Update = Pick<
  UpdateInput,
  'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues' | 'ConditionExpression'
>;

/**
 * An update expression that sets those attributes of `names` that have a value, and removes the others. `counted` is
 * only ever set.
 */
export function updateOf(values: Record<string, unknown>, names: readonly string[]): Update {
  const present = [...names, 'counted'].filter((name) => values[name] !== undefined);
  const absent = names.filter((name) => values[name] === undefined);
  const set = `SET ${present.map((name) => `#${name} = :${name}`).join(', ')}`;
  const remove = absent.length > 0 ? ` REMOVE ${absent.map((name) => `#${name}`).join(', ')}` : '';
  return {
    UpdateExpression: set + remove,
    ExpressionAttributeNames: Object.fromEntries([...present, ...absent].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(present.map((name) => [`:${name}`, values[name]])),
  };
}
