import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { faultOf } from '../../shared/aws/faults.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { parseConfiguration } from '../../shared/model/config/configuration.ts';
import { Fault } from '../../shared/model/faults.ts';
import { encodeJob, type Job } from '../../shared/model/job.ts';
import { parseS3Notification } from '../../shared/model/messages/s3-event.ts';
import { quoted, visibleLines } from '../../shared/model/text.ts';
import type { DeadLetter, RedriveQueues } from '../../shared/ports/redrive.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { consumeMessage, type Consumer } from '../../shared/transfer/consume-message.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { redrive } from '../../operations/dead-letters.ts';
import { contextOf } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { errorXml, HostileStore } from '../support/hostile-store.ts';

/** What is seen as itself: no control or formatting character but line ends. */
// eslint-disable-next-line no-control-regex -- that is what is looked for
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const escapes = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egpj\u2028\u0000\r\n';

function eventOf(object: object, more: object = {}, bucket = 'source'): object {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    eventName: 'ObjectCreated:Put',
    eventTime: '2026-01-01T00:00:00.000Z',
    s3: { bucket: { name: bucket }, object },
    ...more,
  };
}

const eventsOf = (...records: readonly object[]): string => JSON.stringify({ Records: records });

describe('a hostile message', () => {
  let source: HostileStore;
  let destination: HostileStore;
  let jobs: Job[];
  let faults: Fault[];
  let buried: { body: string; reason: string }[];
  let atOnce = { now: 0, most: 0 };
  let ledger: MemoryLedger;
  let consumer: Consumer;
  let transferOne: typeof transferObject;

  beforeEach(async () => {
    const object = { 'content-length': '3', etag: '"900150983cd24fb0d6963f7d28e17f72"' };
    source = await HostileStore.open(({ query }) =>
      query.has('tagging') ? { body: '<Tagging/>' } : { headers: object, body: 'abc' },
    );
    destination = await HostileStore.open(({ method }) =>
      method === 'HEAD' ? { status: 404 } : { headers: { etag: object.etag } },
    );
    const task = taskBetweenEndpoints({ events: 'none' });
    [jobs, faults, buried, atOnce, ledger] = [[], [], [], { now: 0, most: 0 }, new MemoryLedger()];
    transferOne = transferObject;
    const context = contextOf(task, source.store({ bucket: 'source' }), destination.store());
    consumer = {
      tasks: () => Promise.resolve([{ ...task, events: 'create' }]),
      transfer: async (job) => {
        jobs.push(job);
        atOnce.most = Math.max(atOnce.most, ++atOnce.now);
        try {
          if (job.task !== task.name) throw new Fault('UnknownTask', 'no such task');
          return await transferOne(context, job);
        } finally {
          atOnce.now--;
        }
      },
      ledger,
      deadLetters: { bury: (body, reason) => Promise.resolve(void buried.push({ body, reason })) },
      redelivery: { after: () => Promise.resolve(true), sendAgain: () => Promise.resolve() },
      clock: systemClock,
      maxReceives: 5,
      giveUpAfterSeconds: 0,
      onFault: (fault) => faults.push(fault),
    };
  });

  afterEach(async () => {
    for (const { message } of faults) {
      expect(message).not.toMatch(obeyed);
      expect(message.length).toBeLessThan(20_000);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    for (const line of destination.writes) expect(line).toMatch(/^PUT \/bucket\/out\//);
    await source.close();
    await destination.close();
  });

  const consume = (body: string): Promise<boolean> =>
    consumeMessage(consumer, { id: 'm', body, receipt: 'r', receives: 1 });

  const job = (more: object): string =>
    JSON.stringify({ job: { task: 'hostile', key: 'in/a', action: 'copy', ...more } });
  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it.each<[string, () => string]>([
    ['text', () => escapes.repeat(100)],
    ['nothing', () => ''],
    ['500,000 arrays in each other', () => deep(500_000)],
    ['arrays in an event', () => `{"Records":${deep(400_000)}}`],
    ['500,000 records of nothing', () => `{"Records":[${'0,'.repeat(500_000)}0]}`],
    ['100,000 empty records', () => `{"Records":[${'{},'.repeat(100_000)}{}]}`],
    ['100,000 unknown fields', () => `{"job":{${Array.from({ length: 80_000 }, (_, n) => `"x${n}":1`).join()}}}`],
    ['an unknown field of 1 MB', () => `{"job":{"${'x'.repeat(1_000_000)}":1}}`],
    ['an unknown field that a terminal obeys', () => job({ [escapes]: 1 })],
    ['a task that a terminal obeys', () => job({ task: escapes })],
    ['a task that is a path', () => job({ task: '../../other' })],
    ['a task named __proto__', () => job({ task: '__proto__' })],
    ['an action of its own', () => job({ action: 'constructor' })],
    ['a key that is too long', () => job({ key: `in/${'x'.repeat(1022)}` })],
    ['a key with half a character', () => '{"job":{"task":"hostile","key":"in/\\ud800","action":"copy"}}'],
    ['a negative size', () => job({ size: -1 })],
    ['a size over all numbers', () => '{"job":{"task":"hostile","key":"in/a","action":"copy","size":1e999}}'],
    [
      'a field of its prototype',
      () => '{"job":{"task":"hostile","key":"in/a","action":"copy","__proto__":{"polluted":1}}}',
    ],
    ['a prototype instead of a job', () => '{"__proto__":{"job":{}},"constructor":{"prototype":{"polluted":1}}}'],
    ['an event of another version', () => eventsOf(eventOf({ key: 'in/a' }, { eventVersion: '9.9' }))],
    ['an event without a key', () => eventsOf(eventOf({}))],
    ['an event with a broken key', () => eventsOf(eventOf({ key: '%zz' }))],
    ['an event with half a character', () => eventsOf(eventOf({ key: 'in/\ud800' }))],
    ['an event with a key of 4 KB', () => eventsOf(eventOf({ key: `in/${'%41'.repeat(1200)}` }))],
    ['an event with an ETag of 1 MB', () => eventsOf(eventOf({ key: 'in/a', eTag: 'e'.repeat(1_000_000) }))],
    ['an event of a size that is none', () => eventsOf(eventOf({ key: 'in/a', size: 1e300 }))],
  ])('(%s) becomes a dead letter with its reason and has no other effect', async (_name, body) => {
    const began = performance.now();
    expect(await consume(body())).toBe(true);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(jobs).toEqual([]);
    expect(faults.map(({ name }) => name)).toEqual(['InvalidInput']);
    expect(buried).toHaveLength(1);
    expect(buried[0]?.reason.length).toBeLessThanOrEqual(1000);
    expect(destination.asked).toEqual([]);
  });

  it.each<[string, string]>([
    ['for another bucket', eventsOf(eventOf({ key: 'in/a' }, {}, 'another'))],
    ['for a bucket with a name like ours', eventsOf(eventOf({ key: 'in/a' }, {}, 'Source'))],
    ['for a key outside of the prefix', eventsOf(eventOf({ key: 'out/a' }))],
    ['for a key that climbs', eventsOf(eventOf({ key: '../in/a' }))],
    ['for a key that is the prefix when it is decoded twice', eventsOf(eventOf({ key: 'in%252Fa' }))],
    ['of a kind that changes no bytes', eventsOf(eventOf({ key: 'in/a' }, { eventName: 'ObjectAcl:Put' }))],
    ['of a kind of its own', eventsOf(eventOf({ key: 'in/a' }, { eventName: 'constructor' }))],
    ['of no record', '{"Records":[]}'],
    ['of a test', '{"Event":"s3:TestEvent","__proto__":{"polluted":1}}'],
  ])('(an event %s) has no effect', async (_name, body) => {
    expect(await consume(body)).toBe(true);
    expect([jobs, faults, buried]).toEqual([[], [], []]);
  });

  it('with header syntax in its version ID sends no such header', async () => {
    await consume(eventsOf(eventOf({ key: 'in/a', versionId: 'v\r\nX-Evil: 1', sequencer: '\r\n' })));
    expect(jobs).toEqual([{ task: 'hostile', key: 'in/a', action: 'copy' }]);
    expect(destination.writes).toEqual(['PUT /bucket/out/a?x-id=PutObject']);
    for (const { headers } of source.asked) expect(headers['x-evil']).toBeUndefined();
  });

  it('with a thousand objects transfers at most ten at a time; with more it becomes a dead letter', async () => {
    const records = Array.from({ length: 1000 }, (_, n) => eventOf({ key: `in/${n}`, size: 3 }));
    transferOne = async (_context, { task, key }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return { task, key, route: 'put', bytes: 3, reason: '' };
    };
    expect(await consume(eventsOf(...records))).toBe(true);
    expect(new Set(jobs.map(({ key }) => key)).size).toBe(1000);
    expect(jobs).toHaveLength(1000);
    expect(atOnce.most).toBe(10);
    expect(await consume(eventsOf(...records, eventOf({ key: 'in/one more' })))).toBe(true);
    expect(jobs).toHaveLength(1000);
    expect(buried).toHaveLength(1);
  });

  it('with fifty objects writes each of them once', async () => {
    const records = Array.from({ length: 50 }, (_, n) => eventOf({ key: `in/${n}`, size: 3 }));
    expect(await consume(eventsOf(...records))).toBe(true);
    expect(new Set(destination.writes).size).toBe(50);
    expect(destination.writes).toHaveLength(50);
    expect(atOnce.most).toBeLessThanOrEqual(10);
  });

  it('with an absurd size still copies the object that is there', async () => {
    await consume(eventsOf(eventOf({ key: 'in/a', size: Number.MAX_SAFE_INTEGER })));
    expect(destination.writes).toEqual(['PUT /bucket/out/a?x-id=PutObject']);
  });

  it('for an unknown task becomes a dead letter', async () => {
    expect(await consume(job({ task: 'unknown' }))).toBe(true);
    expect(buried).toEqual([expect.objectContaining({ reason: 'UnknownTask: no such task' })]);
  });

  it('whose store answers with an unknown error becomes a fault and does not fail the batch', async () => {
    destination.answer = () => ({
      status: 400,
      body: errorXml(
        'constructor',
        escapes.replace(/[^ -~]/g, (c) => `&#${c.charCodeAt(0) || 1};`),
      ),
    });
    await consume(job({}));
    destination.answer = ({ method }) => ({ status: method === 'HEAD' ? 404 : 400, body: errorXml('__proto__', 'x') });
    await consume(job({ size: 3 }));
    destination.answer = ({ method }) => ({
      status: method === 'HEAD' ? 404 : 400,
      body: errorXml('constructor', 'x'),
    });
    await consume(job({ size: 3 }));
    expect(faults.map(({ name }) => name)).toEqual(['Refused', 'Refused', 'Refused']);
  });
});

describe('a hostile task configuration', () => {
  const fileOf = (more: object): string =>
    JSON.stringify({ tasks: [{ name: 't', source: { bucket: 'aaa' }, destination: { bucket: 'bbb' }, ...more }] });

  it.each<[string, object]>([
    ...[
      '$(id)',
      '`id`',
      'a;id',
      'a|id',
      "a'b",
      '$.input',
      '$$.Execution.Id',
      '{}',
      'States.Format',
      '../x',
      'a/b',
      'a b',
      '',
      '.',
      '__proto__',
      escapes,
      'a\n',
      'x'.repeat(65),
    ].map((name): [string, object] => [`name ${JSON.stringify(name)}`, { name }]),
    ...['a/b', '../b', 'a?x', 'a#x', 'a@b', 'arn:aws:s3:::b', 'b\r\n', 'a'.repeat(64), 'ab', '..', escapes].map(
      (bucket): [string, object] => [`bucket ${JSON.stringify(bucket)}`, { destination: { bucket } }],
    ),
    ...[
      'http://h/path',
      'http://u:p@h',
      'file:///etc/passwd',
      'http://h?x',
      'http://h#x',
      'gopher://h',
      'http://h/../..',
      'javascript:1',
      'http://h\r\nX: y',
    ].map((endpoint): [string, object] => [
      `endpoint ${JSON.stringify(endpoint)}`,
      { destination: { bucket: 'bbb', endpoint } },
    ]),
    ...['us-east-1.evil.example', 'us-east-1/', 'us east', '@', 'x'.repeat(33), 'a#'].map(
      (region): [string, object] => [`region ${JSON.stringify(region)}`, { destination: { bucket: 'bbb', region } }],
    ),
    ['a parameter with a query', { destination: { bucket: 'bbb', credentials: { ssmParameter: 'a b?c' } } }],
    ['a role that is none', { destination: { bucket: 'bbb', credentials: { roleArn: 'arn:aws:iam::1:user/x' } } }],
    ['a prefix with half a character', { destination: { bucket: 'bbb', prefix: '\ud800' } }],
    ['a prefix of 1 MB', { destination: { bucket: 'bbb', prefix: 'x'.repeat(1_000_000) } }],
    ['a thousand patterns', { exclude: Array.from({ length: 1000 }, () => '*a') }],
    ['an ACL for everybody', { destination: { bucket: 'bbb', acl: 'public-read-write' } }],
    ['a threshold of everything', { largeObjectThreshold: 1e300 }],
    ['an unknown field', { [escapes]: 1 }],
    ['a hundred thousand faults', { exclude: Array.from({ length: 100_000 }, () => 0) }],
  ])('(%s) is refused', async (_name, more) => {
    const failure = await failureOf(Promise.resolve().then(() => parseConfiguration(fileOf(more), 'file')));
    expect(failure.name).toBe('InvalidTask');
    expect(failure.message).not.toMatch(obeyed);
    expect(failure.message.length).toBeLessThan(20_000);
  });
});

describe('terminal output', () => {
  it('escapes control characters in messages about keys, answers and tasks', () => {
    expect(quoted(escapes)).not.toMatch(obeyed);
    expect(quoted(`${'x'.repeat(119)}🚢`)).not.toMatch(/\p{Cs}/u);
    expect(quoted('é 🚢 日本')).toBe('"é 🚢 日本"');
    const error = Object.assign(new Error(escapes), { name: escapes, $metadata: { httpStatusCode: 400 } });
    expect(faultOf(error, 'x').message).not.toMatch(obeyed);
    expect(visibleLines(`one\n${escapes}`)).not.toMatch(obeyed);
    expect(visibleLines('one\ntwo')).toBe('one\ntwo');
    expect(() => parseS3Notification(escapes)).toThrow(/^S3 event notification is not JSON: [ -~]*$/);
  });

  it('groups dead letters only by names of tasks and faults', async () => {
    const letter = (id: string, body: string, reason: string): DeadLetter => ({
      id,
      body,
      reason,
      receipt: id,
      sentAt: 0,
    });
    const asJob = (task: string): string => JSON.stringify({ job: { task, key: 'k', action: 'copy' } });
    const letters = [
      letter('1', asJob(escapes), `${escapes}: x`),
      letter('2', asJob('__proto__'), '__proto__: x'),
      letter('3', asJob('constructor'), 'constructor: x'),
      letter('4', encodeJob({ task: 'constructor', key: objectKey('k'), action: 'copy' }), 'AccessDenied: x'),
    ];
    const queues: RedriveQueues = {
      receive: () => Promise.resolve(letters.splice(0)),
      send: () => Promise.resolve(new Set()),
      remove: () => Promise.resolve(new Set()),
      release: () => Promise.resolve(),
    };
    const { tasks, reasons } = await redrive(queues, { dryRun: true, startedAt: 1 });
    expect(Object.entries(tasks)).toEqual([
      ['(unknown)', 2],
      ['constructor', 2],
    ]);
    expect(Object.entries(reasons).sort()).toEqual([
      ['(none)', 1],
      ['AccessDenied', 1],
      ['__proto__', 1],
      ['constructor', 1],
    ]);
  });

  it('escapes control characters in the message for an unknown option', async () => {
    const run = promisify(execFile)(process.execPath, [
      'local/start.ts',
      '--from',
      `/nowhere${escapes.replaceAll('\0', '')}`,
    ]);
    // An error of another realm than this one.
    const failure = (await run.catch((error: unknown) => error)) as { code: number; stderr: string };
    expect(failure.code).toBe(2);
    expect(failure.stderr).not.toMatch(obeyed);
    expect(failure.stderr).toContain('\\u001b[2J');
  });
});
