import {
  BatchGetItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetParameterCommand, GetParametersByPathCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runnable } from '../../aws/states/definition.ts';
import { openAccount, type OpenAccount } from './account.ts';
import { ledgerProperties } from './fixture.ts';
import { allow, errorOf, refusedWithout, type Row } from './needs.ts';

/** Requests to the JSON services with exactly the permissions that they need, and without each of them. */

const queueArn = 'arn:aws:sqs:us-east-1:000000000000:jobs';
const tableArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/ledger';
const parameter = 'arn:aws:ssm:us-east-1:000000000000:parameter/tasks';
const machineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:run';
const QueueUrl = 'http://localhost/000000000000/jobs';
const TableName = 'ledger';
const Key = { id: { S: 'one' } };

let account: OpenAccount;

beforeAll(async () => {
  account = await openAccount(['source']);
  await account.client(SQSClient).send(new CreateQueueCommand({ QueueName: 'jobs' }));
  const table = { TableName, ...ledgerProperties } as CreateTableCommandInput;
  await account.client(DynamoDBClient).send(new CreateTableCommand(table));
  const one = { Name: '/tasks/one', Value: '{}', Type: 'String' } as const;
  await account.client(SSMClient).send(new PutParameterCommand(one));
  const definition = { StartAt: 'End', States: { End: { Type: 'Succeed' } } };
  account.services.stepFunctions.register({
    ...{ name: 'run', arn: machineArn, roleArn: '', created: 0, definition },
    role: { arn: '', names: {}, policies: 'none' },
    runnable: runnable(definition, 'run'),
  });
  const started = { stateMachineArn: machineArn, name: 'known' };
  await account.client(SFNClient).send(new StartExecutionCommand(started));
});

afterAll(() => account.close());

const entries = (fields: object) => ({ QueueUrl, Entries: [{ Id: 'a', ReceiptHandle: 'none', ...fields }] });

const sqsRows: Row<SQSClient>[] = [
  {
    name: 'SendMessage',
    needs: [['sqs:SendMessage', queueArn]],
    run: (sqs) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
  },
  {
    name: 'SendMessageBatch',
    needs: [['sqs:SendMessage', queueArn]],
    run: (sqs) => sqs.send(new SendMessageBatchCommand(entries({ MessageBody: 'x' }) as never)),
  },
  {
    name: 'ReceiveMessage',
    needs: [['sqs:ReceiveMessage', queueArn]],
    run: (sqs) => sqs.send(new ReceiveMessageCommand({ QueueUrl })),
  },
  {
    name: 'DeleteMessageBatch',
    needs: [['sqs:DeleteMessage', queueArn]],
    run: (sqs) => sqs.send(new DeleteMessageBatchCommand(entries({}))),
  },
  {
    name: 'ChangeMessageVisibilityBatch',
    needs: [['sqs:ChangeMessageVisibility', queueArn]],
    run: (sqs) => sqs.send(new ChangeMessageVisibilityBatchCommand(entries({ VisibilityTimeout: 0 }))),
  },
  {
    name: 'GetQueueAttributes',
    needs: [['sqs:GetQueueAttributes', queueArn]],
    run: (sqs) => sqs.send(new GetQueueAttributesCommand({ QueueUrl })),
  },
];

const dynamoRows: Row<DynamoDBClient>[] = [
  {
    name: 'GetItem',
    needs: [['dynamodb:GetItem', tableArn]],
    run: (dynamo) => dynamo.send(new GetItemCommand({ TableName, Key })),
  },
  {
    name: 'BatchGetItem',
    needs: [['dynamodb:BatchGetItem', tableArn]],
    run: (dynamo) => dynamo.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key] } } })),
  },
  {
    name: 'PutItem',
    needs: [['dynamodb:PutItem', tableArn]],
    run: (dynamo) => dynamo.send(new PutItemCommand({ TableName, Item: Key })),
  },
  {
    name: 'UpdateItem',
    needs: [['dynamodb:UpdateItem', tableArn]],
    run: (dynamo) => dynamo.send(new UpdateItemCommand({ TableName, Key })),
  },
  {
    name: 'Query of an index',
    needs: [['dynamodb:Query', `${tableArn}/index/byTask`]],
    run: (dynamo) =>
      dynamo.send(
        new QueryCommand({
          TableName,
          IndexName: 'byTask',
          KeyConditionExpression: 'task = :t',
          ExpressionAttributeValues: { ':t': { S: 'one' } },
        }),
      ),
  },
];

const ssmRows: Row<SSMClient>[] = [
  {
    name: 'GetParameter',
    needs: [['ssm:GetParameter', `${parameter}/*`]],
    run: (ssm) => ssm.send(new GetParameterCommand({ Name: '/tasks/one' })),
  },
  {
    name: 'GetParametersByPath',
    needs: [['ssm:GetParametersByPath', parameter]],
    run: (ssm) => ssm.send(new GetParametersByPathCommand({ Path: '/tasks' })),
  },
  {
    name: 'PutParameter',
    needs: [['ssm:PutParameter', `${parameter}/two`]],
    run: (ssm) =>
      ssm.send(new PutParameterCommand({ Name: '/tasks/two', Value: 'x', Type: 'String', Overwrite: true })),
  },
];

const execution = machineArn.replace('stateMachine', 'execution');
const statesRows: Row<SFNClient>[] = [
  {
    name: 'StartExecution',
    needs: [['states:StartExecution', machineArn]],
    run: (states) => states.send(new StartExecutionCommand({ stateMachineArn: machineArn })),
  },
  {
    name: 'DescribeExecution',
    needs: [['states:DescribeExecution', `${execution}:*`]],
    run: (states) => states.send(new DescribeExecutionCommand({ executionArn: `${execution}:known` })),
  },
  {
    name: 'ListStateMachines',
    needs: [['states:ListStateMachines', '*']],
    run: (states) => states.send(new ListStateMachinesCommand({})),
  },
];

describe('SQS', () => {
  it.each(sqsRows)('$name', (row) => refusedWithout(account, SQSClient, row));

  it('answers in the words of the service', async () => {
    const error = await errorOf(() =>
      account.client(SQSClient, []).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
    );
    expect(error).toMatchObject({
      name: 'AccessDenied',
      message:
        'User: arn:aws:iam::000000000000:user/tester is not authorized to perform: sqs:sendmessage on resource: ' +
        `${queueArn} because no identity-based policy allows the sqs:sendmessage action`,
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('is open to whom the policy of the queue names', async () => {
    const send = () => account.client(SQSClient, []).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    const all = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sqs:SendMessage', Resource: queueArn };
    account.resourcePolicy(queueArn, all);
    expect(await errorOf(send)).toBeUndefined();
    account.resourcePolicy(queueArn, { ...all, Principal: { AWS: 'arn:aws:iam::000000000000:user/another' } });
    expect((await errorOf(send))?.name).toBe('AccessDenied');
    account.resourcePolicy(queueArn, { ...all, Effect: 'Deny' });
    const allowed = account.client(SQSClient, [allow(['sqs:*', '*'])]);
    const denied = await errorOf(() => allowed.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })));
    expect(denied?.message).toMatch(/with an explicit deny in a resource-based policy$/);
  });
});

describe('DynamoDB', () => {
  it.each(dynamoRows)('$name', (row) => refusedWithout(account, DynamoDBClient, row));

  it('answers in the words of the service', async () => {
    const error = await errorOf(() => account.client(DynamoDBClient, []).send(new GetItemCommand({ TableName, Key })));
    expect(error).toMatchObject({
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:iam::000000000000:user/tester is not authorized to perform: dynamodb:GetItem on resource: ' +
        `${tableArn} because no identity-based policy allows the dynamodb:GetItem action`,
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe('Systems Manager', () => {
  it.each(ssmRows)('$name', (row) => refusedWithout(account, SSMClient, row));
});

describe('Step Functions', () => {
  it.each(statesRows)('$name', (row) => refusedWithout(account, SFNClient, row));
});

describe('S3 as a sender of events', () => {
  const set = () =>
    errorOf(() =>
      account.client(S3Client).send(
        new PutBucketNotificationConfigurationCommand({
          Bucket: 'source',
          NotificationConfiguration: {
            QueueConfigurations: [{ QueueArn: queueArn, Events: ['s3:ObjectCreated:*'] }],
          },
        }),
      ),
    );
  const policy = (bucket: string) => ({
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: {
      ArnEquals: { 'aws:SourceArn': `arn:aws:s3:::${bucket}` },
      StringEquals: { 'aws:SourceAccount': '000000000000' },
    },
  });

  it('needs the policy of the queue', async () => {
    account.resourcePolicy(queueArn, policy('another'));
    expect((await set())?.name).toBe('InvalidArgument');
    account.resourcePolicy(queueArn, policy('source'));
    expect(await set()).toBeUndefined();
  });
});

describe('a caller', () => {
  it('with an unknown key is refused by every service', async () => {
    const { endpoint } = account.services.gateway;
    const client = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } };
    const ssm = new SSMClient(client);
    const sqs = new SQSClient(client);
    expect((await errorOf(() => ssm.send(new GetParameterCommand({ Name: '/tasks/one' }))))?.name).toBe(
      'UnrecognizedClientException',
    );
    expect((await errorOf(() => sqs.send(new ReceiveMessageCommand({ QueueUrl }))))?.name).toBe('InvalidClientTokenId');
    ssm.destroy();
    sqs.destroy();
  });

  it('cannot avoid the check with another protocol or a broken body', async () => {
    const { access, gateway } = account.services;
    const { accessKeyId, sessionToken = '' } = access.credentialsFor({ arn: 'arn', names: {}, policies: 'none' });
    const ask = async (headers: Record<string, string>, body: string) => {
      const scope = `${accessKeyId}/20260101/us-east-1/sqs/aws4_request`;
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
      const all = { ...headers, authorization, 'x-amz-security-token': sessionToken };
      return (await fetch(gateway.endpoint, { method: 'POST', headers: all, body })).status;
    };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await ask(form, `Action=SendMessage&QueueUrl=${QueueUrl}&MessageBody=x`)).toBe(403);
    expect(await ask({ 'x-amz-target': 'AmazonSQS.SendMessage' }, '{"QueueUrl":')).toBe(403);
  });
});
