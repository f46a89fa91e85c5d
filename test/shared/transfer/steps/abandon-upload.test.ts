import { describe, expect, it } from '@jest/globals';
import { endsUpload, Fault, faultTable } from '../../../../shared/model/faults.ts';
import { encodeJob, type Job } from '../../../../shared/model/job.ts';
import { MemoryDeadLetters } from '../../../../shared/ports/memory/job-queue.ts';
import { abandonUpload, type AbandonContext } from '../../../../shared/transfer/steps/abandon-upload.ts';
import { runUpload } from '../../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld } from '../../../support/memory-world.ts';
import { bytesOf } from '../../../support/objects.ts';

function failure(name: string): { Error: string; Cause: string } {
  return { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: 'no progress' }) };
}
const error = failure('VerificationFailed');

async function begun(): Promise<{
  world: MemoryWorld;
  deadLetters: MemoryDeadLetters;
  left: Fault[];
  context: AbandonContext;
  job: Job;
}> {
  const world = new MemoryWorld();
  await world.putSource(bytesOf(6 * shrunkMiB));
  const job = world.job('k', { etag: world.sourceObject()!.etag });
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
  return { world, deadLetters, left, context, job };
}

describe('abandonUpload', () => {
  it('aborts the upload after a verdict about it, records the reason and buries the job', async () => {
    const { world, deadLetters, left, context, job } = await begun();
    expect(world.openUploads()).toHaveLength(1);
    await abandonUpload(context, { job, execution: 'e', error });
    expect(world.openUploads()).toEqual([]);
    expect(left).toEqual([]);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({ status: 'FAILED', reason: 'VerificationFailed: no progress' }),
    ]);
    expect(world.ledger.entries()[0]).not.toHaveProperty('upload');
    expect(deadLetters.letters).toEqual([{ body: encodeJob(job), reason: 'VerificationFailed: no progress' }]);
  });

  it.each([
    ...['UploadStuck', 'CredentialsRefused', 'AccessDenied', 'Unavailable', 'Throttled', 'OutOfTime', 'UnknownTask'],
    ...['Lambda.TooManyRequestsException', 'States.Timeout', 'TypeError', 'toString'],
  ])('keeps the upload after %s, which says nothing about its parts', async (name) => {
    const { world, deadLetters, left, context, job } = await begun();
    const [open] = world.openUploads();
    await abandonUpload(context, { job, execution: 'e', error: failure(name) });
    expect(world.openUploads()).toEqual([open]);
    expect(left).toEqual([]);
    expect(world.ledger.entries()).toEqual([
      expect.objectContaining({ status: 'FAILED', upload: expect.objectContaining({ uploadId: open }) }),
    ]);
    expect(deadLetters.letters).toEqual([{ body: encodeJob(job), reason: `${name}: no progress` }]);
  });

  it('aborts only after faults that say that the upload cannot become this copy', () => {
    expect(Object.keys(faultTable).filter(endsUpload)).toEqual([
      'TooLarge',
      'NotSupported',
      'Refused',
      'AttributeLost',
      'VerificationFailed',
      'SourceChanged',
      'SourceGone',
    ]);
  });

  it.each([
    ['bodies', ['get'], 'UploadStuck'],
    ['everything', ['get', 'head'], 'CredentialsRefused'],
  ])(
    'leaves nine parts of ten to a redrive, which sends the tenth, if the source refused %s for a day',
    async (_what, operations, expected) => {
      const world = new MemoryWorld();
      const bytes = bytesOf(10 * partSize);
      await world.putSource(bytes);
      const { context } = await begun();
      const abandoning = { ...context, ledger: world.ledger, destination: async () => world.context() };
      const job = world.job('k', { etag: world.sourceObject()!.etag });
      let sent = 0;
      let refuses = true;
      world.gate.hooks = {
        before: (call) => {
          if (call.operation === 'uploadPart') sent++;
          if (refuses && operations.includes(call.operation) && sent >= 9) throw new Fault('CredentialsRefused', 'no');
        },
      };
      const failed = await runUpload(() => world.context({ partsAtOnce: 1 }), job).catch(
        (error: unknown) => error as Fault,
      );
      const { name, message } = failed as Fault;
      expect(name).toBe(expected);
      await abandonUpload(abandoning, { job, execution: 'e', error: { Error: name, Cause: message } });
      expect(sent).toBe(9);
      expect(world.openUploads()).toHaveLength(1);
      refuses = false;
      await runUpload(() => world.context(), job);
      expect(sent).toBe(10);
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    },
  );

  it.each([
    ['the task was removed', 'destination', () => Promise.reject(new Fault('UnknownTask', 'gone'))],
    ['the destination refuses', 'abortUpload', undefined],
  ])('records and buries even if %s, and keeps the upload for a sweep', async (_name, at, destination) => {
    const { world, deadLetters, left, context, job } = await begun();
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === at) throw new Fault('AccessDenied', 'no');
      },
    };
    await abandonUpload({ ...context, ...(destination && { destination }) }, { job, execution: 'e', error });
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
    // Of an execution that was started by hand.
    await abandonUpload(context, { job: world.job(), execution: 'e', error });
    expect(world.openUploads()).toEqual([open]);
    await abandonUpload(context, { job: world.job('k', { etag: etag.toUpperCase() }), execution: 'e', error });
    expect(world.openUploads()).toEqual([]);
  });

  it('keeps an upload that another caller opened during the abort', async () => {
    const { world, context, job } = await begun();
    world.at('after', 'abortUpload', async () => {
      world.revive();
      world.at('before', 'completeUpload', () => world.kill());
      await world.transfer().catch(() => undefined);
      world.revive();
    });
    await abandonUpload(context, { job, execution: 'e', error });
    expect(world.openUploads()).toEqual([world.ledger.entries()[0]?.upload?.uploadId]);
    await world.transfer();
    expect(world.copied()?.bytes.length).toBe(6 * shrunkMiB);
  });
});
