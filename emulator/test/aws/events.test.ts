import { afterEach, beforeEach, describe, expect, jest, it } from '@jest/globals';
import { accountIn } from '../../aws/account.ts';
import { nextTime, startSchedule } from '../../aws/events/schedule.ts';
import { SqsMapping, type SqsMappingOptions } from '../../aws/events/sqs-mapping.ts';
import type { InvocationResult } from '../../aws/lambda/environment.ts';
import { openQueues, type Queues } from '../../aws/sqs/queues.ts';
import { until } from '../../../test/support/until.ts';

describe('a schedule', () => {
  it.each([
    ['rate(1 minute)', '2026-01-01T00:00:30Z', '2026-01-01T00:01:30Z'],
    ['rate(2 hours)', '2026-01-01T00:00:00Z', '2026-01-01T02:00:00Z'],
    ['rate(30 days)', '2026-01-01T00:00:00Z', '2026-01-31T00:00:00Z'],
    ['cron(0 12 * * ? *)', '2026-01-01T12:00:00Z', '2026-01-02T12:00:00Z'],
    ['cron(0/15 * * * ? *)', '2026-01-01T00:16:00Z', '2026-01-01T00:30:00Z'],
    ['cron(15 10 ? * MON-FRI *)', '2026-01-02T10:15:00Z', '2026-01-05T10:15:00Z'],
    ['cron(0 0 1 JAN,jul ? *)', '2026-01-01T00:00:00Z', '2026-07-01T00:00:00Z'],
    ['cron(0 0 ? * 1 *)', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
  ])('finds the next time of %s after %s', (expression, after, expected) => {
    expect(new Date(nextTime(expression)(Date.parse(after))).toISOString()).toBe(new Date(expected).toISOString());
  });

  it.each([
    ['cron(0 0 L * ? *)', /does not know "L" \(day of month\)/],
    ['cron(0 0 ? * 2#1 *)', /does not know "2#1"/],
    ['cron(61 * * * ? *)', /found "61", expected 0 to 59 \(minutes\)/],
    ['cron(* * * *)', /six fields/],
    ['at(2026-01-01T00:00:00)', /rate\(\.\.\.\) and cron\(\.\.\.\) only/],
    ['rate(0 minutes)', /only/],
  ])('refuses %s', (expression, message) => {
    expect(() => nextTime(expression)).toThrow(message);
  });

  it('fires after each period until it is stopped', () => {
    jest.useFakeTimers();
    try {
      let fired = 0;
      const stop = startSchedule('rate(30 days)', () => fired++);
      jest.advanceTimersByTime(61 * 86_400_000);
      expect(fired).toBe(2);
      stop();
      jest.advanceTimersByTime(61 * 86_400_000);
      expect(fired).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('an event source mapping', () => {
  let queues: Queues;
  let mapping: SqsMapping | undefined;
  const url = (name: string): string => `http://127.0.0.1:4566/000000000000/${name}`;
  const arn = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const done = (payload: unknown): InvocationResult => ({ ok: true, requestId: 'request', payload });

  interface Batch {
    Records: { messageId: string; body: string; attributes: Record<string, string> }[];
  }

  beforeEach(async () => {
    queues = await openQueues({ account: accountIn('us-east-1'), endpoint: () => 'http://127.0.0.1:4566' });
    await queues.call('CreateQueue', { QueueName: 'dead' });
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: 3 });
    await queues.call('CreateQueue', { QueueName: 'jobs', Attributes: { VisibilityTimeout: '5400', RedrivePolicy } });
  });
  afterEach(async () => {
    await mapping?.stop();
    await queues.close();
  });

  function map(
    invoke: (event: Batch) => InvocationResult | Promise<InvocationResult>,
    more: Partial<SqsMappingOptions> = {},
  ): void {
    mapping = new SqsMapping({
      queueUrl: url('jobs'),
      queueArn: arn('jobs'),
      batchSize: 10,
      concurrency: 1,
      reportsFailures: true,
      retryDelaySeconds: 0,
      queues,
      invoke: async (event) => invoke(event as Batch),
      onError: (error) => {
        throw error;
      },
      ...more,
    });
  }

  async function send(...bodies: string[]): Promise<void> {
    for (const MessageBody of bodies) await queues.call('SendMessage', { QueueUrl: url('jobs'), MessageBody });
  }

  async function counts(name: string): Promise<string> {
    const { Attributes } = (await queues.call('GetQueueAttributes', {
      QueueUrl: url(name),
      AttributeNames: ['All'],
    })) as { Attributes: Record<string, string> };
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: inFlight } = Attributes;
    return `${visible} visible, ${inFlight} in flight`;
  }
  const reaches = (name: string, expected: string) => until(async () => (await counts(name)) === expected);

  it('invokes the function with an SQS event and deletes the messages that succeeded', async () => {
    const events: Batch[] = [];
    await queues.call('SendMessage', {
      QueueUrl: url('jobs'),
      MessageBody: 'one',
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'test' } },
    });
    map((event) => (events.push(event), done(null)));
    await reaches('jobs', '0 visible, 0 in flight');
    expect(events).toEqual([
      {
        Records: [
          {
            messageId: expect.any(String),
            receiptHandle: expect.any(String),
            body: 'one',
            md5OfBody: 'f97c5d29941bfb1b2fdab0874906ab82',
            eventSource: 'aws:sqs',
            eventSourceARN: arn('jobs'),
            awsRegion: 'us-east-1',
            attributes: expect.objectContaining({ ApproximateReceiveCount: '1', SentTimestamp: expect.any(String) }),
            messageAttributes: {
              kind: { dataType: 'String', stringValue: 'test', stringListValues: [], binaryListValues: [] },
            },
          },
        ],
      },
    ]);
  });

  it('retries failed messages until the queue moves them to the dead-letter queue', async () => {
    const seen: string[] = [];
    map(({ Records }) => {
      seen.push(...Records.map(({ body, attributes }) => `${body} ${attributes['ApproximateReceiveCount']}`));
      return done({
        batchItemFailures: Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({
          itemIdentifier: messageId,
        })),
      });
    });
    await send('good', 'bad');
    await reaches('dead', '1 visible, 0 in flight');
    expect(seen.sort()).toEqual(['bad 1', 'bad 2', 'bad 3', 'good 1']);
    expect(await counts('jobs')).toBe('0 visible, 0 in flight');
  });

  it.each<[string, InvocationResult, string]>([
    [
      'leaves all messages after an error of the function',
      { ok: false, requestId: '', error: { errorType: 'Error', errorMessage: '' } },
      '0 visible, 2 in flight',
    ],
    ['deletes all messages for an empty list of failures', done({ batchItemFailures: [] }), '0 visible, 0 in flight'],
    [
      'deletes all messages if the list of failures is null',
      done({ batchItemFailures: null }),
      '0 visible, 0 in flight',
    ],
    [
      'leaves all messages for a malformed answer',
      done({ batchItemFailures: [{ itemIdentifier: '' }] }),
      '0 visible, 2 in flight',
    ],
    [
      'leaves all messages if the list names an unknown one',
      done({ batchItemFailures: [{ itemIdentifier: 'unknown' }] }),
      '0 visible, 2 in flight',
    ],
  ])('%s', async (_, result, expected) => {
    let invocations = 0;
    // Two messages of one batch request are received together.
    await queues.call('SendMessageBatch', {
      QueueUrl: url('jobs'),
      Entries: ['a', 'b'].map((Id) => ({ Id, MessageBody: Id })),
    });
    map(() => (++invocations, result), { retryDelaySeconds: undefined });
    await until(() => invocations > 0);
    await mapping!.stop();
    expect(await counts('jobs')).toBe(expected);
  });

  it('ignores the answer without ReportBatchItemFailures', async () => {
    await send('a');
    map(({ Records }) => done({ batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) }), {
      reportsFailures: false,
    });
    await reaches('jobs', '0 visible, 0 in flight');
  });

  it('runs as many batches at once as its concurrency allows', async () => {
    let running = 0;
    let most = 0;
    let count = 0;
    map(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 50));
        running--;
        count++;
        return done(null);
      },
      { concurrency: 3, batchSize: 1 },
    );
    await send(...Array.from({ length: 9 }, (_, index) => `m${index}`));
    await until(() => count === 9);
    expect(most).toBe(3);
  });

  it('waits for the batch in progress when stopped, and starts no more', async () => {
    const bodies: string[] = [];
    map(
      async ({ Records }) => {
        bodies.push(...Records.map(({ body }) => body));
        await new Promise((resolve) => setTimeout(resolve, 50));
        return done(null);
      },
      { batchSize: 1 },
    );
    await send('a', 'b');
    await until(() => bodies.length > 0);
    await mapping!.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bodies).toEqual(['a']);
    expect(await counts('jobs')).toBe('1 visible, 0 in flight');
  });
});
