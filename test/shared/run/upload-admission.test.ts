import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../shared/model/faults.ts';
import { encodeJob, type Job } from '../../../shared/model/job.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { Gate } from '../../../shared/ports/memory/gate.ts';
import { MemoryDeadLetters } from '../../../shared/ports/memory/job-queue.ts';
import { MemoryLedger } from '../../../shared/ports/memory/ledger.ts';
import { MemoryOpenUploads } from '../../../shared/ports/memory/open-uploads.ts';
import { MemoryUploads } from '../../../shared/ports/memory/upload-executions.ts';
import type { NewMessage } from '../../../shared/ports/job-queue.ts';
import { correctionOf, heldSeconds, shareOf, UploadAdmission } from '../../../shared/run/upload-admission.ts';
import { consumeMessage } from '../../../shared/transfer/consume-message.ts';

const minute = 60_000;

function world(limit = 3) {
  const clock = new ManualClock();
  const gate = new Gate();
  const uploads = new MemoryUploads(gate);
  const open = new MemoryOpenUploads(gate);
  const faults: Fault[] = [];
  const process = (): UploadAdmission =>
    new UploadAdmission({ uploads, open, limit, clock, onFault: (fault) => faults.push(fault) });
  return { clock, gate, uploads, open, faults, process };
}

function job(key: number | string): Job {
  return { task: 'one', key: objectKey(`k${key}`), action: 'copy', size: 300, etag: 'e' };
}

describe('UploadAdmission', () => {
  it('starts executions up to the limit, and holds the others back', async () => {
    const { uploads, open, process } = world();
    const admission = process();
    for (const key of [1, 2, 3]) expect(await admission.start(job(key))).toMatchObject({ started: true });
    const held = await admission.start(job(4)).catch((error: unknown) => error);
    expect(held).toMatchObject({ name: 'Held', message: expect.stringContaining('3 executions') });
    const delays = (error: unknown): number => (error as { delaySeconds: number }).delaySeconds;
    expect(delays(held)).toBeGreaterThanOrEqual(8);
    expect(delays(held)).toBeLessThanOrEqual(16);
    expect(uploads.started).toHaveLength(3);
    expect(await open.count()).toBe(3);
  });

  it('holds back for longer the more wait, and forgets them again', async () => {
    const { clock, process } = world(0);
    const admission = process();
    const delay = async (): Promise<number> =>
      ((await admission.start(job(1)).catch((error: unknown) => error)) as { delaySeconds: number }).delaySeconds;
    for (let count = 0; count < 1000; count++) await delay();
    expect(await delay()).toBeGreaterThanOrEqual(150);
    clock.pass(60 * minute);
    expect(await delay()).toBeLessThan(20);
  });

  it('does not ask again for some seconds after it found no room', async () => {
    const { clock, gate, open, process } = world(1);
    const admission = process();
    expect(() => admission.checkRoom()).not.toThrow();
    await admission.start(job(1));
    await expect(admission.start(job(2))).rejects.toMatchObject({ name: 'Held' });
    await open.release();
    expect(() => admission.checkRoom()).toThrow(expect.objectContaining({ name: 'Held' }));
    const asked = gate.count('openUploads.admit');
    await expect(admission.start(job(2))).rejects.toMatchObject({ name: 'Held' });
    expect(gate.count('openUploads.admit')).toBe(asked);
    clock.pass(5_000);
    await admission.start(job(2));
  });

  it.each([
    ['an execution runs already', undefined],
    ['StartExecution is throttled', new Fault('Throttled', 'slow down')],
  ])('counts nothing if %s', async (_what, fault) => {
    const { gate, open, process } = world();
    const admission = process();
    await admission.start(job(1));
    gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploads.start' && fault) throw fault;
      },
    };
    const again = admission.start(job(1));
    if (fault) await expect(again).rejects.toBe(fault);
    else expect(await again).toMatchObject({ started: false });
    expect(await open.count()).toBe(1);
  });

  it('corrects what a crash left, after two comparisons, three minutes apart, by one process of many', async () => {
    const { clock, gate, uploads, open, process } = world(5);
    for (let crashed = 0; crashed < 5; crashed++) await open.admit(5);
    const processes = [process(), process(), process()];
    const tryAll = async (): Promise<number> => {
      const ends = await Promise.allSettled(processes.map((one, index) => one.start(job(`${clock.now()}-${index}`))));
      return ends.filter(({ status }) => status === 'fulfilled').length;
    };
    expect(await tryAll()).toBe(0);
    clock.pass(3 * minute);
    // The second comparison agrees with the first, so there is room at this moment.
    expect(await tryAll()).toBeGreaterThan(0);
    expect(gate.count('uploads.countRunning')).toBe(2);
    expect(await open.count()).toBe(uploads.started.length);
  });

  it('starts executions although they cannot be counted, and says so', async () => {
    const { gate, faults, process } = world();
    gate.hooks = {
      before: (call) => {
        if (call.operation === 'uploads.countRunning') throw new Fault('Throttled', 'ListExecutions');
      },
    };
    expect(await process().start(job(1))).toMatchObject({ started: true });
    expect(faults).toEqual([expect.objectContaining({ message: 'ListExecutions' })]);
  });

  it('buries none of many large objects, however long they wait, and never has more executions than may be', async () => {
    const { clock, uploads, open, process } = world(10);
    const admissions = Array.from({ length: 10 }, process);
    const deadLetters = new MemoryDeadLetters(new Gate());
    const waiting: (NewMessage & { at: number })[] = [];
    const ending: { execution: string; at: number }[] = [];
    let most = 0;
    const consume = (message: NewMessage, index: number): Promise<boolean> =>
      consumeMessage(
        {
          tasks: () => Promise.resolve([]),
          transfer: async (job) => {
            const { execution } = await admissions[index % admissions.length]!.start(job);
            ending.push({ execution, at: clock.now() + 30 * minute });
            return { task: 'one', key: job.key, route: 'execution', bytes: 0, reason: '' };
          },
          ledger: new MemoryLedger(),
          deadLetters,
          redelivery: {
            after: () => Promise.reject(new Error('a delivery was counted')),
            sendAgain: async (again) =>
              void waiting.push({ ...again, at: clock.now() + (again.delaySeconds ?? 0) * 1000 }),
          },
          clock,
          maxReceives: 5,
          giveUpAfterSeconds: 3600,
          onFault: () => undefined,
        },
        {
          ...{ id: 'm', body: message.body, receipt: 'r', receives: 1 },
          ...(message.postponement && { postponement: message.postponement }),
        },
      );
    for (let key = 0; key < 200; key++) waiting.push({ body: encodeJob(job(key)), at: clock.now() });
    const began = clock.now();
    let index = 0;
    while (waiting.length > 0) {
      for (const one of ending.splice(0)) {
        if (one.at > clock.now()) ending.push(one);
        else {
          uploads.end(one.execution);
          await open.release();
        }
      }
      const due = waiting.filter(({ at }) => at <= clock.now());
      for (const message of due) waiting.splice(waiting.indexOf(message), 1);
      for (const message of due) expect(await consume(message, index++)).toBe(true);
      most = Math.max(most, await uploads.countRunning());
      clock.pass(minute / 2);
    }
    expect(deadLetters.letters).toEqual([]);
    expect(uploads.started).toHaveLength(200);
    expect(most).toBe(10);
    // 20 rounds of half an hour at best; each job waited for hours, of which a job may fail for one.
    expect((clock.now() - began) / (20 * 30 * minute)).toBeLessThan(1.2);
  });
});

describe('heldSeconds', () => {
  it.each([
    [1, 0, 16],
    [1, 0.999, 8],
    [100, 0, 115],
    [1e6, 0, 300],
    [1e6, 0.999, 150],
  ])('with a pressure of %d and chance %d is %d', (pressure, random, seconds) => {
    expect(heldSeconds(pressure, random)).toBe(seconds);
  });
});

describe('correctionOf', () => {
  it.each([
    [0, 5, 0],
    [5, 0, 0],
    [5, -3, 0],
    [5, 3, 3],
    [3, 5, 3],
    [-5, -3, -3],
    [-3, -5, -3],
  ])('after differences of %d and %d corrects by %d', (last, now, correction) => {
    expect(correctionOf(last, now)).toBe(correction);
  });
});

describe('shareOf', () => {
  it.each([
    [735, 0, 735],
    [735, 1, 735],
    [735, 10, 73],
    [735, 735, 1],
    [735, 2000, 1],
  ])('of %d calls with %d executions is %d', (calls, open, share) => {
    expect(shareOf(calls, open)).toBe(share);
  });
});
