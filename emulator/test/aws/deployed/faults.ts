import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SFNClient, StartExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServiceFault, ServiceRequest } from '../../../aws/index.ts';
import { until } from '../../../../test/support/until.ts';
import { faults, type Fixture } from '../fixture.ts';

/** What the endpoint does wrong when it is asked to. */

export function describeFaults(fixture: Fixture): void {
  const asked: ServiceRequest[] = [];

  afterEach(() => {
    faults.hook = () => undefined;
    asked.length = 0;
  });

  /** The next request of an operation goes wrong like this, and no other. */
  function once(operation: string, fault: ServiceFault): void {
    let due = true;
    faults.hook = (request) => {
      if (request.operation !== operation) return undefined;
      asked.push(request);
      if (!due) return undefined;
      due = false;
      return fault;
    };
  }

  describe('a queue', () => {
    let made: SQSClient | undefined;
    let client: SQSClient;
    let QueueUrl: string;
    let name = 0;

    async function newQueue(): Promise<void> {
      made ??= fixture.client(SQSClient);
      client = made;
      ({ QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: `faulty-${name++}` })));
    }

    async function bodies(most = 10): Promise<string[]> {
      const input = { QueueUrl, MaxNumberOfMessages: most, WaitTimeSeconds: 0 };
      const { Messages = [] } = await client.send(new ReceiveMessageCommand(input));
      return Messages.map(({ Body = '' }) => Body).sort();
    }

    it('delivers a message twice and answers the sender once', async () => {
      await newQueue();
      once('SendMessageBatch', { kind: 'deliver', delays: (index) => (index === 1 ? [0, 0] : [0]) });
      const Entries = ['a', 'b', 'c'].map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      const { Successful = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(Successful.map(({ Id }) => Id)).toEqual(['0', '1', '2']);
      expect(await bodies()).toEqual(['a', 'b', 'b', 'c']);
    });

    it('delivers a message late, after a newer one', async () => {
      await newQueue();
      once('SendMessage', { kind: 'deliver', delays: () => [1] });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'first' }));
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'second' }));
      expect(await bodies()).toEqual(['second']);
      const later = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      expect(later.Messages?.map(({ Body }) => Body)).toEqual(['first']);
    });

    it('refuses some or all entries of a batch and lists them', async () => {
      await newQueue();
      const Entries = ['a', 'b'].map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      once('SendMessageBatch', { kind: 'fail-entries', fails: (index) => index === 0, code: 'InternalError' });
      const some = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(some).toMatchObject({ Successful: [{ Id: '1' }], Failed: [{ Id: '0', Code: 'InternalError' }] });
      once('SendMessageBatch', { kind: 'fail-entries', fails: () => true, code: 'InternalError' });
      const none = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(none).toMatchObject({ Successful: [], Failed: [{ Id: '0' }, { Id: '1' }] });
      expect(await bodies()).toEqual(['b']);
    });

    it('accepts a message, loses the answer, and gets the message again', async () => {
      await newQueue();
      once('SendMessage', { kind: 'lose-answer' });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'heard once' }));
      expect(asked).toHaveLength(2);
      expect(await bodies()).toEqual(['heard once', 'heard once']);
      once('SendMessage', { kind: 'reset' });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'never came' }));
      expect(await bodies()).toEqual(['never came']);
    });

    it('makes a message visible before the end of its visibility timeout', async () => {
      await newQueue();
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'soon' }));
      const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 600 }));
      once('ChangeMessageVisibility', { kind: 'come-back', seconds: 0 });
      const ReceiptHandle = Messages[0]?.ReceiptHandle;
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 900 }));
      expect(await bodies()).toEqual(['soon']);
    });
  });

  describe('another service', () => {
    it('performs a write and loses the answer; the condition refuses the repeated write', async () => {
      const client = fixture.client(DynamoDBClient);
      const TableName = (await client.send(new ListTablesCommand({}))).TableNames?.[0];
      const Item = { id: { S: 'lost' }, task: { S: 't' } };
      once('PutItem', { kind: 'lose-answer' });
      const put = new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(id)' });
      await expect(client.send(put)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
      const { Item: found } = await client.send(new GetItemCommand({ TableName, Key: { id: { S: 'lost' } } }));
      expect(found).toEqual(Item);
      once('GetItem', { kind: 'status', status: 400, code: 'ProvisionedThroughputExceededException' });
      await client.send(new GetItemCommand({ TableName, Key: { id: { S: 'lost' } } }));
      expect(asked).toHaveLength(4);
    });

    it('starts one execution when the answer is lost and the caller repeats the request', async () => {
      const client = fixture.client(SFNClient);
      const stateMachineArn = fixture.aws.outputs['Machine'];
      const start = new StartExecutionCommand({ stateMachineArn, name: 'lost', input: '{"wait":0,"n":1}' });
      const list = async () => (await client.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? [];
      const earlier = (await list()).map(({ name }) => name);
      once('StartExecution', { kind: 'lose-answer' });
      // It may have ended before the second call, which is then refused.
      await client.send(start).catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'ExecutionAlreadyExists' });
      });
      expect(asked).toHaveLength(2);
      expect(asked[0]?.input).toMatchObject({ name: 'lost' });
      const names = (await list()).map(({ name }) => name);
      expect(names.filter((name) => !earlier.includes(name))).toEqual(['lost']);
    });

    it('fails a read of a parameter once', async () => {
      const client = fixture.client(SSMClient);
      once('GetParameter', { kind: 'status', status: 500, code: 'InternalServerError' });
      const { Parameter } = await client.send(new GetParameterCommand({ Name: '/ferry/tasks/one' }));
      expect(Parameter?.Value).toBe('{"name":"one"}');
      expect(asked).toHaveLength(2);
    });

    it('ends a function in the middle of its work; the next invocation has a new environment', async () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      once('Invoke', { kind: 'end', when: promise, error: 'Sandbox.Timedout' });
      const invocation = fixture.aws.invokeFunction('Stack-Wait', {});
      await until(() => fixture.aws.environments().some(({ id, requestId }) => id === 'Wait' && requestId));
      resolve(undefined);
      const ended = await invocation;
      expect(ended).toMatchObject({ ok: false, error: { errorType: 'Sandbox.Timedout' } });
      expect(asked[0]).toMatchObject({ service: 'lambda', by: 'endpoint' });
      once('Invoke', { kind: 'status', status: 429, code: 'Lambda.TooManyRequestsException' });
      const refused = await fixture.aws.invokeFunction('Stack-Double', { n: 21 });
      expect(refused).toMatchObject({ ok: false, error: { errorType: 'Lambda.TooManyRequestsException' } });
      expect(await fixture.aws.invokeFunction('Stack-Double', { n: 21 })).toMatchObject({ ok: true, payload: 42 });
    });
  });
}
