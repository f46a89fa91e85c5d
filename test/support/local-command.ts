import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { Child } from './child.ts';

/** `npm run local` as a child process, with clients made only from its output, as a user makes them. */
export class LocalCommand {
  readonly child: Child;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly sfn: SFNClient;
  readonly ssm: SSMClient;
  readonly #dynamo: DynamoDBDocumentClient;

  private constructor(child: Child, environment: ReadonlyMap<string, string>) {
    const value = (name: string): string => environment.get(name) ?? '';
    const settings = {
      endpoint: value('AWS_ENDPOINT_URL'),
      region: value('AWS_REGION'),
      credentials: { accessKeyId: value('AWS_ACCESS_KEY_ID'), secretAccessKey: value('AWS_SECRET_ACCESS_KEY') },
    };
    this.child = child;
    this.s3 = new S3Client(settings);
    this.sqs = new SQSClient(settings);
    this.sfn = new SFNClient(settings);
    this.ssm = new SSMClient(settings);
    this.#dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
  }

  /** Starts it with these tasks and a directory for its data, and waits for `ready`. */
  static async start(
    directory: string,
    tasks: readonly object[],
    stack: object = {},
    options: readonly string[] = [],
  ): Promise<LocalCommand> {
    mkdirSync(directory, { recursive: true });
    const config = join(directory, 'tasks.json');
    writeFileSync(config, JSON.stringify({ tasks, stack }));
    const data = join(directory, 'data');
    const all = ['--port', '0', '--config', config, '--data', data, ...options];
    const child = new Child('local/main.ts', all);
    await child.wrote(/^ready$/m);
    const exports = child.stdout.matchAll(/^export (\w+)=(.+)$/gm);
    return new LocalCommand(child, new Map([...exports].map(([, name = '', text = '']) => [name, text])));
  }

  async stop(): Promise<number | null> {
    for (const client of [this.s3, this.sqs, this.sfn, this.ssm, this.#dynamo]) client.destroy();
    return (await this.child.kill('SIGINT')).code;
  }

  /** Starts an execution of the SYNC machine with any input and waits for its end. */
  async sync(
    input: unknown,
  ): Promise<{ status: string | undefined; error: string | undefined; cause: string; output: string }> {
    const { stateMachines = [] } = await this.sfn.send(new ListStateMachinesCommand({}));
    const machine = stateMachines.find(({ name }) => /sync/i.test(name ?? ''));
    const start = { stateMachineArn: machine?.stateMachineArn, input: JSON.stringify(input) };
    const { executionArn } = await this.sfn.send(new StartExecutionCommand(start));
    for (;;) {
      const { status, error, cause, output } = await this.sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return { status, error, cause: cause ?? '', output: output ?? '' };
      await pause(50);
    }
  }

  /** The URL of the queue whose name contains a text. */
  async queueUrl(name: RegExp): Promise<string> {
    const { QueueUrls = [] } = await this.sqs.send(new ListQueuesCommand({}));
    const found = QueueUrls.find((url) => name.test(url));
    if (found === undefined) throw new Error(`no queue is named ${name.source} in ${QueueUrls.join(', ')}`);
    return found;
  }

  async messages(url: string): Promise<number> {
    const { Attributes = {} } = await this.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Number(Attributes['ApproximateNumberOfMessages']);
  }

  ledger(table: string): DynamoLedger {
    return new DynamoLedger(this.#dynamo, table);
  }

  async putParameter(name: string, value: string): Promise<void> {
    await this.ssm.send(new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true }));
  }

  async parameter(name: string): Promise<string> {
    return (await this.ssm.send(new GetParameterCommand({ Name: name }))).Parameter?.Value ?? '';
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
