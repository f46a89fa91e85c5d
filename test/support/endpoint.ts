import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent } from 'aws-lambda';
import { accountIn, arnOf } from '../../emulator/aws/account.ts';
import { openTables } from '../../emulator/aws/dynamodb/tables.ts';
import { receivedMessages, sqsEvent } from '../../emulator/aws/events/sqs-event.ts';
import type { FaultyService } from '../../emulator/aws/index.ts';
import type { Exchange, RequestHandler } from '../../emulator/aws/http/exchange.ts';
import { openGateway } from '../../emulator/aws/http/gateway.ts';
import { serve } from '../../emulator/aws/http/serve.ts';
import { openQueues } from '../../emulator/aws/sqs/queues.ts';
import { ParameterStore } from '../../emulator/aws/ssm/parameters.ts';
import { runnable } from '../../emulator/aws/states/definition.ts';
import { Executions } from '../../emulator/aws/states/executions.ts';
import { StepFunctions } from '../../emulator/aws/states/service.ts';
import { openS3Server, type FaultHook, type FinishedRequest } from '../../emulator/s3/index.ts';
import { DynamoControls } from '../../shared/aws/dynamodb/controls.ts';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { MiB } from '../../shared/model/limits.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { ledgerTable } from './ledger-table.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/EXAMPLE+key' };
const account = accountIn('us-east-1');
const tasksPath = '/s3-ferry/test/tasks/';
const table = 'ledger';

/**
 * Every service that a handler calls over HTTP, on one port, and the environment variables with their address. Use it
 * to test a handler; for the whole deployment there is `Pipeline`.
 */
export type ConsumedQueue = 'jobs' | 'events';

export interface Endpoint {
  readonly ledger: DynamoLedger;
  readonly controls: DynamoControls;
  readonly requests: FinishedRequest[];
  fault: FaultHook;
  bucket(name: string): ObjectStore;
  /** Writes a task's parameter; `text` is not checked. */
  putTask(name: string, text: string): void;
  /** @param queue default the queue of jobs */
  send(body: string, queue?: ConsumedQueue): Promise<void>;
  /** The event that Lambda would get from a queue now. @param queue default the queue of jobs */
  receive(queue?: ConsumedQueue): Promise<SQSEvent>;
  letters(): Promise<{ body: string; reason: string }[]>;
  /** names of the executions that were started */
  executions(): string[];
  stop(): Promise<void>;
}

/** The context of an invocation. @param milliseconds time that is left */
export function invocation(milliseconds = 900_000): { getRemainingTimeInMillis(): number } {
  return { getRemainingTimeInMillis: () => milliseconds };
}

/** Must be awaited before a handler is imported, because a handler reads its environment then. */
export async function startEndpoint(buckets: readonly string[]): Promise<Endpoint> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 's3-ferry-functions-'));
  const requests: FinishedRequest[] = [];
  const s3 = await openS3Server({
    dataDirectory,
    credentials: new Map([[keys.accessKeyId, keys.secretAccessKey]]),
    fault: (request) => handle.fault(request),
    onRequest: (request) => requests.push(request),
  });
  for (const bucket of buckets) s3.createBucket(bucket);
  const parameters = new ParameterStore(account);
  const executions = new Executions({
    invoke: () => Promise.reject(new Error('nothing is invoked here')),
    send: () => Promise.reject(new Error('nothing is sent here')),
    announce: () => ({}),
    childrenRefused: () => undefined,
  });
  const machines = new StepFunctions(account, executions);
  const machineArn = arnOf(account, 'states', 'stateMachine:upload');
  const definition = { StartAt: 'Hold', States: { Hold: { Type: 'Wait', Seconds: 3600, End: true } } };
  const role = { arn: 'role', names: {}, policies: 'all' } as const;
  const machine = { name: 'upload', arn: machineArn, roleArn: '', role, definition, created: 0 };
  machines.register({ ...machine, runnable: runnable(definition, 'upload') });
  const tables = openTables(join(dataDirectory, 'tables'));
  let endpoint = '';
  const queues = await openQueues({ account, endpoint: () => endpoint });
  const serveS3: RequestHandler = (req, res) => s3.handle(req, res);
  const over = (service: FaultyService, exchange: Exchange): RequestHandler =>
    serve({ service, exchange, limitBytes: 8 * MiB, fault: undefined });
  const routes = new Map<string, RequestHandler>([
    ['s3', serveS3],
    ['sqs', over('sqs', queues.exchange)],
    ['dynamodb', over('dynamodb', tables.exchange)],
    ['states', over('states', machines.exchange)],
    ['ssm', over('ssm', parameters.exchange)],
  ]);
  const gateway = await openGateway({ port: 0, portOption: '', routes, unsigned: serveS3, onError: console.error });
  ({ endpoint } = gateway);

  const settings = { endpoint, region: account.region, credentials: keys };
  const sqs = new SQSClient(settings);
  const dynamo = new DynamoDBClient(settings);
  const s3Clients: S3Client[] = [];
  const [queueUrl, eventsUrl, deadUrl] = await Promise.all(
    ['jobs', 'events', 'dead'].map(
      async (QueueName) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '',
    ),
  );
  const urls: Record<ConsumedQueue, string | undefined> = { jobs: queueUrl, events: eventsUrl };
  await dynamo.send(new CreateTableCommand(ledgerTable(table)));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: account.region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    POWERTOOLS_METRICS_NAMESPACE: 'S3Ferry',
    POWERTOOLS_SERVICE_NAME: 'test',
    TASKS_PATH: tasksPath,
    LEDGER_TABLE: table,
    QUEUE_URL: queueUrl,
    EVENTS_QUEUE_URL: eventsUrl,
    DEAD_LETTER_QUEUE_URL: deadUrl,
    UPLOAD_MACHINE_ARN: machineArn,
    MAX_RECEIVES: '3',
    GIVE_UP_AFTER_SECONDS: '3600',
    PARTS_AT_ONCE: '100',
    UPLOADS_AT_ONCE: '100',
    OLDER_THAN_DAYS: '0',
    EVENTS_QUEUE_ARN: arnOf(account, 'sqs', 'events'),
  });

  const receive = async (url = ''): Promise<ReturnType<typeof receivedMessages>> => {
    const wanted = {
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All' as const],
    };
    return receivedMessages(await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, ...wanted })));
  };
  const handle: Endpoint = {
    ledger: new DynamoLedger(DynamoDBDocumentClient.from(dynamo), table),
    controls: new DynamoControls(DynamoDBDocumentClient.from(dynamo), table),
    requests,
    fault: () => undefined,
    bucket: (name) => {
      const side = { bucket: name, prefix: '', requestPayer: false, endpoint, region: account.region };
      const client = createS3Client(side, keys);
      s3Clients.push(client);
      return new S3ObjectStore(client, side);
    },
    putTask: (name, text) => {
      parameters.put({ Name: tasksPath + name, Value: text, Type: 'String', Overwrite: true, Tier: 'Standard' });
    },
    send: async (body, queue = 'jobs') => {
      await sqs.send(new SendMessageCommand({ QueueUrl: urls[queue], MessageBody: body }));
    },
    receive: async (queue = 'jobs') => sqsEvent(await receive(urls[queue]), arnOf(account, 'sqs', queue)) as SQSEvent,
    letters: async () =>
      (await receive(deadUrl)).map(({ Body, MessageAttributes }) => ({
        body: Body,
        reason: MessageAttributes['reason']?.StringValue ?? '',
      })),
    executions: () => executions.list(machineArn).map(({ name }) => name),
    stop: async () => {
      for (const client of [sqs, dynamo, ...s3Clients]) client.destroy();
      await executions.abortAll();
      await gateway.close(0);
      await queues.close();
      await tables.close();
      await s3.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
  return handle;
}
