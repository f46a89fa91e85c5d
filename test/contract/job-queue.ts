import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJob, encodeJob, type Job } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { Postponement } from '../../shared/model/postponement.ts';
import type { CountedQueue } from '../../shared/ports/queue-depth.ts';
import type { DeadLetters, JobQueue, Redelivery } from '../../shared/ports/job-queue.ts';

export interface Received {
  readonly body: string;
  readonly receipt: string;
  readonly receives: number;
  readonly postponement?: Postponement;
}

export interface QueueSubject {
  readonly queue: JobQueue;
  readonly counted: CountedQueue;
  readonly redelivery: Redelivery;
  readonly deadLetters: DeadLetters;
  /** receives the visible messages, at most ten */
  receive(): Promise<Received[]>;
  /** deletes a message */
  remove(receipt: string): Promise<void>;
  /** lets time pass */
  pass(milliseconds: number): Promise<void>;
  letters(): Promise<{ body: string; reason: string }[]>;
  close(): Promise<void>;
}

/** The obligations of JobQueue, Redelivery and DeadLetters (shared/ports/job-queue.ts). */
export function describeQueue(name: string, open: () => Promise<QueueSubject>): void {
  describe(`JobQueue: ${name}`, () => {
    let subject: QueueSubject;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.close());

    async function receiveAll(): Promise<Received[]> {
      const all: Received[] = [];
      for (let batch = await subject.receive(); batch.length > 0; batch = await subject.receive()) all.push(...batch);
      return all;
    }

    it('accepts any number of jobs and delivers each once', async () => {
      const jobs: Job[] = Array.from({ length: 37 }, (_, index) => ({
        task: 't',
        key: objectKey(`k${index}`),
        action: 'copy',
        run: 'a b/c',
      }));
      await subject.queue.send([]);
      await subject.queue.send(jobs.slice(0, 10));
      await subject.queue.send(jobs.slice(10));
      const got = (await receiveAll()).map(({ body }) => decodeJob(body));
      expect(got.sort((a, b) => Number(a.key.slice(1)) - Number(b.key.slice(1)))).toEqual(jobs);
    });

    it('accepts every legal key', async () => {
      const keys = ['\u{fffe}', '\u{ffff}', '\0', '\u{1}', '😀', '"\\', 'x'.repeat(1024), '\u{10ffff}'.repeat(256)];
      await subject.queue.send(keys.map((key) => ({ task: 't', key: objectKey(key), action: 'delete' })));
      const got = (await receiveAll()).map(({ body }) => decodeJob(body).key);
      expect(got.sort()).toEqual([...keys].sort());
    });

    it('hides a received message, delivers it again on request, and counts the deliveries', async () => {
      await subject.queue.send([{ task: 't', key: objectKey('k'), action: 'copy' }]);
      const [first] = await subject.receive();
      expect(first?.receives).toBe(1);
      expect(await subject.receive()).toEqual([]);
      await subject.redelivery.after(first!.receipt, 0);
      const [second] = await subject.receive();
      expect(second).toMatchObject({ body: first!.body, receives: 2 });
      expect(await subject.redelivery.after(second!.receipt, 900)).toBe(true);
      expect(await subject.receive()).toEqual([]);
    });

    it('reports that a message is gone, and accepts its job as a new message', async () => {
      const job = { task: 't', key: objectKey('k\u{ffff}'), action: 'copy' } as const;
      await subject.queue.send([job]);
      const [first] = await subject.receive();
      await subject.remove(first!.receipt);
      expect(await subject.redelivery.after(first!.receipt, 0)).toBe(false);
      await subject.redelivery.sendAgain({ body: encodeJob(job) });
      const [second] = await subject.receive();
      expect(second).toMatchObject({ receives: 1 });
      expect(decodeJob(second!.body)).toEqual(job);
    });

    it('sends a message again with a delay and its postponement, which the next delivery has', async () => {
      const body = encodeJob({ task: 't', key: objectKey('k'), action: 'copy' });
      const postponement = { since: 1_700_000_000_000, times: 3, eventAt: 1_600_000_000_000 };
      await subject.redelivery.sendAgain({ body, group: 'run-1', delaySeconds: 1, postponement });
      expect(await subject.receive()).toEqual([]);
      await subject.pass(1100);
      const [message] = await subject.receive();
      expect(message).toMatchObject({ body, receives: 1, postponement });
    });

    it('counts its messages without receiving them', async () => {
      expect(await subject.counted.depth()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
      await subject.queue.send(['a', 'b', 'c'].map((key) => ({ task: 't', key: objectKey(key), action: 'copy' })));
      expect(await subject.counted.depth()).toEqual({ waiting: 3, inFlight: 0, delayed: 0 });
      const received = await receiveAll();
      expect(received.map(({ receives }) => receives)).toEqual([1, 1, 1]);
      await subject.redelivery.after(received[0]!.receipt, 0);
      expect(await subject.counted.depth()).toEqual({ waiting: 1, inFlight: 2, delayed: 0 });
    });

    it('buries any message with any reason', async () => {
      const reason = `InvalidInput: ${'é😀\u{fffe}\n'.repeat(300)}`;
      await subject.deadLetters.bury('hello', reason);
      await subject.deadLetters.bury('{"job":1}', '');
      const letters = await subject.letters();
      expect(letters.map(({ body }) => body).sort()).toEqual(['hello', '{"job":1}']);
      for (const letter of letters) expect(letter.reason.length).toBeLessThanOrEqual(2500);
      expect(letters.find(({ body }) => body === 'hello')?.reason).toMatch(/^InvalidInput: /);
    });
  });
}
