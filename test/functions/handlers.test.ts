import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { cancel, pause } from '../../shared/model/control.ts';
import { encodeJob, type Job } from '../../shared/model/job.ts';
import { MiB } from '../../shared/model/limits.ts';
import type {
  AbandonUploadInput,
  CheckDeletesInput,
  CheckedDeletes,
  CheckUploadInput,
  FindObjectsState,
  FinishRunInput,
  FinishedRun,
  DrainingRun,
  PlanSyncInput,
  PlanUploadInput,
  SupersededRun,
  SyncPlan,
  UploadPartsInput,
  UploadState,
} from '../../shared/model/messages/payloads.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { noCounts } from '../../shared/model/run-counts.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { invocation, startEndpoint, type Endpoint } from '../support/endpoint.ts';
import { noAttributes } from '../support/objects.ts';

type Handler<Event, Result> = (event: Event, context: ReturnType<typeof invocation>) => Promise<Result>;

const task = {
  name: 'copies',
  source: { bucket: 'source', prefix: 'in/' },
  destination: { bucket: 'destination', prefix: 'out/', storageClass: 'STANDARD_IA' },
  serverSideCopy: 'never',
  events: 'create-delete',
  largeObjectThreshold: '6 MiB',
  partSize: '5 MiB',
};

let world: Endpoint;
let source: ObjectStore;
let destination: ObjectStore;
let lines: string[];
const outputs = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];

beforeAll(async () => {
  world = await startEndpoint(['source', 'destination']);
  source = world.bucket('source');
  destination = world.bucket('destination');
  world.putTask('copies', JSON.stringify(task));
  world.putTask('broken', '{"name":"broken","source":{"bucket":"elsewhere"},"typo":1}');
});
afterAll(async () => {
  for (const output of outputs) output.mockRestore();
  await world.stop();
});
beforeEach(() => {
  world.fault = () => undefined;
  captureLines();
});

/** Collects the JSON lines that the handlers log, from now on, in `lines`. */
function captureLines(): void {
  const captured: string[] = [];
  lines = captured;
  for (const output of outputs) {
    output.mockImplementation((chunk) => {
      const text = String(chunk);
      captured.push(...text.split('\n').filter((line) => line.startsWith('{')));
      return true;
    });
  }
}

/** Lets the store refuse to write the object. */
function denyPut(denied: string): void {
  world.fault = ({ operation, key }) =>
    operation === 'PutObject' && key === denied ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined;
}

/** A handler as Lambda calls it: its event and its result pass through JSON. */
async function handlerOf<Event, Result>(name: string): Promise<Handler<Event, Result>> {
  const { handler } = (await import(`../../functions/${name}/index.ts`)) as { handler: Handler<Event, Result> };
  return async (event, context) => {
    const result = await handler(JSON.parse(JSON.stringify(event)) as Event, context);
    return (result === undefined ? result : JSON.parse(JSON.stringify(result))) as Result;
  };
}

async function put(key: string, text: string | Buffer): Promise<void> {
  const data = Buffer.from(text);
  await source.put(objectKey(key), { data, size: data.length }, noAttributes);
}

async function copied(key: string): Promise<string | undefined> {
  const opened = await destination.get(objectKey(key));
  return opened && (await buffer(opened.body)).toString();
}

/** The sum of a metric over log lines. */
function metric(name: string, from: readonly string[] = lines): number {
  return from
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => '_aws' in line && name in line)
    .reduce((sum, line) => sum + [line[name]].flat().reduce<number>((a, b) => a + Number(b), 0), 0);
}

const job = (key: string, more: Partial<Job> = {}): Job => ({
  task: 'copies',
  key: objectKey(key),
  action: 'copy',
  ...more,
});

function notification(name: string, key: string): string {
  const object = { key: encodeURIComponent(key).replaceAll('%20', '+'), size: 3, eTag: 'e', sequencer: '00' };
  const s3 = { s3SchemaVersion: '1.0', configurationId: 'c', bucket: { name: 'source' }, object };
  const common = { eventVersion: '2.1', eventSource: 'aws:s3', eventTime: new Date(Date.now() - 1000).toISOString() };
  return JSON.stringify({ Records: [{ ...common, eventName: name, s3 }] });
}

describe('copy-objects', () => {
  let handler: Handler<SQSEvent, SQSBatchResponse>;
  beforeAll(async () => {
    handler = await handlerOf('copy-objects');
  });

  describe('with a batch of every kind of message', () => {
    const bodies = {
      job: encodeJob(job('in/one')),
      event: notification('ObjectCreated:Put', 'in/a b+c/😀'),
      testEvent: JSON.stringify({
        ...{ Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-11-01T00:00:00Z', Bucket: 'source' },
      }),
      malformed: 'malformed',
      failing: encodeJob(job('in/failing')),
      large: encodeJob(job('in/large', { size: 7 * MiB })),
      gone: encodeJob(job('in/gone')),
    };
    const messageIds = new Map<string, string>();
    let answer: SQSBatchResponse;
    let written: string[];

    beforeAll(async () => {
      await put('in/one', 'one');
      await put('in/a b+c/😀', 'two');
      await put('in/failing', 'three');
      await put('in/large', Buffer.alloc(7 * MiB));
      for (const body of Object.values(bodies)) await world.send(body);
      denyPut('out/failing');
      captureLines();
      const event = await world.receive();
      for (const { body, messageId } of event.Records) messageIds.set(body, messageId);
      answer = await handler(event, invocation());
      written = lines;
    });

    it('receives all messages, and returns only the failed job to the queue', () => {
      expect(messageIds.size).toBe(Object.keys(bodies).length);
      expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: messageIds.get(bodies.failing) }] });
    });

    it.each([
      { what: 'the object of a job', key: 'out/one', text: 'one' },
      { what: 'the object of an event', key: 'out/a b+c/😀', text: 'two' },
      { what: 'nothing for a failed job', key: 'out/failing', text: undefined },
    ])('writes $what', async ({ key, text }) => {
      expect(await copied(key)).toBe(text);
    });

    it('buries the malformed message with its reason', async () => {
      expect(await world.letters()).toEqual([
        { body: 'malformed', reason: expect.stringMatching(/^InvalidInput: .*not JSON/) },
      ]);
      const id = `message:${messageIds.get(bodies.malformed)}`;
      expect(await world.ledger.get('(unknown)', id)).toMatchObject({ status: 'FAILED' });
    });

    it('records the copied object, and not yet the failed one', async () => {
      expect(await world.ledger.get('copies', 'in/one')).toMatchObject({ status: 'DONE', route: 'put', size: 3 });
      expect(await world.ledger.get('copies', 'in/failing')).toBeUndefined();
    });

    it('starts one execution, for the large object', () => {
      expect(world.executions()).toEqual([expect.stringMatching(/^copies-[0-9a-f]{40}-1$/)]);
    });

    it.each([
      ['ObjectsCopied', 2],
      ['BytesCopied', 6],
      ['ExecutionsStarted', 1],
      ['ObjectsSkipped', 1],
      ['ObjectsFailed', 1],
    ])('publishes the metric %s: %i', (name, sum) => {
      expect(metric(name, written)).toBe(sum);
    });

    it('publishes the delay from the event to the copy', () => {
      expect(metric('EventToDone', written)).toBeGreaterThanOrEqual(1000);
    });

    it('logs failures with the names of their faults and codes of the store, and no key', () => {
      const failed = written
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .find(({ keyHash }) => keyHash !== undefined);
      expect(failed).toMatchObject({ fault: 'AccessDenied', code: 'AccessDenied' });
      expect(written.join('')).not.toContain('failing');
    });

    it('logs failures with their message IDs, and no secret', () => {
      const log = written.join('\n');
      expect(log).not.toContain('secret/EXAMPLE+key');
      expect(log).toContain('failed, delivered again');
      expect(log).toContain(`"messageId":"${messageIds.get(bodies.malformed)}"`);
      expect(log).not.toContain('reserved key');
    });
  });

  it('sends a large object back, delayed and not counted, while there are as many executions as may be', async () => {
    const { DynamoOpenUploads } = await import('../../shared/aws/dynamodb/open-uploads.ts');
    const { createTableClient } = await import('../../shared/aws/service-clients.ts');
    const open = new DynamoOpenUploads(createTableClient(), process.env['LEDGER_TABLE']!);
    const limit = Number(process.env['UPLOADS_AT_ONCE']);
    let admitted = 0;
    while (await open.admit(limit)) admitted++;
    await put('in/waits', Buffer.alloc(7 * MiB));
    await world.send(encodeJob(job('in/waits', { size: 7 * MiB })));
    const before = world.executions().length;
    expect(await handler(await world.receive(), invocation())).toEqual({ batchItemFailures: [] });
    expect(world.executions()).toHaveLength(before);
    expect(metric('JobsHeld')).toBe(1);
    expect(await world.letters()).toEqual([]);
    for (let left = admitted; left > 0; left--) await open.release();
  });

  it('buries a job that fails on its last delivery, with the reason in the ledger', async () => {
    denyPut('out/denied');
    await put('in/denied', 'x');
    await world.send(encodeJob(job('in/denied')));
    const event = await world.receive();
    for (const record of event.Records) record.attributes.ApproximateReceiveCount = '3';
    expect(await handler(event, invocation())).toEqual({ batchItemFailures: [] });
    const letters = await world.letters();
    expect(letters).toEqual([{ body: encodeJob(job('in/denied')), reason: expect.stringMatching(/^AccessDenied: /) }]);
    expect(await world.ledger.get('copies', 'in/denied')).toMatchObject({ status: 'FAILED', attempts: 3 });
  });

  it('returns a failed event to the queue of events, from which it came', async () => {
    denyPut('out/event-denied');
    await put('in/event-denied', 'x');
    await world.send(notification('ObjectCreated:Put', 'in/event-denied'), 'events');
    const event = await world.receive('events');
    const itemIdentifier = event.Records[0]?.messageId;
    expect(await handler(event, invocation())).toEqual({ batchItemFailures: [{ itemIdentifier }] });
    // If the receipt were another queue's, the job would be sent again.
    expect((await world.receive('jobs')).Records).toEqual([]);
    expect((await world.receive('events')).Records).toEqual([]);
  });

  it('deletes an object after a removal event, and buries a job of an unknown task', async () => {
    await put('in/old', 'old');
    await world.send(encodeJob(job('in/old')));
    await handler(await world.receive(), invocation());
    expect(await copied('out/old')).toBe('old');
    await source.delete(objectKey('in/old'));
    await world.send(notification('ObjectRemoved:Delete', 'in/old'));
    await world.send(encodeJob(job('in/x', { task: 'unconfigured' })));
    expect(await handler(await world.receive(), invocation())).toEqual({ batchItemFailures: [] });
    expect(await copied('out/old')).toBeUndefined();
    expect(await world.ledger.get('copies', 'in/old')).toMatchObject({ status: 'DELETED' });
    const reasons = (await world.letters()).map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringMatching(/^UnknownTask: task: found .*unconfigured/));
  });

  it('retries a busy store within one call', async () => {
    await put('in/busy', 'x');
    let times = 2;
    world.fault = ({ operation }) =>
      operation === 'PutObject' && times-- > 0 ? { kind: 'status', status: 503, code: 'SlowDown' } : undefined;
    await world.send(encodeJob(job('in/busy')));
    expect(await handler(await world.receive(), invocation())).toEqual({ batchItemFailures: [] });
    expect(await copied('out/busy')).toBe('x');
  });
});

describe('the functions of the SYNC machine', () => {
  const run = { run: 'run-1', startedAt: '2026-11-01T00:00:00.000Z' };

  it('plan a run, find its objects, and record its counts', async () => {
    const plan = await handlerOf<PlanSyncInput, SyncPlan>('plan-sync');
    const find = await handlerOf<FindObjectsState, FindObjectsState>('find-objects');
    const finish = await handlerOf<FinishRunInput, FinishedRun>('finish-run');
    const input = { task: 'copies', prefix: 'in/run/' };
    for (const key of ['a', 'b', 'c']) await put(`in/run/${key}`, key);
    const planned = await plan({ ...run, input }, invocation());
    expect(planned).toEqual({
      task: 'copies',
      ...run,
      dryRun: false,
      prefix: 'in/run/',
      prefixList: {},
      segments: [{}],
    });

    let state: FindObjectsState = { ...planned, segment: {} };
    const calls: boolean[] = [];
    // Each call has time for one key only.
    while (state.done !== true && calls.length < 10) {
      state = await find(state, invocation(1000));
      calls.push(state.done === true);
    }
    expect(calls).toEqual([false, false, true]);
    const { Records } = await world.receive();
    expect(Records.map(({ body }) => (JSON.parse(body) as { job: Job }).job.key).sort()).toEqual(
      ['a', 'b', 'c'].map((key) => `in/run/${key}`),
    );
    expect(metric('KeysListed')).toBe(3);
    expect(metric('JobsFound')).toBe(3);

    const { counts, event } = await finish({ ...run, input, results: [{ counts: state.counts! }] }, invocation());
    expect(counts).toMatchObject({ listed: 3, jobs: 3, bytes: 3 });
    expect(event).toMatchObject({ task: 'copies', run: 'run-1', status: 'DONE', found: 3 });
    expect(await world.ledger.getRun('copies', 'run-1')).toMatchObject({ status: 'DONE', counts });
  });

  it('begin no run of a task that may not work now, except to look', async () => {
    const plan = await handlerOf<PlanSyncInput, SyncPlan>('plan-sync');
    world.putTask('off', JSON.stringify({ ...task, name: 'off', enabled: false }));
    const superseded = { task: 'off', by: '', reason: 'task off is not enabled' };
    expect(await plan({ ...run, input: { task: 'off' } }, invocation())).toEqual({ superseded });
    expect(await plan({ ...run, input: { task: 'off', dryRun: true } }, invocation())).toMatchObject({ dryRun: true });
  });

  it('hold a run that is paused, and end one that is cancelled without calling it done', async () => {
    const find = await handlerOf<FindObjectsState, FindObjectsState>('find-objects');
    const finish = await handlerOf<FinishRunInput, FinishedRun>('finish-run');
    // A task of its own: handlers believe for 15 seconds what they have read of one.
    for (const name of ['paused', 'cancelled']) world.putTask(name, JSON.stringify({ ...task, name }));
    const order = { since: Date.now() - 60_000, reason: '', by: 'me' };
    await world.controls.change('paused', (control) => pause(control, order));
    await world.controls.change('cancelled', (control) => cancel(control, order, 'run-1'));
    const plan = { ...run, dryRun: false, prefix: 'in/', prefixList: {}, segment: {}, deletes: 'hold' as const };

    const held = await find({ ...plan, task: 'paused' }, invocation());
    expect(held).toEqual({ ...plan, task: 'paused', done: false, waitSeconds: expect.any(Number) });
    expect(held.waitSeconds).toBeGreaterThan(10);

    const found = { ...noCounts, listed: 5, jobs: 2, deletes: 3 };
    const ended = await find({ ...plan, task: 'cancelled', counts: found, examples: ['x'] }, invocation());
    expect(ended).toMatchObject({ done: true, counts: { listed: 5, jobs: 2, deletes: 0 }, examples: [] });
    await finish({ ...run, input: { task: 'cancelled' }, results: [{ counts: ended.counts! }] }, invocation());
    expect(await world.ledger.getRun('cancelled', 'run-1')).toMatchObject({
      ...{ status: 'CANCELLED', reason: 'run run-1 of task cancelled was cancelled' },
    });
    expect(await world.ledger.getLastRun('cancelled')).toBeUndefined();
    expect([metric('RunsDone'), metric('RunsFailed')]).toEqual([0, 0]);
    expect((await world.receive()).Records).toEqual([]);
  });

  it.each([
    [{ task: 'unconfigured' }, 'UnknownTask', 'task: found "unconfigured"'],
    [{ task: '../x' }, 'UnknownTask', 'task: found "../x"'],
    [{ task: 'broken' }, 'InvalidTask', 'typo: unknown option'],
    [{ tasks: 'copies' }, 'InvalidInput', 'task: is missing'],
    [{ task: 'copies', prefix: 'out/' }, 'InvalidInput', 'prefix: found "out/"'],
    ['copies', 'InvalidInput', 'found "copies"'],
  ])('refuse the input %j with fault %s', async (input, name, message) => {
    const plan = await handlerOf<PlanSyncInput, SyncPlan>('plan-sync');
    const refused = plan({ ...run, input }, invocation());
    await expect(refused).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  it('admit one run of a task at a time, as its executions are', async () => {
    const plan = await handlerOf<PlanSyncInput, SyncPlan | SupersededRun>('plan-sync');
    world.putTask('owned', JSON.stringify({ ...task, name: 'owned' }));
    const execution = 'arn:aws:states:us-east-1:000000000000:execution:upload:';
    const begin = (name: string) =>
      plan(
        { run: name, startedAt: run.startedAt, execution: execution + name, input: { task: 'owned' } },
        invocation(),
      );
    expect(await begin('run-1')).toMatchObject({ run: 'run-1' });
    // It was admitted a moment ago, so its execution may not be visible yet.
    expect(await begin('run-2')).toMatchObject({ superseded: { task: 'owned', by: 'run-1' } });
    expect(metric('RunsSuperseded')).toBe(1);
    expect(await world.ledger.getRun('owned', 'run-1')).toMatchObject({ status: 'RUNNING' });
    expect(await world.ledger.getRun('owned', 'run-2')).toMatchObject({ status: 'SUPERSEDED' });
  });

  it('wait for the jobs of a run, and record how its objects ended, with the slowest and those that failed', async () => {
    const check = await handlerOf<DrainingRun, DrainingRun>('check-run');
    const finish = await handlerOf<FinishRunInput, FinishedRun>('finish-run');
    const copy = await handlerOf<SQSEvent, SQSBatchResponse>('copy-objects');
    const owned = { run: 'run-9', startedAt: run.startedAt, input: { task: 'copies' } };
    await put('in/owned', 'owned');
    await put('in/failed', 'failed');
    const results = [{ counts: { ...noCounts, jobs: 2 } }];
    let state: DrainingRun = { task: 'copies', ...owned, results, deleted: [], refusal: '' };
    state = await check(state, invocation());
    expect(state.drain).toMatchObject({ state: 'waiting', waitSeconds: 2 });
    await world.send(encodeJob(job('in/owned', { run: 'run-9' })));
    await copy(await world.receive(), invocation());
    world.fault = ({ operation, key }) =>
      operation === 'PutObject' && key === 'out/failed' ? { kind: 'status', status: 400, code: 'Odd' } : undefined;
    await world.send(encodeJob(job('in/failed', { run: 'run-9' })));
    await copy(await world.receive(), invocation());
    state = await check(state, invocation());
    expect(state.drain).toMatchObject({ state: 'ended', ends: { put: 1, failed: 1, bytes: 5 } });
    const { event, notice } = await finish(state, invocation());
    const numbers = { found: 2, copied: 1, failed: 1, skipped: 0, bytes: 5, unaccounted: 0 };
    expect(event).toMatchObject({ ...numbers, routes: { put: 1, multipart: 0, serverSideCopy: 0 } });
    expect(JSON.stringify({ event, notice })).not.toContain('in/');
    expect(await world.ledger.getRun('copies', 'run-9')).toMatchObject({
      slowest: [{ key: 'in/owned', bytes: 5 }],
      failedKeys: ['in/failed'],
    });
    expect(await world.letters()).toHaveLength(1);
  });

  it('name the side whose bucket does not exist', async () => {
    world.putTask('lost', JSON.stringify({ ...task, name: 'lost', destination: { bucket: 'not-there' } }));
    const plan = await handlerOf<PlanSyncInput, SyncPlan>('plan-sync');
    await expect(plan({ ...run, input: { task: 'lost' } }, invocation())).rejects.toMatchObject({
      name: 'BucketNotFound',
      message: 'task lost, destination.bucket: bucket "not-there" does not exist',
    });
  });

  it('refuse deletes that the last run makes unlikely, and let few others pass', async () => {
    const check = await handlerOf<CheckDeletesInput, CheckedDeletes>('check-deletes');
    const finish = await handlerOf<FinishRunInput, FinishedRun>('finish-run');
    const input = { task: 'copies', prefix: 'in/guarded/' };
    const segments = [{ until: 'm' }, { after: 'm' }];
    const plan = { ...input, ...run, dryRun: false, prefixList: {}, segments };
    const found = (listed: number, deletes: number) => ({ counts: { ...noCounts, listed, deletes }, examples: ['k'] });
    const results = [found(2, 0), found(2, 3)];
    expect(await check({ input, plan: { ...plan, results } }, invocation())).toEqual({
      ...input,
      ...run,
      dryRun: false,
      prefixList: {},
      results: [{ counts: { ...noCounts, listed: 4, deletes: 3 } }],
      segments: [{ segment: { after: 'm' }, deletes: 3 }],
      refusal: '',
    });
    await finish({ ...run, input, results: [found(9, 0)] }, invocation());
    await expect(check({ input, plan: { ...plan, results } }, invocation())).rejects.toMatchObject({
      name: 'DeletesRefused',
      message: expect.stringContaining('lists 4 objects, less than half of the 9'),
    });
  });

  it('record a run that failed', async () => {
    const finish = await handlerOf<FinishRunInput, FinishedRun>('finish-run');
    const error = { Error: 'UnknownTask', Cause: JSON.stringify({ errorMessage: 'task: found "unconfigured"' }) };
    await finish({ ...run, input: { task: 'unconfigured' }, error }, invocation());
    expect(await world.ledger.getRun('unconfigured', 'run-1')).toMatchObject({
      status: 'FAILED',
      reason: 'UnknownTask: task: found "unconfigured"',
    });
    expect(metric('RunsFailed')).toBe(1);
  });
});

describe('the functions of the UPLOAD machine', () => {
  const bytes = Buffer.alloc(11 * MiB, 'large');
  const planInput = (key: string): PlanUploadInput => ({
    job: job(key, { size: bytes.length }),
    attempt: 0,
  });

  it('copy a large object in parts', async () => {
    const plan = await handlerOf<PlanUploadInput, UploadState>('plan-upload');
    const send = await handlerOf<UploadPartsInput, { outcome: string }>('upload-parts');
    const check = await handlerOf<CheckUploadInput, UploadState>('check-upload');
    await put('in/huge', bytes);
    const state = await plan(planInput('in/huge'), invocation());
    if (state.state !== 'uploading') throw new Error(state.state);
    expect(state).toMatchObject({ attempt: 1, missing: 3, batches: [{ parts: [[1, 3]] }], concurrency: 40 });
    const input = { job: state.job, target: state.target, batch: { parts: [[1, 2] as const] } };
    expect(await send(input, invocation())).toEqual({ outcome: 'sent' });
    // Too little time to start a part.
    expect(await send({ ...input, batch: { parts: [[3, 3]] } }, invocation(10_000))).toEqual({ outcome: 'left' });
    const waiting = await check({ ...state, outcomes: [{ outcome: 'sent' }, { outcome: 'left' }] }, invocation());
    expect(waiting).toMatchObject({ state: 'waiting', missing: 1, batches: [{ parts: [[3, 3]] }] });
    // A batch that is sent again, because its call crashed, skips the parts that the destination has.
    for (let call = 1; call <= 2; call++) {
      expect(await send({ ...input, batch: { parts: [[1, 3]] } }, invocation())).toEqual({ outcome: 'sent' });
    }
    expect(await check(waiting, invocation())).toMatchObject({ state: 'finished' });
    expect((await destination.head(objectKey('out/huge')))?.size).toBe(bytes.length);
    expect(await world.ledger.get('copies', 'in/huge')).toMatchObject({ status: 'DONE', route: 'multipart' });
    expect(metric('PartsSent')).toBe(3);
    expect(metric('ObjectsCopied')).toBe(1);
    expect(await plan(planInput('in/huge'), invocation())).toMatchObject({ state: 'finished' });
  });

  it.each([
    ['VerificationFailed', false],
    ['UploadStuck', true],
  ])('record the reason of an upload that failed (%s); is it kept? %s', async (name, kept) => {
    const plan = await handlerOf<PlanUploadInput, UploadState>('plan-upload');
    const abandon = await handlerOf<AbandonUploadInput, unknown>('abandon-upload');
    await put('in/stuck', bytes);
    const state = await plan(planInput('in/stuck'), invocation());
    if (state.state !== 'uploading') throw new Error(state.state);
    const error = { Error: name, Cause: JSON.stringify({ errorMessage: 'no progress' }) };
    const job = { ...state.job, etag: state.target.sourceEtag };
    await abandon({ job, execution: 'e', error }, invocation());
    const parts = await destination
      .listParts(objectKey('out/stuck'), state.target.uploadId)
      .catch((fault: unknown) => fault);
    expect(parts).toMatchObject(kept ? [] : { name: 'UploadGone' });
    if (kept) await destination.abortUpload(objectKey('out/stuck'), state.target.uploadId);
    const entry = await world.ledger.get('copies', 'in/stuck');
    expect(entry).toMatchObject({ status: 'FAILED', reason: `${name}: no progress` });
    expect(entry?.upload !== undefined).toBe(kept);
    expect(await world.letters()).toEqual([{ body: encodeJob(job), reason: `${name}: no progress` }]);
    expect(metric('ObjectsFailed')).toBe(1);
  });

  it.each([
    [{ task: 'copies' }, 'key: is missing'],
    [{ task: 'copies', key: 'in/k', action: 'copy', size: 'big' }, 'size: found "big", expected number'],
    ['in/k', 'found "in/k", expected Object'],
    [null, 'found null, expected Object'],
  ])('refuse an execution that was started with %j, and record the refusal', async (input, message) => {
    const plan = await handlerOf<PlanUploadInput, UploadState>('plan-upload');
    const abandon = await handlerOf<AbandonUploadInput, unknown>('abandon-upload');
    const common = { job: input as unknown as Job, execution: 'by-hand' };
    const refused = plan({ ...common, attempt: 0 }, invocation());
    await expect(refused).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining(message) });
    await abandon({ ...common, error: { Error: 'InvalidInput', Cause: 'why' } }, invocation());
    expect(await world.ledger.get('(unknown)', 'execution:by-hand')).toMatchObject({ reason: 'InvalidInput: why' });
    expect(await world.letters()).toEqual([{ body: JSON.stringify({ job: input }), reason: 'InvalidInput: why' }]);
  });
});

describe('readEnvironment', () => {
  it('names every missing variable, and returns a frozen object', async () => {
    const { readEnvironment } = await import('../../functions/environment.ts');
    expect(() => readEnvironment(['TASKS_PATH', 'NOT_SET', 'NOR_THIS'])).toThrow(
      'environment: missing NOT_SET, NOR_THIS',
    );
    const environment = readEnvironment(['TASKS_PATH']);
    expect(Object.isFrozen(environment)).toBe(true);
  });
});

describe('sweep-uploads', () => {
  it("aborts its tasks' own uploads at the destination, and names the tasks that it could not sweep", async () => {
    const handler = await handlerOf<object, undefined>('sweep-uploads');
    const announced = await destination.createUpload(objectKey('out/swept'), noAttributes);
    await world.ledger.announceUpload('copies', 'in/swept', Date.now());
    const foreign = await destination.createUpload(objectKey('out/theirs'), noAttributes);
    await new Promise((resolve) => setTimeout(resolve, 20));

    await expect(handler({}, invocation())).rejects.toMatchObject({
      name: 'Unavailable',
      message: expect.stringMatching(/^not swept: broken, lost \(/),
    });
    await expect(destination.listParts(objectKey('out/swept'), announced.uploadId)).rejects.toMatchObject({
      name: 'UploadGone',
    });
    expect(await destination.listParts(objectKey('out/theirs'), foreign.uploadId)).toEqual([]);
    // Once for the task, and once for the sum that the alarm uses.
    expect(metric('UploadsSwept')).toBe(2);
    await destination.abortUpload(objectKey('out/theirs'), foreign.uploadId);
  });

  it('does not fail each day for a store that lists no uploads', async () => {
    const handler = await handlerOf<object, undefined>('sweep-uploads');
    world.fault = ({ operation }) =>
      operation === 'ListMultipartUploads' ? { kind: 'status', status: 501, code: 'NotImplemented' } : undefined;
    // The tasks that fail do so for other reasons.
    await expect(handler({}, invocation())).rejects.toThrow(/^not swept: broken, lost \(/);
    world.fault = () => undefined;
  });
});
