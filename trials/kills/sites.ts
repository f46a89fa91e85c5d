import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
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
import type { Ledger } from '../../shared/ports/ledger.ts';
import { LocalCommand } from '../../test/support/local-command.ts';
import { childrenOf } from '../support/processes.ts';

/** Deployments whose processes are killed. */

/** Tasks by how a large object goes: all of it in one process, or as an execution of the UPLOAD machine. */
export type TaskName = 'in-one' | 'in-parts';

/** Both tasks, as they are configured. */
export function tasksFor(endpoint: string, partSize: number): Record<TaskName, object> {
  const side = { endpoint, forcePathStyle: true, region: localNames.region };
  const credentials = { ssmParameter: localNames.credentialsParameter };
  const task = (name: TaskName, largeObjectThreshold: number): object => ({
    name,
    source: { ...side, bucket: localNames.sourceBucket, prefix: `${name}/` },
    destination: { ...side, bucket: localNames.destinationBucket, prefix: `${name}/`, credentials },
    largeObjectThreshold,
    partSize,
  });
  return { 'in-one': task('in-one', 5 * GiB), 'in-parts': task('in-parts', MiB) };
}

/** Seconds until a message comes back to somebody else: minutes and hours in an account. */
const comesBack = 2;

/**
 * The same for the worker: five minutes in an account. It must be longer than a process can be kept waiting for a
 * processor: a heartbeat that comes too late is a second delivery.
 */
const workerComesBack = 8;

/** A deployment that moves one object at a time. */
export interface Site {
  readonly ledger: Ledger;
  /** Begins the move of an object. */
  send(task: TaskName, key: string): Promise<void>;
  isSettled(): Promise<boolean>;
  deadLetters(): Promise<number>;
  /** The process to kill, if it works at this moment. */
  victim(): number | undefined;
  /** What the platform does after the kill, where it does not see to it by itself. */
  revive(task: TaskName): Promise<void>;
  close(): Promise<void>;
}

/** What all of them do by the same calls. */
class Reach {
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
    const MessageBody = encodeJob({ task, key, action: 'copy' });
    await this.#queue.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody }));
  }

  close(): void {
    this.runs.close();
    this.#queue.destroy();
    this.#table.destroy();
  }
}

/** What every site asks its deployment. */
abstract class DeployedSite {
  protected abstract readonly reach: Reach;

  get ledger(): Ledger {
    return this.reach.ledger;
  }

  async send(task: TaskName, key: string): Promise<void> {
    await this.reach.send(task, key);
  }

  async isSettled(): Promise<boolean> {
    return this.reach.runs.isIdle();
  }

  async deadLetters(): Promise<number> {
    return this.reach.runs.deadLetters();
  }
}

/** The endpoint in this process, each function in one of its own; the worker, where there is one, too. */
export class HostedSite extends DeployedSite implements Site {
  readonly #ferry: LocalPipeline;
  readonly #aws: Emulator;
  protected readonly reach: Reach;
  readonly #assembly: string;
  readonly #log: (text: string) => void;
  #victim: () => number | undefined = () => undefined;
  #worker: LocalWorker | undefined;

  private constructor(ferry: LocalPipeline, aws: Emulator, assembly: string, log: (text: string) => void) {
    super();
    this.#ferry = ferry;
    this.#aws = aws;
    this.#assembly = assembly;
    this.reach = new Reach(aws);
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
      deployment: { isolation: 'processes', retryDelaySeconds: comesBack, concurrency: {} },
    });
    const assembly = join(directory, 'cdk.out');
    await synthesize(configuration, assembly);
    return new HostedSite(ferry, await ferry.deploy(assembly), assembly, log);
  }

  /** Kills are to hit the execution environment of this function while it has an invocation. */
  aimAtFunction(id: string): void {
    this.#victim = () => this.#aws.environments().find((one) => one.id === id && one.requestId !== undefined)?.pid;
  }

  /** Kills are to hit this process of the worker. */
  aimAtWorker(which: 'primary' | 'process'): void {
    this.#victim = () => {
      const primary = this.#worker?.process.pid;
      return primary === undefined || which === 'primary' ? primary : childrenOf(primary)[0];
    };
  }

  /** A fresh worker: one that saw its processes die again and again waits longer and longer. */
  async startWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#startWorker();
  }

  #startWorker(): void {
    const settings = { PROCESSES: '1', VISIBILITY_SECONDS: String(workerComesBack) };
    this.#worker = new LocalWorker(this.#aws, this.#assembly, settings, ({ text }) => this.#log(text));
  }

  victim(): number | undefined {
    return this.#victim();
  }

  /** A primary process that ended is started again, as systemd does; everything else is seen to by what is alive. */
  async revive(): Promise<void> {
    const child = this.#worker?.process;
    if (child?.pid === undefined || this.#victim() !== child.pid) return;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#startWorker();
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    this.reach.close();
    await this.#ferry.close();
  }
}

/** `npm run local`: queue, ledger, machines and functions die together. */
export class WholeSite extends DeployedSite implements Site {
  readonly #directory: string;
  readonly #tasks: readonly object[];
  #local: LocalCommand;
  protected reach: Reach;

  private constructor(directory: string, tasks: readonly object[], local: LocalCommand, reach: Reach) {
    super();
    this.#directory = directory;
    this.#tasks = tasks;
    this.#local = local;
    this.reach = reach;
  }

  static async open(directory: string, tasks: readonly object[]): Promise<WholeSite> {
    mkdirSync(directory, { recursive: true });
    const local = await LocalCommand.start(directory, tasks);
    await putDestinationKeys(local);
    return new WholeSite(directory, tasks, local, new Reach(await deploymentOf(local)));
  }

  victim(): number | undefined {
    return this.#local.child.process.pid;
  }

  /** Queues and executions are gone with the process: the next run finds what is not done. */
  async revive(task: TaskName): Promise<void> {
    await this.#local.child.ended();
    this.reach.close();
    this.#local = await LocalCommand.start(this.#directory, this.#tasks);
    await putDestinationKeys(this.#local);
    this.reach = new Reach(await deploymentOf(this.#local));
    await this.reach.runs.sync(task);
  }

  async close(): Promise<void> {
    this.reach.close();
    await this.#local.stop();
  }
}

async function putDestinationKeys(local: LocalCommand): Promise<void> {
  const { accessKeyId, secretAccessKey } = localNames.credentials;
  const value = { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, region: localNames.region };
  await local.putParameter(localNames.credentialsParameter, JSON.stringify(value));
}

/** What the child prints is where it is; what is deployed there it is asked. */
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
    DeadLetterQueueUrl: await local.queueUrl(/Dead/),
  };
  return { endpoint, region: localNames.region, outputs };
}
