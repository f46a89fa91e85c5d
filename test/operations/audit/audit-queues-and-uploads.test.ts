import { describe, expect, it } from '@jest/globals';
import { judgeLetter } from '../../../operations/audit/audit-queues.ts';
import { asciiJson, encodeJob } from '../../../shared/model/job.ts';
import { MiB } from '../../../shared/model/limits.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import type { DeadLetter } from '../../../shared/ports/redrive.ts';
import { MemoryWorld } from '../../support/memory-world.ts';
import { Audit } from './audited-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

const hour = 3600_000;

describe('auditTask and a copy in parts', () => {
  /** Starts one, and is killed before its end. */
  async function startCopy(audit: Audit): Promise<void> {
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    audit.world.at('before', 'completeUpload', () => audit.world.kill());
    await audit.world.transfer('in/k').catch(() => undefined);
    audit.world.revive();
  }

  it('reports it as in progress while parts arrive, and as stalled two hours later', async () => {
    const audit = new Audit();
    await startCopy(audit);
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
    audit.world.clock.pass(3 * hour);
    expect(await audit.kinds()).toEqual(['stalled in/k', 'upload-left out/k']);
    const [upload] = audit.world.openUploads();
    const { destination } = audit.world.context();
    await destination.uploadPart(
      { key: objectKey('out/k'), uploadId: upload!, number: 1 },
      { data: bytesOf(5 * MiB), size: 5 * MiB },
    );
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
  });

  it('reports it as in progress while its execution runs, even without other activity', async () => {
    const audit = new Audit();
    await startCopy(audit);
    const { size, etag } = (await audit.world.context().source.head(objectKey('in/k')))!;
    const { execution } = await audit.world.uploads.start({
      task: 'test',
      key: objectKey('in/k'),
      action: 'copy',
      size,
      etag,
    });
    audit.world.clock.pass(30 * hour);
    expect(await audit.kinds()).toEqual(['in-progress in/k', 'upload-in-use out/k']);
    audit.world.uploads.end(execution);
    expect(await audit.kinds()).toEqual(['stalled in/k', 'upload-left out/k']);
  });

  it('reports it as in progress when its execution just started, before the ledger has an entry', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    const { size, etag } = (await audit.world.context().source.head(objectKey('in/k')))!;
    await audit.world.uploads.start({ task: 'test', key: objectKey('in/k'), action: 'copy', size, etag });
    expect(await audit.kinds()).toEqual(['in-progress in/k']);
    await audit.put('source', 'in/k', bytesOf(12 * MiB));
    expect(await audit.kinds()).toEqual(['missing in/k']);
  });

  it('reports it as stalled if its upload is gone, and no open upload', async () => {
    const audit = new Audit();
    await startCopy(audit);
    audit.world.clock.pass(3 * hour);
    await audit.world.context().destination.abortUpload(objectKey('out/k'), audit.world.openUploads()[0]!);
    expect(await audit.kinds()).toEqual(['stalled in/k']);
    expect(audit.findings[0]?.seen).toMatch(/its upload is gone/);
  });

  it('reports an announced and unclaimed upload as left, and an unannounced one as foreign', async () => {
    const audit = new Audit();
    await audit.put('source', 'in/k', bytesOf(11 * MiB));
    audit.world.at('before', 'ledger.claimUpload', () => audit.world.kill());
    await audit.world.transfer('in/k').catch(() => undefined);
    audit.world.revive();
    await audit.world.transfer('in/k');
    audit.world.clock.pass(3 * hour);
    await audit.world.context().destination.createUpload(objectKey('out/theirs'), noAttributes);
    expect(await audit.kinds()).toEqual(['upload-foreign out/theirs', 'upload-left out/k']);
  });
});

describe('auditTask and the queues', () => {
  it('counts the jobs as the task`s own, or as shared if the stack has several tasks', async () => {
    const audit = new Audit();
    for (const key of ['in/1', 'in/2', 'in/3']) await audit.queue.send([audit.world.job(key)]);
    audit.queue.receive(1);
    expect(await audit.kinds()).toEqual(['jobs-in-flight', 'jobs-waiting']);
    expect(audit.findings.map(({ seen }) => seen)).toEqual(['2 messages wait', '1 messages are in flight']);
    expect(await audit.kinds({ hasOtherTasks: true })).toEqual(['queue-busy']);
    // The audit received no job.
    audit.world.clock.pass(hour);
    expect(
      audit.queue
        .receive(10)
        .map(({ receives }) => receives)
        .sort(),
    ).toEqual([1, 1, 2]);
  });

  it('reports the dead letters of the task, and releases all dead letters', async () => {
    const audit = new Audit();
    const letter = (id: string, body: string): DeadLetter => ({
      id,
      body,
      receipt: `r-${id}`,
      sentAt: 0,
      reason: 'TooLarge: x',
    });
    const job = { key: objectKey('in/k'), action: 'copy' as const };
    const batches = [
      [letter('1', encodeJob({ ...job, task: 'test' })), letter('2', encodeJob({ ...job, task: 'other' }))],
      [letter('1', 'again'), letter('3', 'no job')],
    ];
    const released: string[] = [];
    const letters = {
      receive: async () => batches.shift() ?? [],
      release: async (all: readonly DeadLetter[]) => void released.push(...all.map(({ receipt }) => receipt)),
    };
    expect(await audit.kinds({ letters })).toEqual(['dead-letter in/k', 'dead-letters-unknown']);
    expect(released).toEqual(['r-1', 'r-2', 'r-3']);
    expect(audit.findings[0]?.seen).toMatch(/^a job to copy it was buried 1970-.*: TooLarge: x$/);
  });

  it('reports dead letters that another command holds as not compared', async () => {
    const audit = new Audit();
    const deadLetters = new MemoryQueue();
    deadLetters.sendBody('x');
    deadLetters.receive();
    expect(await audit.kinds({ deadLetters })).toEqual(['not-compared']);
  });

  it.each([
    { what: 'an event that the task replicates', bucket: 'source', key: 'in/k x', known: true },
    { what: 'an event of another prefix', bucket: 'source', key: 'else/k', known: false },
    { what: 'an event of another bucket', bucket: 'other', key: 'in/k', known: false },
  ])('judges $what as known: $known', ({ bucket, key, known }) => {
    const task = new MemoryWorld({
      task: { source: { prefix: 'in/' }, destination: { prefix: 'out/' }, events: 'create' },
    }).task;
    const s3 = {
      bucket: { name: bucket },
      object: { key: key.replaceAll(' ', '+'), size: 1, eTag: 'e', sequencer: '0' },
    };
    const record = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 };
    const body = asciiJson({ Records: [{ ...record, eventTime: '2026-11-01T00:00:00.000Z', awsRegion: 'x' }] });
    const judged = judgeLetter(task, { id: '1', body, receipt: 'r', sentAt: 0 });
    expect(judged.known).toBe(known);
    expect(judged.findings.map((finding) => finding.key)).toEqual(known ? [key] : []);
  });
});
