import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Emulator } from '../../emulator/aws/index.ts';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { Runs, type Deployment } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { LocalWorker } from '../../local/run/workers.ts';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { encodeJob } from '../../shared/model/job.ts';
import { GiB, MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { Ledger } from '../../shared/ports/ledger.ts';
import { LocalCommand } from '../../test/support/local-command.ts';
import { childrenOf } from '../support/processes.ts';

/** Deployments whose processes are killed. */

/** Tasks by how a large object goes: all of it in one process, or as an execution of the UPLOAD machine. */
export type TaskName = 'in-one' | 'in-parts';

/** The parameter with the keys of the source. The store is a process of its own, which knows no role of the stack. */
const sourceKeys = '/s3-ferry/kills/source-credentials';

/** Both tasks, as they are configured. The sides have different keys, so that bytes pass through S3 Ferry. */
export function tasksFor(endpoint: string, partSize: number): Record<TaskName, object> {
  const side = { endpoint, forcePathStyle: true, region: localNames.region };
  const credentials = { ssmParameter: localNames.credentialsParameter };
  const task = (name: TaskName, largeObjectThreshold: number): object => ({
    name,
    source: { ...side, bucket: localNames.sourceBucket, prefix: `${name}/`, credentials: { ssmParameter: sourceKeys } },
    destination: { ...side, bucket: localNames.destinationBucket, prefix: `${name}/`, credentials },
    largeObjectThreshold,
    partSize,
  });
  return { 'in-one': task('in-one', 5 * GiB), 'in-parts': task('in-parts', MiB) };
}

/** Until a message returns to another consumer; in an account this takes minutes or hours. */
const retryDelaySeconds = 2;

/**
 * The same for the worker; in an account, five minutes. It must be longer than a process may wait for a processor: a
 * heartbeat that comes too late causes a second delivery.
 */
const workerVisibilitySeconds = 8;

/** A deployment that moves one object at a time. */
export interface Site {
  readonly ledger: Ledger;
  /** Begins the move of an object. */
  send(task: TaskName, key: string): Promise<void>;
  isSettled(): Promise<boolean>;
  deadLetters(): Promise<number>;
  /** The process to kill, if it works at this moment. */
  victim(): number | undefined;
  /** Does what the platform does after the kill, if the emulator does not. */
  revive(task: TaskName): Promise<void>;
  close(): Promise<void>;
}

/** The clients of a deployment. */
class Clients {
  readonly runs: Runs;
  readonly ledger: DynamoLedger;
  readonly #queue: SQSClient;
  readonly #table: DynamoDBDocumentClient;
  readonly #queueUrl: string;

  constructor({ endpoint, region, outputs }: Deployment) {
    const settings = { endpoint, region, credentials: localNames.credentials };
    this.runs = new Runs({ endpoint, region, outputs });
    this.#queue = new SQSClient(settings);
    this.#table = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
    this.ledger = new DynamoLedger(this.#table, outputs['LedgerTable'] ?? '');
    this.#queueUrl = outputs['JobsQueueUrl'] ?? '';
  }

  async send(task: TaskName, key: string): Promise<void> {
    const MessageBody = encodeJob({ task, key: objectKey(key), action: 'copy' });
    await this.#queue.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody }));
  }

  close(): void {
    this.runs.close();
    this.#queue.destroy();
    this.#table.destroy();
  }
}

/** What every site does by its clients. */
abstract class DeployedSite {
  protected abstract readonly clients: Clients;

  get ledger(): Ledger {
    return this.clients.ledger;
  }

  async send(task: TaskName, key: string): Promise<void> {
    await this.clients.send(task, key);
  }

  async isSettled(): Promise<boolean> {
    return this.clients.runs.isIdle();
  }

  async deadLetters(): Promise<number> {
    return this.clients.runs.deadLetters();
  }
}

/** The endpoint in this process; each function, and the worker if there is one, in processes of their own. */
export class HostedSite extends DeployedSite implements Site {
  readonly #ferry: LocalPipeline;
  readonly #aws: Emulator;
  protected readonly clients: Clients;
  readonly #assembly: string;
  readonly #log: (text: string) => void;
  #victim: () => number | undefined = () => undefined;
  #worker: LocalWorker | undefined;

  private constructor(ferry: LocalPipeline, aws: Emulator, assembly: string, log: (text: string) => void) {
    super();
    this.#ferry = ferry;
    this.#aws = aws;
    this.#assembly = assembly;
    this.clients = new Clients(aws);
    this.#log = log;
  }

  static async open(
    directory: string,
    tasks: readonly object[],
    workerMode: 'lambda' | 'ec2',
    log: (text: string) => void,
  ): Promise<HostedSite> {
    const configuration = writeConfiguration(directory, tasks, { workerMode });
    const ferry = await LocalPipeline.open({
      dataDirectory: directory,
      configuration,
      port: 0,
      onLog: ({ text }) => log(text),
      deployment: { isolation: 'processes', retryDelaySeconds, concurrency: {} },
    });
    const assembly = join(directory, 'cdk.out');
    await synthesize(configuration, assembly);
    const aws = await ferry.deploy(assembly);
    await putSourceKeys(aws);
    return new HostedSite(ferry, aws, assembly, log);
  }

  /** Makes the execution environment of this function the victim, while it has an invocation. */
  aimAtFunction(id: string): void {
    this.#victim = () => this.#aws.environments().find((one) => one.id === id && one.requestId !== undefined)?.pid;
  }

  /** Makes this process of the worker the victim. */
  aimAtWorker(which: 'primary' | 'process'): void {
    this.#victim = () => {
      const primary = this.#worker?.process.pid;
      return primary === undefined || which === 'primary' ? primary : childrenOf(primary)[0];
    };
  }

  /** Starts a new worker: one whose processes died repeatedly waits longer each time. */
  async startWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#startWorker();
  }

  #startWorker(): void {
    const settings = { PROCESSES: '1', VISIBILITY_SECONDS: String(workerVisibilitySeconds) };
    this.#worker = new LocalWorker(this.#aws, this.#assembly, settings, ({ text }) => this.#log(text));
  }

  victim(): number | undefined {
    return this.#victim();
  }

  /** Restarts a primary process that ended, as systemd does. The living processes handle all other deaths. */
  async revive(): Promise<void> {
    const child = this.#worker?.process;
    if (child?.pid === undefined || this.#victim() !== child.pid) return;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#startWorker();
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    this.clients.close();
    await this.#ferry.close();
  }
}

/** `npm run local`: queue, ledger, machines and functions die together. */
export class WholeSite extends DeployedSite implements Site {
  readonly #directory: string;
  readonly #tasks: readonly object[];
  #local: LocalCommand;
  protected clients: Clients;

  private constructor(directory: string, tasks: readonly object[], local: LocalCommand, clients: Clients) {
    super();
    this.#directory = directory;
    this.#tasks = tasks;
    this.#local = local;
    this.clients = clients;
  }

  static async open(directory: string, tasks: readonly object[]): Promise<WholeSite> {
    mkdirSync(directory, { recursive: true });
    const local = await LocalCommand.start(directory, tasks);
    const deployment = await deploymentOf(local);
    await putSourceKeys(deployment);
    return new WholeSite(directory, tasks, local, new Clients(deployment));
  }

  victim(): number | undefined {
    return this.#local.child.process.pid;
  }

  /** Queues and executions end with the process; the next run finds what is not done. */
  async revive(task: TaskName): Promise<void> {
    await this.#local.child.ended();
    this.clients.close();
    this.#local = await LocalCommand.start(this.#directory, this.#tasks);
    const deployment = await deploymentOf(this.#local);
    await putSourceKeys(deployment);
    this.clients = new Clients(deployment);
    await this.clients.runs.sync(task);
  }

  async close(): Promise<void> {
    this.clients.close();
    await this.#local.stop();
  }
}

async function putSourceKeys({ endpoint, region }: Deployment): Promise<void> {
  const { accessKeyId, secretAccessKey } = localNames.credentials;
  const Value = JSON.stringify({ aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, region });
  const client = new SSMClient({ endpoint, region, credentials: localNames.credentials });
  await client.send(new PutParameterCommand({ Name: sourceKeys, Value, Type: 'SecureString', Overwrite: true }));
  client.destroy();
}

/** The child prints its address; the resources of the deployment are listed there. */
async function deploymentOf(local: LocalCommand): Promise<Deployment> {
  const endpoint = /^export AWS_ENDPOINT_URL=(.+)$/m.exec(local.child.stdout)?.[1] ?? '';
  const settings = { endpoint, region: localNames.region, credentials: localNames.credentials };
  const dynamo = new DynamoDBClient(settings);
  const { TableNames = [] } = await dynamo.send(new ListTablesCommand({}));
  dynamo.destroy();
  const { stateMachines = [] } = await local.sfn.send(new ListStateMachinesCommand({}));
  const machine = (name: RegExp): string =>
    stateMachines.find((one) => name.test(one.name ?? ''))?.stateMachineArn ?? '';
  const outputs = {
    LedgerTable: TableNames[0] ?? '',
    SyncMachineArn: machine(/sync/i),
    UploadMachineArn: machine(/upload/i),
    JobsQueueUrl: await local.queueUrl(/Jobs/),
    EventsQueueUrl: await local.queueUrl(/QueuesEvents/),
    DeadLetterQueueUrl: await local.queueUrl(/Dead/),
  };
  return { endpoint, region: localNames.region, outputs };
}
