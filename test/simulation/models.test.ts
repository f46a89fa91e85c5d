import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Flow } from '../../simulation/aws/flow.ts';
import { EventSource } from '../../simulation/aws/event-source.ts';
import { Lambda, TooManyRequests } from '../../simulation/aws/lambda.ts';
import { Meter } from '../../simulation/aws/prices.ts';
import { Queue } from '../../simulation/aws/queue.ts';
import { TokenBucket } from '../../simulation/aws/token-bucket.ts';
import { Random } from '../../simulation/engine/random.ts';
import { Timeline } from '../../simulation/engine/timeline.ts';

/** The modelled services of `npm run simulate`, each by the rule of AWS that it keeps. */

const settings = { visibilitySeconds: 60, retentionSeconds: 3600, maxReceives: 3 };

describe('the timeline', () => {
  test('does what is on it in the order of time, and at one time in the order in which it was put there', async () => {
    const timeline = new Timeline(0);
    const done: string[] = [];
    timeline.in(20, () => done.push('third'));
    timeline.in(10, () => done.push('first'));
    timeline.in(10, () => done.push('second'));
    expect(await timeline.run(() => false)).toBe(false);
    expect(done).toEqual(['first', 'second', 'third']);
    expect(timeline.now()).toBe(20);
  });

  test('runs asynchronous code to its next wait before it goes on', async () => {
    const timeline = new Timeline(0);
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn++) {
        await timeline.sleep(10);
        await Promise.resolve();
        seen.push(timeline.now());
      }
    };
    void work();
    timeline.in(15, () => seen.push(-15));
    await timeline.run(() => false);
    expect(seen).toEqual([10, -15, 20, 30]);
  });
});

describe('a token bucket', () => {
  test('gives its burst and then what it gains each second', () => {
    let now = 0;
    const bucket = new TokenBucket({ now: () => now }, { burst: 100, perSecond: 10 });
    expect([bucket.take(60), bucket.take(60)]).toEqual([true, false]);
    now = 2000;
    expect([bucket.take(60), bucket.take(1)]).toEqual([true, false]);
    now = 100_000;
    expect([bucket.take(100), bucket.take(1)]).toEqual([true, false]);
  });

  test('never gives more than its burst and its gain, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat(50)), { maxLength: 200 }), (asked) => {
        let now = 0;
        let given = 0;
        const bucket = new TokenBucket({ now: () => now }, { burst: 40, perSecond: 7 });
        for (const [millis, count] of asked) {
          now += millis;
          if (bucket.take(count)) given += count;
          expect(given).toBeLessThanOrEqual(40 + (now / 1000) * 7 + 1e-6);
        }
      }),
    );
  });

  test('holds back what is reserved for as long as its tokens need', () => {
    const bucket = new TokenBucket({ now: () => 0 }, { burst: 10, perSecond: 5 });
    expect([bucket.reserve(10), bucket.reserve(5), bucket.reserve(5)]).toEqual([0, 1000, 2000]);
  });
});

describe('a flow', () => {
  test.each([1, 100])('accepts its capacity of a demand three times as high, in requests for %d', (count) => {
    let now = 0;
    const flow = new Flow({ now: () => now }, new Random(1), () => 1000);
    const seconds = 3 * count + 40;
    for (let sent = 0; sent < 3000 * seconds; sent += count) {
      now = (sent / 3000) * 1000;
      flow.admit(count);
    }
    expect(flow.accepted / seconds / 1000).toBeGreaterThan(0.9);
    expect(flow.accepted / seconds / 1000).toBeLessThan(1.15);
  });

  test('refuses nothing of a demand below its capacity', () => {
    let now = 0;
    const flow = new Flow({ now: () => now }, new Random(1), () => 1000);
    for (let sent = 0; sent < 100_000; sent += 10) {
      now = (sent / 800) * 1000;
      flow.admit(10);
    }
    expect(flow.refused).toBe(0);
  });
});

describe('a queue', () => {
  type Step =
    | { readonly do: 'send'; readonly count: number; readonly delaySeconds: number; readonly group: number }
    | { readonly do: 'receive'; readonly most: number }
    | { readonly do: 'delete' | 'hide'; readonly which: number }
    | { readonly do: 'wait'; readonly seconds: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      do: fc.constant('send' as const),
      count: fc.integer({ min: 1, max: 500 }),
      delaySeconds: fc.nat(30),
      group: fc.nat(3),
    }),
    fc.record({ do: fc.constant('receive' as const), most: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ do: fc.constantFrom('delete' as const, 'hide' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('wait' as const), seconds: fc.nat(900) }),
  );

  test('never loses or doubles a message: what was sent is somewhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const timeline = new Timeline(0);
        const queue = new Queue(timeline, new Meter(), settings);
        const receipts: string[] = [];
        for (const one of steps) {
          if (one.do === 'send') {
            const group = one.group === 0 ? undefined : `run-${one.group}`;
            queue.send({ body: '', count: one.count, group }, { delaySeconds: one.delaySeconds });
          } else if (one.do === 'receive') {
            receipts.push(...queue.receive(one.most, (count) => Math.min(7, count)).map(({ receipt }) => receipt));
          } else if (one.do === 'wait') {
            const until = timeline.now() + one.seconds * 1000;
            timeline.in(one.seconds * 1000, () => undefined);
            await timeline.run(() => timeline.now() >= until);
          } else {
            const receipt = receipts[one.which] ?? '';
            if (one.do === 'delete') queue.delete([receipt]);
            else queue.hide(receipt, 20);
          }
          const { sent, visible, delayed, inFlight, deleted, moved, expired } = queue.totals;
          expect(visible + delayed + inFlight + deleted + moved + expired).toBe(sent);
          expect(Math.min(visible, delayed, inFlight, queue.inFlight)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('has at most 120,000 messages in flight', () => {
    const queue = new Queue(new Timeline(0), new Meter(), settings);
    for (let sent = 0; sent < 200; sent++) queue.send({ body: '', count: 1000 });
    for (let calls = 0; calls < 30; calls++) queue.receive(10, (count) => count);
    expect(queue.inFlight).toBe(120_000);
    expect(queue.totals.visible).toBe(80_000);
  });

  test('returns a message after its timeout, and moves it after its last receive', async () => {
    const timeline = new Timeline(0);
    const queue = new Queue(timeline, new Meter(), settings);
    queue.send({ body: '', count: 5 });
    for (let receive = 1; receive <= 3; receive++) {
      expect(queue.receive(1, () => 1).map(({ receives }) => receives)).toEqual([receive]);
      await timeline.run(() => queue.totals.visible > 0);
    }
    expect(queue.receive(1, () => 1)).toEqual([]);
    expect(queue.totals.moved).toBe(5);
  });

  test('drops what is older than its retention', async () => {
    const timeline = new Timeline(0);
    const queue = new Queue(timeline, new Meter(), settings);
    queue.send({ body: '', count: 5 });
    timeline.in(3_700_000, () => undefined);
    await timeline.run(() => false);
    expect(queue.receive(1, () => 1)).toEqual([]);
    expect(queue.totals.expired).toBe(5);
  });

  test('gives the messages of quiet groups first', () => {
    const queue = new Queue(new Timeline(0), new Meter(), settings);
    for (let sent = 0; sent < 10; sent++) queue.send({ body: 'bulk', count: 10, group: 'run' });
    queue.receive(5, (count) => count);
    queue.send({ body: 'event', count: 10 });
    expect(queue.receive(1, (count) => count).map(({ body }) => body)).toEqual(['event']);
  });
});

describe('Lambda', () => {
  test('refuses calls over the concurrency of the account, and those over what another has reserved', async () => {
    const timeline = new Timeline(0);
    const lambda = new Lambda(timeline, new Meter(), 100);
    lambda.deploy('one', { memoryMegabytes: 512 });
    lambda.deploy('other', { memoryMegabytes: 512, reserved: 20 });
    const call = (name: string, width: number): Promise<unknown> =>
      lambda.invoke(name, { width, turns: 1 }, () => timeline.sleep(1000));
    void call('one', 80);
    await expect(call('one', 1)).rejects.toThrow(TooManyRequests);
    void call('other', 20);
    await expect(call('other', 1)).rejects.toThrow(TooManyRequests);
    await timeline.run(() => false);
    expect(lambda.running).toBe(0);
  });

  test('starts at most 1,000 environments in ten seconds', async () => {
    const timeline = new Timeline(0);
    const lambda = new Lambda(timeline, new Meter(), 10_000);
    lambda.deploy('one', { memoryMegabytes: 512 });
    const call = (width: number): Promise<unknown> =>
      lambda.invoke('one', { width, turns: 1 }, () => timeline.sleep(60_000));
    void call(1000);
    await expect(call(1)).rejects.toThrow(TooManyRequests);
    timeline.in(5000, () => undefined);
    await timeline.run(() => timeline.now() >= 5000);
    void call(500);
    expect(lambda.running).toBe(1500);
    await expect(call(1)).rejects.toThrow(TooManyRequests);
  });
});

describe('the mapping of a queue', () => {
  test('begins with 5 batches and adds 300 a minute, up to its maximum', async () => {
    const timeline = new Timeline(0);
    const meter = new Meter();
    const queue = new Queue(timeline, meter, { ...settings, visibilitySeconds: 86_400 });
    const lambda = new Lambda(timeline, meter, 2000);
    lambda.deploy('copy', { memoryMegabytes: 512 });
    const handler = async (): Promise<ReadonlySet<string>> => {
      await timeline.sleep(5000);
      return new Set();
    };
    const mapping = { functionName: 'copy', batchSize: 10, maxConcurrency: 400, maxWidth: 1, handler };
    new EventSource({ timeline, queue, lambda, ...mapping });
    for (let sent = 0; sent < 60_000; sent++) queue.send({ body: '', count: 1 });
    const seen: number[] = [];
    for (const seconds of [1, 30, 60, 110]) {
      await timeline.run(() => timeline.now() >= seconds * 1000);
      seen.push(lambda.running);
    }
    expect(seen[0]).toBeLessThanOrEqual(5);
    expect(seen[1]).toBeGreaterThan(90);
    expect(seen[1]).toBeLessThan(160);
    expect(seen[2]).toBeGreaterThan(260);
    expect(seen[2]).toBeLessThan(310);
    expect(seen[3]).toBeGreaterThan(390);
    expect(seen[3]).toBeLessThanOrEqual(400);
  });
});
