import { describe, expect, it } from '@jest/globals';
import { BufferPool } from '../../../../shared/flow/buffer-pool.ts';
import { Fault } from '../../../../shared/model/faults.ts';
import {
  GiB,
  maxEndedUploads,
  maxIdleRounds,
  maxRestarts,
  maxUploadDays,
  MiB,
  TiB,
} from '../../../../shared/model/limits.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { ObjectInfo } from '../../../../shared/model/object.ts';
import { MemoryObjectStore } from '../../../../shared/ports/memory/object-store.ts';
import { checkUpload } from '../../../../shared/transfer/steps/check-upload.ts';
import { planUpload } from '../../../../shared/transfer/steps/plan-upload.ts';
import { sendBatch } from '../../../../shared/transfer/steps/send-batch.ts';
import { runUpload } from '../../../support/upload-machine.ts';
import { partSize, shrunkMiB, MemoryWorld, type MemoryWorldOptions } from '../../../support/memory-world.ts';
import { bytesOf } from '../../../support/objects.ts';

const bytes = bytesOf(11 * shrunkMiB);

async function filled(options: MemoryWorldOptions = {}): Promise<MemoryWorld> {
  const world = new MemoryWorld(options);
  await world.putSource(bytes);
  return world;
}

describe('an execution', () => {
  it('completes without waiting if every part is there', async () => {
    const world = await filled();
    const began = world.clock.now();
    const { path } = await runUpload(() => world.context(), world.job());
    expect(path).toEqual(['plan: uploading', 'check: finished']);
    expect(world.clock.now()).toBe(began);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.finished()).toEqual([expect.objectContaining({ route: 'multipart', bytes: bytes.length })]);
    expect(world.ledger.entries()).toEqual([expect.objectContaining({ status: 'DONE', startedAt: began })]);
    expect(world.openUploads()).toEqual([]);
  });

  it('waits, checks again, and sends only what is missing', async () => {
    const world = await filled();
    let failures = 4;
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploadPart' && call.part === 2 && failures-- > 0) throw new Error('reset');
      },
    };
    const { path } = await runUpload(() => world.context(), world.job());
    expect(path).toEqual(['plan: uploading', 'check: waiting', 'check: uploading', 'check: finished']);
    expect(world.gate.count('uploadPart')).toBe(3);
  });

  it('resumes a batch whose call died halfway, without sending a part twice', async () => {
    const world = await filled();
    const state = await planUpload(world.context(), { job: world.job(), attempt: 0 });
    if (state.state !== 'uploading') throw new Error(state.state);
    const { job, target } = state;
    const send = (): Promise<unknown> =>
      sendBatch(world.context({ partsAtOnce: 1 }), { job, target, batch: { parts: [[1, 3]] } });
    world.at('before', 'uploadPart', () => world.kill(), { nth: 3 });
    await expect(send()).rejects.toThrow('killed');
    world.revive();
    expect(await send()).toBe('sent');
    expect(world.gate.count('uploadPart')).toBe(3);
    expect(await checkUpload(world.context(), state)).toMatchObject({ state: 'finished' });
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
  });

  it('uses a part that arrived late without sending it again', async () => {
    const world = await filled();
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploadPart' && call.part === 3) throw new Error('no answer');
      },
    };
    const state = await planUpload(world.context(), { job: world.job(), attempt: 0 });
    if (state.state !== 'uploading') throw new Error(state.state);
    const { uploadId } = state.target;
    const store = new MemoryObjectStore(world.destinationStorage, 'destination');
    for (const number of [1, 2, 3]) {
      world.revive();
      const data = bytes.subarray((number - 1) * partSize, number * partSize);
      await store.uploadPart({ key: objectKey('k'), uploadId, number }, { data, size: data.length });
    }
    expect(await checkUpload(world.context(), { ...state, state: 'waiting' })).toMatchObject({ state: 'finished' });
  });

  it.each(['uploadPart', 'get'] as const)(
    'waits for the end of an outage of hours at %s, and sends no part twice',
    async (at) => {
      const world = await filled();
      const end = world.clock.now() + 10 * 3_600_000;
      let accepted = 0;
      world.gate.hooks = {
        before: (call) => {
          if (call.operation !== at) return;
          const fails = accepted >= 1 && world.clock.now() < end;
          if (fails) throw new Fault('Unavailable', 'down');
          accepted++;
        },
      };
      // One batch a part, as for parts of 512 MiB.
      const { path } = await runUpload(() => world.context({ partsAtOnce: 1 }), world.job());
      expect(path.at(-1)).toBe('check: finished');
      expect(accepted).toBe(3);
      expect(world.clock.now() - end).toBeLessThan(16 * 60_000);
      // A trial each four minutes at first, and each 15 after hours.
      expect(path.filter((step) => step === 'check: waiting').length).toBeLessThan(80);
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    },
  );

  it('is given up after a day of faults of the surroundings, and its parts remain', async () => {
    const world = await filled();
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploadPart' && call.part === 2) throw new Fault('CredentialsRefused', 'no');
      },
    };
    const began = world.clock.now();
    await expect(runUpload(() => world.context(), world.job())).rejects.toMatchObject({ name: 'UploadStuck' });
    expect((world.clock.now() - began) / 3_600_000).toBeCloseTo(24, 0);
    expect(world.openUploads()).toHaveLength(1);
  });

  it('throws UploadStuck, with its progress, if no new part arrives', async () => {
    const world = await filled();
    world.gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploadPart' && call.part === 2) throw new Fault('VerificationFailed', 'bits');
      },
    };
    await expect(runUpload(() => world.context(), world.job())).rejects.toMatchObject({
      name: 'UploadStuck',
      message: expect.stringMatching(/"k": 1 of 3 parts are missing .* \d+ of them without a new part/),
    });
    expect(world.gate.count('listParts')).toBeLessThanOrEqual(2 * maxIdleRounds);
  });

  it.each([
    ['before', 'uploadPart', 2],
    ['after', 'uploadPart', 3],
    ['before', 'completeUpload', 1],
    ['after', 'completeUpload', 1],
  ] as const)('ends with the new version if the source changes %s %s (%d)', async (when, operation, nth) => {
    for (const size of [11 * shrunkMiB, 6 * shrunkMiB, 1000]) {
      const world = await filled();
      const next = bytesOf(size, 'next');
      world.at(when, operation, () => world.putSource(next), { nth });
      await runUpload(() => world.context(), world.job());
      expect(world.copied()?.bytes.equals(next)).toBe(true);
      expect(world.openUploads()).toEqual([]);
    }
  });

  it.each([
    ['before', 'uploadPart', 2],
    ['after', 'uploadPart', 3],
    ['before', 'completeUpload', 1],
    ['after', 'completeUpload', 1],
  ] as const)('ends with the new metadata if they change %s %s (%d)', async (when, operation, nth) => {
    const world = await filled();
    const attributes = { headers: { contentType: 'a/b' }, metadata: { version: '1' }, tags: {} };
    world.at(when, operation, () => world.putSource(bytes, { attributes }), { nth });
    await runUpload(() => world.context(), world.job());
    expect(world.copied()).toMatchObject(attributes);
    expect(world.openUploads()).toEqual([]);
  });

  it.each([
    ['before', 'uploadPart', 2],
    ['after', 'completeUpload', 1],
  ] as const)(
    'deletes or keeps the copy, as the task says, if the source is deleted %s %s (%d)',
    async (when, operation, nth) => {
      for (const deletes of [true, false]) {
        const world = await filled({ task: { deletes } });
        world.at(when, operation, () => world.deleteSource(), { nth });
        const { state } = await runUpload(() => world.context(), world.job());
        expect(state.state).toBe('finished');
        expect(world.copied() === undefined).toBe(deletes || when === 'before');
        expect(world.openUploads()).toEqual([]);
      }
    },
  );

  it('reads parts from the version that the source has now: the planned one may expire', async () => {
    const world = await filled({ source: { versions: true } });
    const context = world.context();
    const planned = await planUpload(context, { job: world.job(), attempt: 1, ended: 0 });
    if (planned.state !== 'uploading') throw new Error('nothing to send');
    // The same bytes again: another version of the same object.
    await world.putSource(bytes);
    const checked = await checkUpload(context, { ...planned, state: 'waiting', outcomes: [] });
    if (checked.state !== 'uploading') throw new Error(`next is ${checked.state}`);
    expect(checked).toMatchObject({ attempt: planned.attempt });
    expect(checked.target.sourceVersionId).not.toBe(planned.target.sourceVersionId);
    expect(checked.target.sourceVersionId).toBe(world.sourceObject()?.versionId);
  });

  it.each(['plan', 'check'])('throws UploadStuck from %s-upload after 60 days', async (step) => {
    const world = await filled();
    const context = world.context();
    const planned = await planUpload(context, { job: world.job(), attempt: 1, ended: 0 });
    if (planned.state !== 'uploading') throw new Error('nothing to send');
    const next = (): Promise<unknown> =>
      step === 'plan'
        ? planUpload(context, { ...planned, state: 'replan' } as never)
        : checkUpload(context, { ...planned, state: 'waiting', outcomes: [] });
    world.clock.pass(maxUploadDays * 24 * 3_600_000);
    expect(await next()).toMatchObject({ state: 'uploading' });
    world.clock.pass(3_600_000 * 3);
    await expect(next()).rejects.toMatchObject({ name: 'UploadStuck', message: expect.stringContaining('60.1 days') });
  });

  it('throws UploadStuck after a few attempts if the source keeps changing', async () => {
    const world = await filled();
    let version = 0;
    world.gate.hooks = {
      after: async (call) => {
        if (call.operation === 'uploadPart' && call.part === 1)
          await world.putSource(bytesOf(6 * shrunkMiB, `v${++version}`));
      },
    };
    await expect(runUpload(() => world.context(), world.job())).rejects.toMatchObject({ name: 'UploadStuck' });
    expect(version).toBe(maxRestarts);
  });

  it.each([
    [maxRestarts + 2, 'completes'],
    [Infinity, 'throws UploadStuck'],
  ])('after other callers end %d of its uploads: %s', async (ended) => {
    const world = await filled();
    const others = new MemoryObjectStore(world.destinationStorage, 'destination');
    let left = ended;
    world.gate.hooks = {
      before: async (call) => {
        if (call.operation !== 'completeUpload' || left-- <= 0) return;
        for (const uploadId of world.openUploads()) await others.abortUpload(objectKey('k'), uploadId);
      },
    };
    const end = runUpload(() => world.context(), world.job());
    if (ended < Infinity) {
      await end;
      expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    } else {
      await expect(end).rejects.toMatchObject({
        name: 'UploadStuck',
        message: expect.stringMatching(/destination: "k": other callers ended \d+ uploads of it one after another/),
      });
      expect(world.gate.count('createUpload')).toBe(maxEndedUploads + 1);
    }
  });

  it('does nothing for an object that is already there', async () => {
    const world = await filled();
    await world.transfer();
    world.gate.forgetCounts();
    const { path } = await runUpload(() => world.context(), world.job());
    expect(path).toEqual(['plan: finished']);
    expect(world.gate.count('createUpload') + world.gate.count('put')).toBe(0);
  });

  it('ends with one object if it runs twice, beside a consumer', async () => {
    const world = await filled();
    const context = () => world.context();
    await Promise.all([runUpload(context, world.job()), runUpload(context, world.job()), world.transfer()]);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
    expect(world.openUploads()).toEqual([]);
  });

  it('starts no part near the deadline; the next round sends the rest', async () => {
    const world = await filled();
    let left = 3;
    const deadline = { remaining: () => (left > 0 ? 100_000 : 1000) };
    world.gate.hooks = {
      after: (call) => {
        if (call.operation === 'uploadPart') left--;
      },
    };
    const { path } = await runUpload(() => {
      left = 1;
      return world.context({ deadline, partsAtOnce: 1 });
    }, world.job());
    expect(path).toEqual([
      'plan: uploading',
      'check: waiting',
      'check: uploading',
      'check: waiting',
      'check: uploading',
      'check: finished',
    ]);
    expect(world.gate.count('uploadPart')).toBe(3);
  });

  it('throws OutOfTime in one process, and the next call resumes', async () => {
    const world = await filled();
    let left = 1;
    world.gate.hooks = {
      after: (call) => {
        if (call.operation === 'uploadPart') left--;
      },
    };
    const deadline = { remaining: () => (left > 0 ? 100_000 : 1000) };
    await expect(world.transfer('k', { deadline, partsAtOnce: 1 })).rejects.toMatchObject({ name: 'OutOfTime' });
    await world.transfer();
    expect(world.gate.count('uploadPart')).toBe(3);
  });

  it('starts no part that waited for memory until the deadline passed', async () => {
    const world = await filled();
    let left = 100_000;
    world.gate.hooks = {
      after: (call) => {
        if (call.operation === 'uploadPart') left = -1;
      },
    };
    const overrides = { deadline: { remaining: () => left }, partsAtOnce: 3, buffers: new BufferPool(partSize) };
    await expect(world.transfer('k', overrides)).rejects.toMatchObject({ name: 'OutOfTime' });
    expect(world.gate.count('uploadPart')).toBe(1);
    await world.transfer();
    expect(world.gate.count('uploadPart')).toBe(3);
    expect(world.copied()?.bytes.equals(bytes)).toBe(true);
  });
});

describe('planUpload, of huge objects', () => {
  /** Plans an upload from a source that claims to have an object of this size. */
  async function planned(
    size: number,
    task: object = {},
    more: object = {},
  ): Promise<Awaited<ReturnType<typeof planUpload>>> {
    const world = await filled({ task: { destination: {}, ...task } });
    const context = world.context();
    const source = Object.create(context.source) as MemoryObjectStore;
    source.head = async () => ({
      ...((await context.source.head(objectKey('k'))) as ObjectInfo),
      size,
      etag: 'f'.repeat(32),
    });
    return planUpload({ ...context, source, ...more }, { job: world.job(), attempt: 0 });
  }

  it('gives parts that are too large to buffer a checksum, because their MD5 is not known before they are sent', async () => {
    expect(await planned(600 * GiB)).not.toHaveProperty('target.checksum');
    expect(await planned(700 * GiB)).toMatchObject({ target: { checksum: 'CRC32', plan: { partSize: 72 * MiB } } });
    const endpoint = { destination: { endpoint: 'https://s3.test' } };
    expect(await planned(700 * GiB, endpoint)).not.toHaveProperty('target.checksum');
  });

  it.each([
    [1, { concurrency: 1, batches: 16 }],
    [12, { concurrency: 12, batches: 192 }],
    // More than the task's own.
    [500, { concurrency: 40, batches: 640 }],
  ])('makes the batches of one round, for the %d calls that the execution may have now', async (calls, expected) => {
    const state = await planned(48 * TiB, {}, { callsAtOnce: async () => calls });
    if (state.state !== 'uploading') throw new Error(state.state);
    expect({ concurrency: state.concurrency, batches: state.batches.length }).toEqual(expected);
    expect(state.missing).toBe(state.target.plan.partCount);
  });

  it('keeps the state within 256 KiB and 1,000 batches', async () => {
    const state = await planned(48 * TiB);
    if (state.state !== 'uploading') throw new Error(state.state);
    expect(state.batches.length).toBeLessThanOrEqual(1000);
    expect(JSON.stringify(state).length).toBeLessThan(256 * 1024);
  });
});
