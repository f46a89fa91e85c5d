import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { Fault } from '../../shared/model/faults.ts';
import { encodeJob, type Job } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { MemoryDeadLetters } from '../../shared/ports/memory/job-queue.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { NewMessage } from '../../shared/ports/job-queue.ts';
import type { JobSource, ReceivedMessage } from '../../shared/ports/job-source.ts';
import { QueueConsumer, type QueueEvent } from '../../worker/queue-consumer.ts';
import type { Delivery } from '../../worker/delivery.ts';
import { until } from '../support/until.ts';

/** The consumer over a queue in memory. */

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const maxReceives = 5;

/** A queue that delivers its messages, and records what happens to them. */
class Source implements JobSource {
  readonly waiting: ReceivedMessage[] = [];
  readonly asked: number[] = [];
  readonly deleted: string[] = [];
  readonly back: [receipt: string, seconds: number][] = [];
  readonly requeued: string[] = [];
  readonly postponed: [body: string, delaySeconds: number][] = [];
  failures = 0;
  stays: string | undefined;

  async receive(most: number, signal: AbortSignal): Promise<ReceivedMessage[]> {
    this.asked.push(most);
    if (this.failures > 0) {
      this.failures--;
      throw new Fault('Unavailable', 'no queue');
    }
    while (this.waiting.length === 0) {
      if (signal.aborted) throw new Fault('Unavailable', 'aborted');
      await systemClock.sleep(5);
    }
    return this.waiting.splice(0, most);
  }

  async delete(receipts: readonly string[]): Promise<readonly string[]> {
    this.deleted.push(...receipts.filter((receipt) => receipt !== this.stays));
    return receipts.filter((receipt) => receipt === this.stays);
  }

  async after(receipt: string, seconds: number): Promise<boolean> {
    this.back.push([receipt, seconds]);
    return true;
  }

  async sendAgain({ body, delaySeconds = 0 }: NewMessage): Promise<void> {
    this.postponed.push([body, delaySeconds]);
  }

  async requeueMessage({ receipt }: ReceivedMessage): Promise<void> {
    this.requeued.push(receipt);
  }

  add(count: number, receives = 1): void {
    for (let added = 0; added < count; added++) {
      const id = String(this.waiting.length);
      const body = encodeJob({ task: 't', key: objectKey(id), action: 'copy' });
      this.waiting.push({ id, body, receipt: `r${id}`, receives });
    }
  }
}

function consumerOver(
  source: Source,
  transfer: (job: Job, delivery: Delivery) => Promise<void>,
  more: { drainTime?: number; jobTimeout?: number; visibility?: number } = {},
): { worker: QueueConsumer; events: QueueEvent[] } {
  const events: QueueEvent[] = [];
  const worker = new QueueConsumer({
    source,
    clock: systemClock,
    limits: {
      visibilitySeconds: more.visibility ?? 60,
      jobTimeoutSeconds: more.jobTimeout ?? 60,
      maxHoldSeconds: 3600,
    },
    objectsAtOnce: 4,
    maxReceives,
    drainSeconds: more.drainTime ?? 5,
    onEvent: (event) => events.push(event),
    consumerOf: (delivery) => ({
      tasks: async () => [],
      transfer: async (job) => {
        await transfer(job, delivery);
        return { task: job.task, key: job.key, route: 'put', bytes: 0, reason: '' };
      },
      ledger: new MemoryLedger(),
      deadLetters: new MemoryDeadLetters(),
      redelivery: source,
      clock: systemClock,
      maxReceives,
      giveUpAfterSeconds: 3600,
      interrupted: () => delivery.interrupted,
      onFault: () => undefined,
    }),
  });
  return { worker, events };
}

test('receives no more messages than it can start, and deletes finished ones', async () => {
  const source = new Source();
  source.add(30);
  let running = 0;
  let most = 0;
  const { worker } = consumerOver(source, async () => {
    most = Math.max(most, ++running);
    await systemClock.sleep(10);
    running--;
  });
  const ended = worker.run();
  await until(() => source.deleted.length === 30);
  worker.drain();
  expect(await ended).toBe('drained');
  expect(most).toBe(4);
  expect(Math.max(...source.asked)).toBe(4);
  expect(source.back).toEqual([]);
});

test('a drain finishes running jobs, and gives back the others and late messages', async () => {
  const source = new Source();
  source.add(2);
  const { worker, events } = consumerOver(source, async ({ key }, { deadline }) => {
    await until(() => deadline.remaining() < 0);
    if (key === '1') throw new Fault('OutOfTime', 'left');
  });
  const ended = worker.run();
  await until(() => worker.jobs === 2);
  worker.drain();
  // The long poll stays open for a moment.
  source.waiting.push({
    id: 'late',
    body: encodeJob({ task: 't', key: objectKey('late'), action: 'copy' }),
    receipt: 'late',
    receives: 1,
  });
  expect(await ended).toBe('drained');
  expect(source.deleted).toEqual(['r0']);
  expect(source.back.sort()).toEqual([
    ['late', 0],
    ['r1', 0],
  ]);
  expect(events.map(({ type }) => type)).toEqual(['given back', 'given back']);
});

test('an interruption on the last delivery makes the message a new one', async () => {
  const source = new Source();
  source.add(1, maxReceives);
  const { worker } = consumerOver(source, async (_job, { deadline }) => {
    await until(() => deadline.remaining() < 0);
    throw new Fault('OutOfTime', 'left');
  });
  const ended = worker.run();
  await until(() => worker.jobs === 1);
  worker.drain();
  await ended;
  expect({ requeued: source.requeued, back: source.back }).toEqual({ requeued: ['r0'], back: [] });
});

test('a drain gives back a job that does not end in time', async () => {
  const source = new Source();
  source.add(1);
  const { worker } = consumerOver(source, () => new Promise(() => undefined), { drainTime: 0.05 });
  const ended = worker.run();
  await until(() => worker.jobs === 1);
  worker.drain();
  expect(await ended).toBe('drained');
  expect(source.back).toEqual([['r0', 0]]);
});

test('a job without progress gives up its message as a failure does, and ends the process', async () => {
  const source = new Source();
  source.add(1);
  const limits = { visibility: 0.03, jobTimeout: 0.05 };
  const { worker, events } = consumerOver(source, (_job, { stuck }) => stuck, limits);
  expect(await worker.run()).toBe('stuck');
  expect(events).toEqual([{ type: 'stuck', message: '0' }]);
  // Heartbeats hid it while it might have made progress; it returns after the first delay of a failure, not immediately.
  expect(source.back.at(-1)).toEqual(['r0', 15]);
});

test('a failed receive is retried; a message that cannot be deleted is reported', async () => {
  const source = new Source();
  source.failures = 1;
  source.stays = 'r0';
  source.add(1);
  const { worker, events } = consumerOver(source, async () => undefined);
  const ended = worker.run();
  await until(() => events.length === 2);
  worker.drain();
  await ended;
  expect(events).toMatchObject([
    { type: 'receive failed', fault: { name: 'Unavailable' } },
    { type: 'deletion failed', messages: 1 },
  ]);
});

test('waiting for a free place leaks no memory, however many messages arrive', async () => {
  const messages = 3000;
  const source = new Source();
  const { worker } = consumerOver(source, () => new Promise((resolve) => setImmediate(resolve)));
  const running = worker.run();
  const heap: number[] = [];
  for (let round = 0; round < 3; round++) {
    source.add(messages);
    while (source.deleted.length < messages) await systemClock.sleep(10);
    source.deleted.length = source.asked.length = 0;
    collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
  }
  worker.drain();
  await running;
  // The first round also loads code. A race against a promise that outlives it would leak over 300 bytes each time.
  expect((heap[2]! - heap[1]!) / messages).toBeLessThan(150);
});
