import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../../shared/model/faults.ts';
import { encodeJob, type Job } from '../../../../shared/model/job.ts';
import { MemoryDeadLetters } from '../../../../shared/ports/memory/job-queue.ts';
import { abandonUpload, type AbandonContext } from '../../../../shared/transfer/steps/abandon-upload.ts';
import { shrunkMiB, MemoryWorld } from '../../../support/memory-world.ts';
import { bytesOf } from '../../../support/objects.ts';

const error = {
  Error: 'UploadStuck',
  Cause: JSON.stringify({ errorType: 'UploadStuck', errorMessage: 'no progress' }),
};

async function begun(): Promise<{
  world: MemoryWorld;
  deadLetters: MemoryDeadLetters;
  left: Fault[];
  context: AbandonContext;
}> {
  const world = new MemoryWorld();
  await world.putSource(bytesOf(6 * shrunkMiB));
  world.at('before', 'completeUpload', () => world.kill());
  await world.transfer().catch(() => undefined);
  world.revive();
  const deadLetters = new MemoryDeadLetters(world.gate);
  const left: Fault[] = [];
  const { task, destination } = world.context();
  const context: AbandonContext = {
    destination: async () => ({ task, destination }),
    ledger: world.ledger,
    deadLetters,
    clock: world.clock,
    onLeftover: (fault) => left.push(fault),
  };
  return { world, deadLetters, left, context };
}

describe('abandonUpload', () => {
  it('aborts the upload, records the reason and buries the job', async () => {
    const { world, deadLetters, left, context } = await begun();
    expect(world.openUploads()).toHaveLength(1);
    await abandonUpload(context, { job: world.job(), execution: 'e', error });
    expect(world.openUploads()).toEqual([]);
    expect(left).toEqual([]);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({ status: 'FAILED', reason: 'UploadStuck: no progress' }),
    ]);
    expect(world.ledger.entries()[0]).not.toHaveProperty('upload');
    expect(deadLetters.letters).toEqual([{ body: encodeJob(world.job()), reason: 'UploadStuck: no progress' }]);
  });

  it.each([
    ['the task was removed', 'destination', () => Promise.reject(new Fault('UnknownTask', 'gone'))],
    ['the destination refuses', 'abortUpload', undefined],
  ])('records and buries even if %s, and keeps the upload for a sweep', async (_name, at, destination) => {
    const { world, deadLetters, left, context } = await begun();
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === at) throw new Fault('AccessDenied', 'no');
      },
    };
    await abandonUpload(
      { ...context, ...(destination && { destination }) },
      { job: world.job(), execution: 'e', error },
    );
    expect(left).toHaveLength(1);
    expect(world.openUploads()).toHaveLength(1);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({
        status: 'FAILED',
        upload: expect.objectContaining({ uploadId: world.openUploads()[0] }),
      }),
    ]);
    expect(deadLetters.letters).toHaveLength(1);
  });

  it('records and buries an object without an upload, with a cause that is not JSON as the reason', async () => {
    const { world, deadLetters, context } = await begun();
    const job = world.job('other');
    await abandonUpload(context, { job, execution: 'e', error: { Error: 'States.Timeout', Cause: 'too long' } });
    await abandonUpload(context, { job, execution: 'e', error: { Error: 'States.Timeout' } });
    expect(deadLetters.letters.map(({ reason }) => reason)).toEqual([
      'States.Timeout: too long',
      'States.Timeout: no cause was given',
    ]);
    expect(world.openUploads()).toHaveLength(1);
  });

  it('records and buries the input of an execution that was not started with a job', async () => {
    const { world, deadLetters, context } = await begun();
    for (const job of ['text', null, { task: 'test' }]) {
      await abandonUpload(context, { job: job as unknown as Job, execution: 'e', error });
      expect(await world.ledger.get('(unknown)', 'execution:e')).toMatchObject({ status: 'FAILED' });
      expect(deadLetters.letters.at(-1)?.body).toBe(JSON.stringify({ job }));
    }
  });

  it("keeps the upload of another version than the job's, and aborts that of its own", async () => {
    const { world, deadLetters, context } = await begun();
    const etag = world.sourceObject()!.etag;
    const [open] = world.openUploads();
    await abandonUpload(context, { job: world.job('k', { etag: `${etag}-1` }), execution: 'e', error });
    expect(world.openUploads()).toEqual([open]);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({ status: 'FAILED', upload: expect.objectContaining({ uploadId: open }) }),
    ]);
    expect(deadLetters.letters).toHaveLength(1);
    await abandonUpload(context, { job: world.job('k', { etag: etag.toUpperCase() }), execution: 'e', error });
    expect(world.openUploads()).toEqual([]);
  });

  it('keeps an upload that another caller opened during the abort', async () => {
    const { world, context } = await begun();
    world.at('after', 'abortUpload', async () => {
      world.revive();
      world.at('before', 'completeUpload', () => world.kill());
      await world.transfer().catch(() => undefined);
      world.revive();
    });
    await abandonUpload(context, { job: world.job(), execution: 'e', error });
    expect(world.openUploads()).toEqual([world.ledger.entries()[0]?.upload?.uploadId]);
    await world.transfer();
    expect(world.copied()?.bytes.length).toBe(6 * shrunkMiB);
  });
});
