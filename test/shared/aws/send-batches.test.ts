import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { SendBatches } from '../../../shared/aws/sqs/send-batches.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';

/** A queue that does not accept the messages that `refuses` names, for as long as it does. */
function queueThat(refuses: (body: string) => boolean): { client: SQSClient; batches: string[][] } {
  const batches: string[][] = [];
  const send = async (command: SendMessageBatchCommand): Promise<object> => {
    const { Entries = [] } = command.input;
    batches.push(Entries.map(({ MessageBody = '' }) => MessageBody));
    const [failed, sent] = [true, false].map((bad) => Entries.filter((one) => refuses(one.MessageBody ?? '') === bad));
    return { Successful: sent, Failed: failed?.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false })) };
  };
  return { client: { send } as unknown as SQSClient, batches };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

describe('SendBatches', () => {
  it('shares requests among callers, ten messages in each', async () => {
    const { client, batches } = queueThat(() => false);
    const queue = new SendBatches(client, 'url', new ManualClock());
    await Promise.all(numbers(25).map((MessageBody) => queue.send({ MessageBody })));
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(batches.flat()).toEqual(numbers(25));
  });

  it('fails only the messages that the queue does not accept', async () => {
    const { client, batches } = queueThat((body) => body === 'm3');
    const queue = new SendBatches(client, 'url', new ManualClock());
    const ends = await Promise.allSettled(numbers(10).map((MessageBody) => queue.send({ MessageBody })));
    expect(ends.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([3]);
    expect(ends[3]).toMatchObject({
      reason: { name: 'Unavailable', message: expect.stringContaining('InternalError') },
    });
    expect(batches.slice(1)).toEqual(Array.from({ length: 4 }, () => ['m3']));
  });

  it('sends no batch that is too large for SQS', async () => {
    const { client, batches } = queueThat(() => false);
    const queue = new SendBatches(client, 'url', new ManualClock());
    await Promise.all(numbers(5).map((name) => queue.send({ MessageBody: name + 'x'.repeat(90 * 1024) })));
    expect(batches.map((batch) => batch.length)).toEqual([2, 2, 1]);
  });

  it('fails every message of a request that fails', async () => {
    const client = { send: () => Promise.reject(new Error('the network is away')) } as unknown as SQSClient;
    const queue = new SendBatches(client, 'url', new ManualClock());
    const ends = await Promise.allSettled(numbers(3).map((MessageBody) => queue.send({ MessageBody })));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
