import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountIn } from '../../aws/account.ts';
import type { Answer, Exchange } from '../../aws/http/exchange.ts';
import { Quotas } from '../../aws/quotas/quotas.ts';
import { parseQuotas, quotaValues, type QuotaSettings } from '../../aws/quotas/settings.ts';
import { quotaTable, type QuotaRow } from '../../aws/quotas/table.ts';
import { usageLines } from '../../aws/quotas/usage.ts';
import { ManualClock } from './manual-clock.ts';

function quotas(values: QuotaSettings['values'] = {}): { all: Quotas; clock: ManualClock } {
  const clock = new ManualClock();
  return { all: new Quotas(quotaValues({ values }), clock), clock };
}

function use(all: Quotas, quota: string, resource = ''): object | undefined {
  return all.report().find((one) => one.quota === quota && one.resource === resource);
}

const codeOf = (answer: Answer | undefined): unknown =>
  answer && (JSON.parse(answer.body) as { __type: string }).__type;

describe('a quotas file', () => {
  it('names a class of accounts', () => {
    expect(parseQuotas('{}', 'q')).toMatchObject({ startExecutionBucket: 1300, startExecutionRate: 300 });
    expect(parseQuotas('{"class":"other-regions"}', 'q')).toMatchObject({
      startExecutionBucket: 800,
      startExecutionRate: 150,
      stateTransitionRate: 800,
      lambdaConcurrency: 1000,
    });
    expect(parseQuotas('{"class":"new-account"}', 'q')).toMatchObject({
      lambdaConcurrency: 10,
      startExecutionRate: 150,
    });
  });

  it('scales rates and counts by its factor, but not what is fixed or written', () => {
    const text = '{"class":"other-regions","factor":0.001,"values":{"ssmRate":40}}';
    expect(parseQuotas(text, 'q')).toMatchObject({
      startExecutionBucket: 1,
      startExecutionRate: 0.15,
      lambdaConcurrency: 1,
      historyEvents: 25_000,
      ssmRate: 40,
    });
  });

  it('is refused with every wrong field', () => {
    const text =
      '{"class":"mars","factor":2,"more":1,"values":{"lambdaConcurrency":0,"s3Writes":"fast","openMapRuns":1.5,"no":1}}';
    const parse = (): unknown => parseQuotas(text, 'quotas q.json');
    expect(parse).toThrow(/^quotas q\.json is not valid/);
    for (const field of [
      'class',
      'factor',
      'more',
      'values.lambdaConcurrency',
      'values.s3Writes',
      'values.openMapRuns',
    ]) {
      expect(parse).toThrow(`\n  ${field}: `);
    }
    expect(parse).toThrow('\n  values.no: ');
    expect(() => parseQuotas('[', 'quotas q.json')).toThrow('quotas q.json is not JSON');
  });

  it('has a source for every number, and README.md shows all of them', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `(\w+)` +\| ([\d,]+) +\| ([\d,]*) +\| ([\d,]*) +\|/gm)];
    const number = (text = ''): number | undefined => (text === '' ? undefined : Number(text.replaceAll(',', '')));
    const shown = rows.map(([, name, value, elsewhere, small]) => [name, ...[value, elsewhere, small].map(number)]);
    const known = Object.entries<QuotaRow>(quotaTable).map(([name, row]) => {
      expect(row.source).toMatch(/^(Amazon|AWS) .+(Guide|Reference): ./);
      return [name, row.value, row.otherRegions, row.newAccount];
    });
    expect(shown).toEqual(known);
  });
});

describe('requests', () => {
  it('are refused past the bucket of their operation, and admitted as it refills', async () => {
    const { all, clock } = quotas({ startExecutionBucket: 3, startExecutionRate: 2 });
    const start = (): Answer | undefined => all.requests.refusal('states', 'StartExecution');
    expect([start(), start(), start()]).toEqual([undefined, undefined, undefined]);
    expect(start()).toMatchObject({ status: 400, headers: { 'x-amzn-errortype': 'ThrottlingException' } });
    expect(JSON.parse(start()?.body ?? '')).toEqual({ __type: 'ThrottlingException', message: 'Rate exceeded' });
    await clock.pass(499);
    expect(codeOf(start())).toBe('ThrottlingException');
    await clock.pass(1);
    expect(start()).toBeUndefined();
    expect(codeOf(start())).toBe('ThrottlingException');
    expect(use(all, 'startExecutionRate')).toMatchObject({ limit: 2, peak: 4, refused: 4 });
    expect(all.requests.refusal('states', 'DescribeStateMachine')).toBeUndefined();
  });

  it('of the parameter store share one rate', async () => {
    const { all, clock } = quotas({ ssmRate: 2 });
    expect(all.requests.refusal('ssm', 'GetParameter')).toBeUndefined();
    expect(all.requests.refusal('ssm', 'GetParametersByPath')).toBeUndefined();
    expect(codeOf(all.requests.refusal('ssm', 'GetParameter'))).toBe('ThrottlingException');
    await clock.pass(500);
    expect(all.requests.refusal('ssm', 'PutParameter')).toBeUndefined();
  });

  it('to EventBridge and SNS are refused in their own words', () => {
    const { all } = quotas({ putEventsRate: 1, publishRate: 1 });
    const twice = (service: string, operation: string): Answer | undefined =>
      all.requests.refusal(service, operation) ?? all.requests.refusal(service, operation);
    expect(twice('events', 'PutEvents')).toMatchObject({ status: 400 });
    expect(twice('sns', 'Publish')).toMatchObject({ status: 429 });
  });
});

describe('concurrency', () => {
  const end = (admission: object): void => (admission as { end: () => void }).end();

  it('of the account is shared by its functions', () => {
    const { concurrency } = quotas({ lambdaConcurrency: 2 }).all;
    concurrency.register('a');
    concurrency.register('b');
    const first = concurrency.admit('a');
    expect(concurrency.admit('b')).toHaveProperty('end');
    expect(concurrency.admit('a')).toEqual({ refused: 'ConcurrentInvocationLimitExceeded' });
    end(first);
    expect(concurrency.admit('b')).toHaveProperty('end');
  });

  it('that is reserved is taken from the others, and bounds its function', () => {
    const { all } = quotas({ lambdaConcurrency: 3 });
    all.concurrency.register('own', 1);
    all.concurrency.register('a');
    expect(all.concurrency.admit('a')).toHaveProperty('end');
    expect(all.concurrency.admit('a')).toHaveProperty('end');
    expect(all.concurrency.admit('a')).toEqual({ refused: 'ConcurrentInvocationLimitExceeded' });
    expect(all.concurrency.admit('own')).toHaveProperty('end');
    expect(all.concurrency.admit('own')).toEqual({ refused: 'ReservedFunctionConcurrentInvocationLimitExceeded' });
    expect(use(all, 'lambdaConcurrency')).toMatchObject({ limit: 3, peak: 3, refused: 1 });
    expect(use(all, 'lambdaConcurrency', 'own')).toMatchObject({ limit: 1, peak: 1, refused: 1 });
  });

  it('grows by so many environments in ten seconds, for each function', async () => {
    const { all, clock } = quotas({ lambdaScaling: 10 });
    all.concurrency.register('a');
    all.concurrency.register('b');
    const running = Array.from({ length: 10 }, () => all.concurrency.admit('a'));
    expect(all.concurrency.admit('a')).toEqual({ refused: 'FunctionInvocationRateLimitExceeded' });
    expect(all.concurrency.admit('b')).toHaveProperty('end');
    // An environment that is idle is used again.
    end(running[0]!);
    expect(all.concurrency.admit('a')).toHaveProperty('end');
    await clock.pass(1000);
    expect(all.concurrency.admit('a')).toHaveProperty('end');
    expect(all.concurrency.admit('a')).toHaveProperty('refused');
  });

  it('allows ten requests a second for each call at once', async () => {
    const { all, clock } = quotas({ lambdaConcurrency: 1 });
    all.concurrency.register('a');
    for (let request = 0; request < 10; request++) end(all.concurrency.admit('a'));
    expect(all.concurrency.admit('a')).toEqual({ refused: 'CallerRateLimitExceeded' });
    await clock.pass(100);
    expect(all.concurrency.admit('a')).toHaveProperty('end');
  });
});

describe('the scale of a mapping', () => {
  it('starts with five batches, grows by 300 a minute while messages are there, and falls back', async () => {
    const { all, clock } = quotas();
    const scale = all.mappingScale(Infinity);
    expect(scale.batches).toBe(5);
    scale.busy();
    await clock.pass(60_000);
    expect(scale.batches).toBe(5);
    scale.busy();
    expect(scale.batches).toBe(305);
    await clock.pass(600_000);
    scale.busy();
    expect(scale.batches).toBe(1000);
    scale.idle();
    expect(scale.batches).toBe(5);
  });

  it('stays below the maximum concurrency of the mapping', async () => {
    const { all, clock } = quotas();
    const [two, forty] = [all.mappingScale(2), all.mappingScale(40)];
    for (const scale of [two, forty]) scale.busy();
    await clock.pass(60_000);
    for (const scale of [two, forty]) scale.busy();
    expect([two.batches, forty.batches]).toEqual([2, 40]);
  });

  it('backs off from throttled invocations, but not to nothing', () => {
    const scale = quotas().all.mappingScale(Infinity);
    scale.throttled();
    expect(scale.batches).toBe(2);
    scale.throttled();
    scale.throttled();
    expect(scale.batches).toBe(1);
  });
});

describe('executions', () => {
  it('wait for their transitions once the bucket is empty', async () => {
    const { all, clock } = quotas({ stateTransitionBucket: 2, stateTransitionRate: 1 });
    const entered: number[] = [];
    const enter = (number: number): Promise<void> => all.executions.transition().then(() => void entered.push(number));
    for (const number of [1, 2, 3, 4]) void enter(number);
    await clock.pass(0);
    expect(entered).toEqual([1, 2]);
    await clock.pass(1000);
    expect(entered).toEqual([1, 2, 3]);
    // A state that does not wait delays the next one that does.
    all.executions.passed();
    void enter(5);
    await clock.pass(1000);
    expect(entered).toEqual([1, 2, 3, 4]);
    await clock.pass(1000);
    expect(entered).toEqual([1, 2, 3, 4]);
    await clock.pass(1000);
    expect(entered).toEqual([1, 2, 3, 4, 5]);
    expect(use(all, 'stateTransitionRate')).toMatchObject({ limit: 1, peak: 4, refused: 0, delayed: 3 });
  });

  it('open so many runs of distributed maps; others wait', async () => {
    const { all, clock } = quotas({ openMapRuns: 1 });
    const { promise, resolve } = Promise.withResolvers<null>();
    const order: string[] = [];
    const first = all.executions.inMapRun(async () => (order.push('first'), promise));
    const second = all.executions.inMapRun(async () => order.push('second'));
    await clock.pass(0);
    expect(order).toEqual(['first']);
    resolve(null);
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    await all.executions.inMapRun(async () => order.push('third'));
    expect(use(all, 'openMapRuns')).toMatchObject({ peak: 1, delayed: 1 });
  });

  it('open up to the quota', () => {
    const { executions } = quotas({ openExecutions: 2 }).all;
    expect([0, 1, 2].map((open) => executions.mayOpen(open))).toEqual([true, true, false]);
  });
});

describe('the request rates of S3', () => {
  const put = (all: Quotas, key: string): string =>
    all.prefixes.refusal({ operation: 'PutObject', bucket: 'b', key })?.code ?? 'done';

  it('slow down what exceeds the writes or the reads of a partition', async () => {
    const { all, clock } = quotas({ s3Writes: 2, s3Reads: 1 });
    expect([put(all, 'a'), put(all, 'b'), put(all, 'c')]).toEqual(['done', 'done', 'SlowDown']);
    const list = { operation: 'ListObjectsV2', bucket: 'b', key: 'p/' };
    expect(all.prefixes.refusal(list)).toBeUndefined();
    expect(all.prefixes.refusal(list)).toMatchObject({ status: 503, message: 'Please reduce your request rate.' });
    expect(all.prefixes.refusal({ ...list, bucket: 'other' })).toBeUndefined();
    expect(all.prefixes.refusal({ operation: 'HeadBucket', bucket: 'b', key: '' })).toBeUndefined();
    await clock.pass(500);
    expect([put(all, 'd'), put(all, 'e')]).toEqual(['done', 'SlowDown']);
    expect(use(all, 's3Writes', 'b/')).toMatchObject({ limit: 2, peak: 3, refused: 2 });
  });

  it('grow with the partitions, which are split in the middle of the keys that were refused', async () => {
    const { all, clock } = quotas({ s3Writes: 10, s3SplitSeconds: 60 });
    const keys = Array.from({ length: 40 }, (_, index) => `k${String(index).padStart(2, '0')}`);
    const second = (): number => keys.filter((key) => put(all, key) === 'done').length;
    expect(second()).toBe(10);
    for (let passed = 0; passed < 61; passed++) {
      await clock.pass(1000);
      second();
    }
    // The second half of the keys has a partition of its own.
    await clock.pass(1000);
    expect(second()).toBe(20);
    expect(use(all, 's3Writes', 'b/k20')).toMatchObject({ limit: 10 });
  });

  it('are not split for a single key', async () => {
    const { all, clock } = quotas({ s3Writes: 1, s3SplitSeconds: 1 });
    for (let passed = 0; passed < 10; passed++) {
      expect([put(all, 'same'), put(all, 'same')]).toEqual(['done', 'SlowDown']);
      await clock.pass(1000);
    }
  });
});

describe('the key ranges of DynamoDB', () => {
  const index = { IndexName: 'failed', KeySchema: [{ AttributeName: 'failedTask', KeyType: 'HASH' }] };
  const Table = { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }], GlobalSecondaryIndexes: [index] };

  function table(values: QuotaSettings['values'], units = 1) {
    const { all, clock } = quotas({ dynamodbPartitions: 1, ...values });
    const asked: string[] = [];
    const service: Exchange = (headers, body) => {
      const operation = String(headers['x-amz-target']).split('.')[1] ?? '';
      asked.push(`${operation} ${body.toString()}`);
      const answer = operation === 'DescribeTable' ? { Table } : { ConsumedCapacity: { CapacityUnits: units }, of: 1 };
      return Promise.resolve({ status: 200, headers: {}, body: JSON.stringify(answer) });
    };
    const exchange = all.keyRanges(accountIn('us-east-1')).within(service);
    const call = (operation: string, input: object): Promise<Answer> =>
      exchange({ 'x-amz-target': `DynamoDB_20120810.${operation}` }, Buffer.from(JSON.stringify(input)));
    return { all, clock, asked, call };
  }
  const put = (id: string, more: object = {}) => ({ TableName: 'ledger', Item: { id: { S: id }, ...more } });

  it('throttle writes and reads of a partition apart, and recover', async () => {
    const { all, clock, call } = table({ dynamodbWrites: 2, dynamodbReads: 1 });
    for (const id of ['a', 'b']) expect((await call('PutItem', put(id))).body).toBe('{"of":1}');
    const refused = await call('PutItem', put('c'));
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.body)).toMatchObject({
      __type: expect.stringMatching(/#ThrottlingException$/),
      ThrottlingReasons: [
        {
          reason: 'TableWriteKeyRangeThroughputExceeded',
          resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/ledger',
        },
      ],
    });
    const get = { TableName: 'ledger', Key: { id: { S: 'a' } } };
    expect([(await call('GetItem', get)).status, (await call('GetItem', get)).status]).toEqual([200, 400]);
    await clock.pass(500);
    expect([(await call('PutItem', put('c'))).status, (await call('PutItem', put('d'))).status]).toEqual([200, 400]);
    expect(use(all, 'dynamodbWrites', 'ledger, partition 0')).toMatchObject({ limit: 2, peak: 3, refused: 2 });
  });

  it('count what a request used, which is known afterwards', async () => {
    const { clock, call } = table({ dynamodbWrites: 10 }, 25);
    expect((await call('PutItem', put('large'))).status).toBe(200);
    expect((await call('PutItem', put('small'))).status).toBe(400);
    // Ten units were there, fifteen are owed, and one more has to be there.
    await clock.pass(1599);
    expect((await call('PutItem', put('small'))).status).toBe(400);
    await clock.pass(1);
    expect((await call('PutItem', put('small'))).status).toBe(200);
  });

  it('charge the index of items that have its key', async () => {
    const { all, call } = table({ dynamodbWrites: 3, dynamodbPartitions: 64 });
    const failed = { failedTask: { S: 'one hot task' } };
    const statuses = [];
    for (const id of ['a', 'b', 'c', 'd']) statuses.push((await call('PutItem', put(id, failed))).status);
    expect(statuses).toEqual([200, 200, 200, 400]);
    expect((await call('PutItem', put('d'))).status).toBe(200);
    expect(all.report().filter(({ refused }) => refused > 0)).toMatchObject([
      { resource: expect.stringMatching(/^ledger\/failed, partition \d+$/), refused: 1 },
    ]);
  });

  it('are reached by a query of one key, and all of them by a scan', async () => {
    const { all, call } = table({ dynamodbReads: 2, dynamodbPartitions: 4 });
    const query = {
      TableName: 'ledger',
      IndexName: 'failed',
      KeyConditionExpression: '#task = :task AND failedAt > :at',
      ExpressionAttributeNames: { '#task': 'failedTask' },
      ExpressionAttributeValues: { ':task': { S: 'one' }, ':at': { N: '1' } },
    };
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await call('Query', query)).status);
    expect(statuses).toEqual([200, 200, 400]);
    const reads = (): unknown[] => all.report().map(({ resource, peak }) => [resource, peak]);
    expect(reads()).toEqual([[expect.stringMatching(/^ledger\/failed, partition \d$/), 2]]);
    expect((await call('Scan', { TableName: 'ledger' })).status).toBe(200);
    expect(reads().slice(1)).toEqual([0, 1, 2, 3].map((number) => [`ledger, partition ${number}`, 0.25]));
  });

  it('answer the capacity to those who ask for it', async () => {
    const { call, asked } = table({});
    const { body } = await call('PutItem', { ...put('a'), ReturnConsumedCapacity: 'INDEXES' });
    expect(JSON.parse(body)).toMatchObject({ ConsumedCapacity: { CapacityUnits: 1 } });
    await call('PutItem', put('b'));
    expect(asked.filter((one) => one.startsWith('DescribeTable'))).toHaveLength(1);
  });
});

describe('a report', () => {
  it('is a line per quota and resource', () => {
    const { all } = quotas({ ssmRate: 1 });
    all.requests.refusal('ssm', 'GetParameter');
    all.requests.refusal('ssm', 'GetParameter');
    expect(usageLines(all.report())).toEqual(['ssmRate: peak 1 of 1 (requests a second); 1 refused']);
  });
});
