import { createHash } from 'node:crypto';
import type { Account } from '../account.ts';
import { arnOf } from '../account.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';
import { rateBucket, type TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';

type Json = Readonly<Record<string, unknown>>;

/** A partition of a table or of one of its indexes. */
interface Place {
  readonly table: string;
  /** undefined: the table itself */
  readonly index?: string;
  readonly partition: number;
}

/** The hash keys of a table and its indexes. */
interface Keys {
  readonly table: string;
  readonly indexes: ReadonlyMap<string, string>;
}

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);
const reads = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);

/** The message that an on-demand table answers, as in cowinapi/developer.cowin#151. */
const message =
  'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or ' +
  'index so please try again shortly. If exceptions persist, check if you have a hot key: ' +
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html';

/**
 * Throughput of DynamoDB's partitions. A table, and each of its indexes, has a fixed number of partitions; the hash of
 * the partition key chooses one. A request is refused while one of its partitions has no unit left. What it used is
 * known only afterwards, so a partition may owe units. A scan is spread over all partitions.
 * Simplified: partitions are not split, an index is charged for whole items that are put with its key (not for
 * updates), and a batch is refused as a whole.
 */
export class KeyRanges {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  readonly #account: Account;
  readonly #keys = new Map<string, Promise<Keys>>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage, account: Account) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
    this.#account = account;
  }

  /** @returns the exchange, within the throughput of the partitions */
  within(exchange: Exchange): Exchange {
    return async (headers, body) => {
      const operation = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
      const kind = writes.has(operation) ? 'Write' : reads.has(operation) ? 'Read' : undefined;
      const input = kind && parsed(body);
      if (!kind || !input) return exchange(headers, body);
      const keysOf = (table: string): Promise<Keys> => this.#keysOf(table, exchange, headers);
      const places = await placesOf(operation, input, keysOf, this.#values.dynamodbPartitions);
      const full = places.find((place) => !this.#bucket(place, kind).has());
      if (full) return this.#refused(full, kind);
      const counted = { ...input, ReturnConsumedCapacity: 'TOTAL' };
      const answer = await exchange(headers, Buffer.from(JSON.stringify(counted)));
      const { answer: shown, units } = withoutCapacity(answer, input);
      // An index is charged for each of its items as the table is; what only reads an index is charged to it alone.
      const items = places.filter(({ index }) => index === undefined).length || places.length;
      for (const place of places) this.#charge(place, kind, units / items);
      return shown;
    };
  }

  async #keysOf(table: string, exchange: Exchange, headers: Parameters<Exchange>[0]): Promise<Keys> {
    const known = this.#keys.get(table) ?? describe(table, exchange, headers);
    this.#keys.set(table, known);
    return known;
  }

  #charge(place: Place, kind: 'Read' | 'Write', units: number): void {
    this.#bucket(place, kind).owe(units);
    this.#meter(place, kind).count(units);
  }

  #refused(place: Place, kind: 'Read' | 'Write'): Answer {
    this.#meter(place, kind).refuse();
    const what = place.index === undefined ? 'Table' : 'Index';
    const within = `table/${place.table}${place.index === undefined ? '' : `/index/${place.index}`}`;
    const ThrottlingReasons = [
      { reason: `${what}${kind}KeyRangeThroughputExceeded`, resource: arnOf(this.#account, 'dynamodb', within) },
    ];
    const __type = 'com.amazon.coral.availability#ThrottlingException';
    return {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ __type, message, ThrottlingReasons }),
    };
  }

  #meter(place: Place, kind: 'Read' | 'Write'): ReturnType<Usage['meter']> {
    const quota = kind === 'Write' ? 'dynamodbWrites' : 'dynamodbReads';
    return this.#usage.meter(quota, nameOf(place), this.#values[quota]);
  }

  #bucket(place: Place, kind: 'Read' | 'Write'): TokenBucket {
    const { dynamodbWrites, dynamodbReads } = this.#values;
    const name = `${kind} ${nameOf(place)}`;
    const bucket =
      this.#buckets.get(name) ?? rateBucket(kind === 'Write' ? dynamodbWrites : dynamodbReads, this.#clock);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

function nameOf({ table, index, partition }: Place): string {
  return `${table}${index === undefined ? '' : `/${index}`}, partition ${partition}`;
}

async function describe(table: string, exchange: Exchange, headers: Parameters<Exchange>[0]): Promise<Keys> {
  const target = 'DynamoDB_20120810.DescribeTable';
  const answer = await exchange(
    { ...headers, 'x-amz-target': target },
    Buffer.from(JSON.stringify({ TableName: table })),
  );
  const { Table } = JSON.parse(answer.body) as { Table?: Described & { GlobalSecondaryIndexes?: Described[] } };
  const indexes = (Table?.GlobalSecondaryIndexes ?? []).map(
    (index) => [index.IndexName ?? '', hashKey(index)] as const,
  );
  return { table: hashKey(Table), indexes: new Map(indexes) };
}

interface Described {
  readonly IndexName?: string;
  readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: string }[];
}

function hashKey(described: Described | undefined): string {
  return described?.KeySchema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '';
}

/** The partitions that a request reaches; those of the table come once for each item. */
async function placesOf(
  operation: string,
  input: Json,
  keysOf: (table: string) => Promise<Keys>,
  partitions: number,
): Promise<Place[]> {
  const places: Place[] = [];
  for (const { table, item, put } of itemsOf(operation, input)) {
    const keys = await keysOf(table);
    places.push({ table, partition: partitionOf(item[keys.table], partitions) });
    for (const [index, key] of put ? keys.indexes : []) {
      if (key in item) places.push({ table, index, partition: partitionOf(item[key], partitions) });
    }
  }
  if (places.length > 0) return places;
  const table = tableOf(input);
  const index = typeof input['IndexName'] === 'string' ? { index: input['IndexName'] } : {};
  const keys = await keysOf(table);
  const queried = queriedKey(input, index.index === undefined ? keys.table : keys.indexes.get(index.index));
  if (queried !== undefined) return [{ table, ...index, partition: partitionOf(queried, partitions) }];
  return Array.from({ length: partitions }, (_, partition) => ({ table, ...index, partition }));
}

function tableOf({ TableName }: Json): string {
  return typeof TableName === 'string' ? TableName : '';
}

/** The value of the hash key in the key condition of a query. */
function queriedKey(input: Json, key: string | undefined): unknown {
  const { KeyConditionExpression } = input;
  const condition = typeof KeyConditionExpression === 'string' ? KeyConditionExpression : '';
  const names = (input['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const equal = [...condition.matchAll(/([#\w]+)\s*=\s*(:\w+)/g)].find(
    ([, name = '']) => (names[name] ?? name) === key,
  );
  return equal && (input['ExpressionAttributeValues'] as Json | undefined)?.[equal[2] ?? ''];
}

interface Item {
  readonly table: string;
  /** the item, or its key */
  readonly item: Json;
  /** is it a whole item that is written? */
  readonly put: boolean;
}

function itemsOf(operation: string, input: Json): Item[] {
  const table = tableOf(input);
  const one = (of: string, from: Json): Item[] => {
    const item = (from['Item'] ?? from['Key']) as Json | undefined;
    return item ? [{ table: of, item, put: 'Item' in from }] : [];
  };
  if (operation === 'BatchWriteItem' || operation === 'BatchGetItem') {
    return Object.entries((input['RequestItems'] ?? {}) as Record<string, unknown>).flatMap(([of, requests]) =>
      Array.isArray(requests)
        ? (requests as Record<string, Json>[]).flatMap((request) => one(of, Object.values(request)[0] ?? {}))
        : ((requests as { Keys?: Json[] }).Keys ?? []).map((item) => ({ table: of, item, put: false })),
    );
  }
  if (operation.startsWith('Transact')) {
    return ((input['TransactItems'] ?? []) as Record<string, Json>[]).flatMap((request) => {
      const inner = Object.values(request)[0] ?? {};
      return one(tableOf(inner), inner);
    });
  }
  return one(table, input);
}

function partitionOf(value: unknown, partitions: number): number {
  const hash = createHash('md5')
    .update(JSON.stringify(value ?? null))
    .digest();
  return hash.readUInt32BE(0) % partitions;
}

/** The units that a request used, and its answer as the client asked for it. */
function withoutCapacity(answer: Answer, input: Json): { answer: Answer; units: number } {
  if (answer.status !== 200) return { answer, units: 1 };
  const { ConsumedCapacity, ...rest } = JSON.parse(answer.body) as Json;
  const all = [ConsumedCapacity ?? []].flat() as {
    CapacityUnits?: number;
  }[];
  const units = all.reduce((sum, one) => sum + (one.CapacityUnits ?? 0), 0);
  const asked = (input['ReturnConsumedCapacity'] ?? 'NONE') !== 'NONE';
  return { units, answer: asked ? answer : { ...answer, body: JSON.stringify(rest) } };
}

function parsed(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
