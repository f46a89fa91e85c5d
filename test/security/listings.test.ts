import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findSegment, type FindContext } from '../../shared/find/find-segment.ts';
import { planRun } from '../../shared/find/plan-run.ts';
import { decodeJob, type Job } from '../../shared/model/job.ts';
import { Fault } from '../../shared/model/faults.ts';
import type { FindObjectsState } from '../../shared/model/messages/payloads.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import type { JobQueue } from '../../shared/ports/job-queue.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { sweepUploads } from '../../shared/transfer/upload/sweep-uploads.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { contextOf } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { HostileStore, listingXml, type Asked, type HostileEntry, type Reply } from '../support/hostile-store.ts';

/** As the queue does: a job is text on its way, and what no consumer would take is no job. */
class CheckedQueue implements JobQueue {
  readonly jobs: Job[] = [];
  send(jobs: readonly Job[]): Promise<void> {
    this.jobs.push(...jobs.map((job) => decodeJob(encodeJob(job))));
    return Promise.resolve();
  }
}

const start: FindObjectsState = {
  task: 'hostile',
  run: 'r',
  dryRun: false,
  prefix: 'in/',
  prefixList: {},
  segment: {},
};
const more = '<IsTruncated>true</IsTruncated>';
const next = (token: string | number): string => `${more}<NextContinuationToken>${token}</NextContinuationToken>`;

const queue = { send: () => Promise.resolve() };

/** Calls the finder again until it is done, as the machine does. */
async function toEnd(finder: FindContext): Promise<void> {
  let state: FindObjectsState = start;
  for (let calls = 0; state.done !== true; calls++) {
    if (calls > 10) throw new Error('no end');
    state = await findSegment(finder, state);
  }
}

describe('a false listing', () => {
  let source: HostileStore;
  let destination: HostileStore;
  /** Both sides say of every object that it is there, and another one. */
  const objects = (asked: Asked, listing: (asked: Asked) => Reply): Reply => {
    if (asked.query.has('list-type')) return listing(asked);
    if (asked.method === 'DELETE') return { status: 204 };
    const changed = asked.method === 'HEAD' && asked.target.startsWith('/bucket/');
    const etag = changed ? '0'.repeat(32) : '900150983cd24fb0d6963f7d28e17f72';
    if (asked.method === 'PUT') return { headers: { etag: `"${etag}"` } };
    return { headers: { etag: `"${etag}"`, 'content-length': '3' }, ...(asked.method === 'GET' && { body: 'abc' }) };
  };

  beforeEach(async () => {
    source = await HostileStore.open();
    destination = await HostileStore.open();
  });

  afterEach(async () => {
    await source.close();
    await destination.close();
  });

  const task = taskBetweenEndpoints({ deletes: true, serverSideCopy: 'never', tags: false });

  /** A run over the two listings, and then all of its jobs. @returns the fault it ended with */
  async function run(
    atSource: (asked: Asked) => Reply,
    atDestination: (asked: Asked) => Reply,
  ): Promise<{ fault: Error | undefined; jobs: Job[] }> {
    source.answer = (asked) => objects(asked, atSource);
    destination.answer = (asked) => objects(asked, atDestination);
    const stores = { source: source.store({ bucket: 'source' }), destination: destination.store() };
    const queue = new CheckedQueue();
    const finder = { task, ...stores, queue, clock: systemClock, deadline: noDeadline, margin: 0 };
    const fault = await toEnd(finder).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    // Gone at the source by now: what a delete job would do is done.
    const transfer = contextOf(task, stores.source, stores.destination);
    for (const job of queue.jobs) {
      if (job.action === 'delete') source.answer = () => ({ status: 404 });
      await transferObject(transfer, job).catch(() => undefined);
      source.answer = (asked) => objects(asked, atSource);
    }
    for (const line of destination.writes) expect(line).toMatch(/^(PUT|DELETE) \/bucket\/out\//);
    expect(source.writes).toEqual([]);
    for (const { key } of queue.jobs) expect(key.startsWith('in/')).toBe(true);
    return { fault, jobs: queue.jobs };
  }

  const empty = (): Reply => ({ body: listingXml([]) });
  const page =
    (entries: readonly HostileEntry[], rest = '', encoding = 'url') =>
    (): Reply => ({ body: listingXml(entries, rest, encoding) });

  const outside = ['out/x', 'in', 'i', '../in/x', '/in/x', 'In/x', '%2e%2e/x', 'in%00', 'x%0d%0a'];
  it.each(outside)('with %j, outside the prefix, is a fault on either side', async (key) => {
    const at = await run(page([{ key }]), empty);
    expect(at.fault).toBeInstanceOf(Fault);
    expect(at.fault?.message).toContain('asked to list keys with prefix "in/"');
    const to = await run(empty, page([{ key: key.replace('out', 'in') }]));
    expect(to.fault).toBeInstanceOf(Fault);
    expect(to.fault?.message).toContain('asked to list keys with prefix "out/"');
    expect([...at.jobs, ...to.jobs]).toEqual([]);
    expect(destination.writes).toEqual([]);
  });

  it.each<[string, readonly HostileEntry[], RegExp]>([
    ['a size that is no number', [{ key: 'in/a', size: 'abc' }], /no valid size/],
    ['a negative size', [{ key: 'in/a', size: -1 }], /no valid size/],
    ['an infinite size', [{ key: 'in/a', size: '1e999' }], /no valid size/],
    ['a size over what numbers hold', [{ key: 'in/a', size: '99999999999999999999' }], /no valid size/],
    ['a broken escape', [{ key: 'in/%zz' }], /not URL-encoded UTF-8/],
    ['an escape of no character', [{ key: 'in/%ff%fe' }], /not URL-encoded UTF-8/],
    ['no key', [{ key: '' }], /which is not a key/],
    ['a key over 1,024 bytes', [{ key: `in/${'x'.repeat(1022)}` }], /which is not a key/],
    ['a key of 60 KB', [{ key: `in/${'x'.repeat(60_000)}` }], /which is not a key/],
    ['a key of 1 MB', [{ key: `in/${'x'.repeat(1_000_000)}` }], /a text of more than 65536 bytes/],
    ['a lone surrogate', [{ key: 'in/&#xD800;' }], /which is not a key/],
    [
      'an ETag with a line end',
      [{ key: 'in/a', etag: 'a&#13;&#10;X-Evil: 1' }],
      /no valid ETag, but "a\\r\\nX-Evil: 1"/,
    ],
    ['an ETag of 60 KB', [{ key: 'in/a', etag: 'e'.repeat(60_000) }], /no valid ETag/],
    ['an ETag of 1 MB', [{ key: 'in/a', etag: 'e'.repeat(1_000_000) }], /a text of more than 65536 bytes/],
    ['a field that is named __proto__', [{ key: 'in/a</Key><__proto__><p>1</p></__proto__><Key>' }], /TypeError/],
    ['elements where text is', [{ key: '<a>in/a</a>' }], /schema type/],
  ])('with %s is a fault that names the problem', async (_name, entries, message) => {
    const { fault, jobs } = await run(page(entries), empty);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault?.name).toBe('Unavailable');
    expect(fault?.message).toMatch(message);
    expect(fault?.message.length).toBeLessThan(1000);
    expect(jobs).toEqual([]);
  });

  it.each<[string, (asked: Asked) => Reply]>([
    ['goes on without a token', page([{ key: 'in/a' }], more)],
    ['gives the same token for ever', page([], next('t'))],
    ['gives the same keys and the same token for ever', page([{ key: 'in/a' }, { key: 'in/b' }], next('t'))],
  ])('that %s ends, however often the finder is called again', async (_name, listing) => {
    const { fault } = await run(listing, empty);
    expect(fault?.message).toMatch(/the listing does not go on/);
    expect(source.asked.filter(({ query }) => query.has('list-type')).length).toBeLessThanOrEqual(30);
  });

  it('that is of empty pages for ever is left when the time of a call runs short, at another place each time', async () => {
    let count = 0;
    source.answer = (): Reply => ({ body: listingXml([], next(count++)) });
    destination.answer = empty;
    const stores = { source: source.store({ bucket: 'source' }), destination: destination.store() };
    let state: FindObjectsState = start;
    for (const [call, pages] of [3, 7, 12].entries()) {
      const deadline = { remaining: () => (count > pages ? 0 : 1000) };
      state = await findSegment({ task, ...stores, queue, clock: systemClock, deadline, margin: 10 }, state);
      expect([call, state.done, state.cursor?.places?.source?.token]).toEqual([call, false, String(pages)]);
    }
    // One page is requested ahead.
    expect(count).toBeLessThanOrEqual(12 + 2);
  });

  it.each<[string, (asked: Asked) => Reply, number]>([
    ['out of order', page([{ key: 'in/b' }, { key: 'in/a' }]), 2],
    ['with a key twice', page([{ key: 'in/a' }, { key: 'in/a' }]), 2],
    ['with a wrong KeyCount', page([{ key: 'in/a' }], '<KeyCount>999999999</KeyCount><MaxKeys>-1</MaxKeys>'), 1],
    ['of another bucket', page([{ key: 'in/a' }], '<Name>other</Name><Prefix>other/</Prefix>'), 1],
    ['that is not encoded as it was asked to be', page([{ key: 'in/a+b' }], '', ''), 1],
    ['in an encoding of its own', page([{ key: 'in/a+b' }], '', 'base64'), 1],
    ['dated before all times', page([{ key: 'in/a', modified: '0000-01-01T00:00:00.000Z' }]), 1],
    ['dated after all times', page([{ key: 'in/a', modified: '9999-12-31T23:59:59.000Z' }]), 1],
    ['with names that JavaScript knows', page([{ key: 'in/__proto__' }, { key: 'in/constructor' }]), 2],
    ['with unknown fields', page([{ key: 'in/a' }], '<constructor><prototype>1</prototype></constructor>'), 1],
    ['with keys that climb', page([{ key: 'in/../../x' }, { key: 'in/..' }]), 2],
  ])('%s leads to jobs only for keys under the prefix', async (_name, listing, jobs) => {
    const ended = await run(listing, empty);
    expect(ended.fault).toBeUndefined();
    // In another order, what was sent before it showed is sent once more.
    expect(new Set(ended.jobs.map(({ key }) => key)).size).toBeLessThanOrEqual(jobs);
    expect(ended.jobs.length).toBeGreaterThanOrEqual(1);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  it('of the destination deletes nothing outside the prefix', async () => {
    const keys = ['out/../../x', 'out/..', 'out/%2e%2e', 'out//x', 'out/__proto__'];
    const { fault, jobs } = await run(empty, page(keys.sort().map((key) => ({ key: encodeURIComponent(key) }))));
    expect(fault).toBeUndefined();
    expect(jobs.map(({ action }) => action)).toEqual(keys.map(() => 'delete'));
    expect(destination.writes.length).toBe(keys.length);
  });

  it('does not enlarge the plan of a run', async () => {
    source.answer = ({ method }) =>
      method === 'HEAD' ? {} : { body: listingXml([{ key: `x${'y'.repeat(60_000)}` }], next(1)) };
    destination.answer = () => ({});
    const stores = { source: source.store({ bucket: 'source' }), destination: destination.store() };
    const plan = planRun(stores, task, { task: 'hostile' }, { run: 'r', startedAt: '' });
    expect((await failureOf(plan)).message).toContain('which is not a key');
  });

  it('of uploads aborts nothing outside the prefix', async () => {
    const upload = (key: string): string =>
      `<Upload><Key>${key}</Key><UploadId>U</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>`;
    const uploadsXml = (uploads: string): string =>
      `<ListMultipartUploadsResult>${uploads}</ListMultipartUploadsResult>`;
    const ledger = new MemoryLedger();
    const initiated = Date.parse('2020-01-01T00:00:00.000Z');
    // What a careless cut of four characters would make of it is an object of the task.
    await ledger.announceUpload('hostile', 'in/a', initiated);
    const sweep = { task, ledger, clock: systemClock, deadline: noDeadline, olderThanMillis: 1000 };
    destination.answer = ({ query }) =>
      query.has('uploadId') ? { body: '<ListPartsResult></ListPartsResult>' } : { body: uploadsXml(upload('out/a')) };
    expect(await sweepUploads({ ...sweep, destination: destination.store() })).toMatchObject({ aborted: 1 });
    destination.asked.length = 0;
    destination.answer = () => ({ body: uploadsXml(upload('zzz/a')) });
    const failure = await failureOf(sweepUploads({ ...sweep, destination: destination.store() }));
    expect(failure.message).toContain('asked to list keys with prefix "out/", got "zzz/a"');
    expect(destination.writes).toEqual([]);
  });
});
