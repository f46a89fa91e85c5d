import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFauxqs, type FauxqsServer } from 'fauxqs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { postponementOf, SqsDeadLetters, SqsJobQueue, SqsRedelivery } from '../../shared/aws/sqs/job-queue.ts';
import { SqsQueueDepth } from '../../shared/aws/sqs/queue-depth.ts';
import type { Job } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { ManualClock } from '../../shared/ports/memory/clock.ts';
import { MemoryDeadLetters, MemoryQueue } from '../../shared/ports/memory/job-queue.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { describeQueue, type Received } from './job-queue.ts';

let server: FauxqsServer;
let client: SQSClient;
let serial = 0;

beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false });
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
  client = new SQSClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

async function createQueue(): Promise<string> {
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: `queue-${++serial}` }));
  return QueueUrl;
}

async function receive(url: string): Promise<(Received & { reason: string })[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages.map(({ Body = '', ReceiptHandle = '', Attributes, MessageAttributes }) => ({
    body: Body,
    receipt: ReceiptHandle,
    receives: Number(Attributes?.ApproximateReceiveCount),
    ...postponed(postponementOf(MessageAttributes)),
    reason: MessageAttributes?.['reason']?.StringValue ?? '',
  }));
}

const postponed = (postponement: Received['postponement']): Pick<Received, 'postponement'> =>
  postponement ? { postponement } : {};

describeQueue('in memory', async () => {
  const clock = new ManualClock();
  const queue = new MemoryQueue({ clock });
  const deadLetters = new MemoryDeadLetters();
  return {
    queue,
    counted: queue,
    redelivery: queue,
    deadLetters,
    receive: async () => queue.receive(),
    remove: async (receipt) => queue.remove(receipt),
    pass: async (milliseconds) => clock.pass(milliseconds),
    letters: async () => deadLetters.letters.map((letter) => ({ ...letter })),
    close: async () => undefined,
  };
});

describeQueue('SQS', async () => {
  const [url, deadUrl] = [await createQueue(), await createQueue()];
  return {
    queue: new SqsJobQueue(client, url),
    counted: new SqsQueueDepth(client, url),
    redelivery: new SqsRedelivery(client, url),
    deadLetters: new SqsDeadLetters(client, deadUrl),
    receive: () => receive(url),
    remove: async (ReceiptHandle) => {
      await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    },
    pass: (milliseconds) => systemClock.sleep(milliseconds),
    letters: () => receive(deadUrl),
    close: async () => undefined,
  };
});

describe('SqsJobQueue with a batch that is accepted in part', () => {
  const jobs: Job[] = Array.from({ length: 10 }, (_, index) => ({
    task: 't',
    key: objectKey(`k${index}`),
    action: 'copy',
  }));

  /** A client whose queue takes only some entries of a batch. */
  function partial(answers: ((ids: string[]) => object)[]): { client: SQSClient; sent: string[][] } {
    const sent: string[][] = [];
    const send = async (command: SendMessageBatchCommand): Promise<object> => {
      const ids = (command.input.Entries ?? []).map(({ Id = '' }) => Id);
      sent.push(ids);
      return (answers[sent.length - 1] ?? answers.at(-1))?.(ids) ?? {};
    };
    return { client: { send } as unknown as SQSClient, sent };
  }

  const taken = (ids: string[]): object => ({ Successful: ids.map((Id) => ({ Id })) });
  const busy = { Code: 'ServiceUnavailable', Message: 'busy', SenderFault: false };

  it('sends the rest of the batch again', async () => {
    const half = (ids: string[]): object => ({
      ...taken(ids.slice(0, 5)),
      Failed: ids.slice(5).map((Id) => ({ Id, ...busy })),
    });
    const queue = partial([half, taken]);
    await new SqsJobQueue(queue.client, 'url', new ManualClock()).send(jobs);
    expect(queue.sent).toEqual([jobs.map((_, index) => String(index)), ['5', '6', '7', '8', '9']]);
  });

  it('sends an entry again that the answer does not name', async () => {
    const queue = partial([() => ({}), taken]);
    await new SqsJobQueue(queue.client, 'url', new ManualClock()).send(jobs);
    expect(queue.sent).toHaveLength(2);
  });

  it.each([
    ['is refused again and again', { ...busy }, 5],
    ['is the fault of the sender', { ...busy, SenderFault: true }, 1],
  ])('fails if the rest %s', async (_name, failure, calls) => {
    const queue = partial([(ids) => ({ Failed: ids.map((Id) => ({ Id, ...failure })) })]);
    await expect(new SqsJobQueue(queue.client, 'url', new ManualClock()).send(jobs)).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'SendMessageBatch: 10 messages were not accepted: ServiceUnavailable: busy',
    });
    expect(queue.sent).toHaveLength(calls);
  });
});

describe('SqsRedelivery for a message that cannot be hidden any longer', () => {
  const value = 'Value AQEB for parameter ReceiptHandle is invalid. Reason: ';
  it.each([
    ['MessageNotInflight', 'AWS.SimpleQueueService.MessageNotInflight', '', false],
    ['ReceiptHandleIsInvalid', 'ReceiptHandleIsInvalid', 'The input receipt handle is invalid.', false],
    [
      'InvalidParameterValueException',
      'InvalidParameterValue',
      `${value}Message does not exist or is not available for visibility timeout change.`,
      false,
    ],
    ['InvalidParameterValueException', 'InvalidParameterValue', `${value}The receipt handle has expired.`, undefined],
  ])('tells by the error of SQS whether it is gone: %s, %s: %s', async (type, code, message, comesBack) => {
    const sqs = createServer((_request, response) => {
      response.writeHead(400, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-query-error': `${code};Sender`,
      });
      response.end(JSON.stringify({ __type: `com.amazonaws.sqs#${type}`, message }));
    });
    await new Promise<void>((resolve) => sqs.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(sqs.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
    const asked = new SQSClient({ endpoint, region: 'us-east-1', credentials });
    const after = new SqsRedelivery(asked, `${endpoint}/queue`).after('AQEB', 0);
    if (comesBack === undefined) await expect(after).rejects.toThrow('ChangeMessageVisibility: InvalidParameterValue');
    else expect(await after).toBe(comesBack);
    asked.destroy();
    await new Promise((resolve) => sqs.close(resolve));
  });
});
