import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { parseConfiguration, type Configuration } from '../../shared/model/config/configuration.ts';
import type { WorkerMode } from '../../shared/model/config/settings.ts';
import type { Task } from '../../shared/model/config/task.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import {
  startEmulator,
  type Emulator,
  type EmulatorOptions,
  type Quotas,
  type S3Surroundings,
} from '../../emulator/aws/index.ts';
import {
  httpServerOptions,
  openS3Server,
  type AccessRequest,
  type FaultHook,
  type Fault,
  type FinishedRequest,
  type Notification,
  type S3Server,
} from '../../emulator/s3/index.ts';
import { emulatorFault } from './emulator-fault.ts';
import { otherAccount } from './other-account.ts';
import { forgetRuns } from './forget-runs.ts';
import { localNames } from './settings.ts';

export interface LocalPipelineOptions {
  /** buckets, queues and tables are kept below this directory */
  readonly dataDirectory: string;
  /** path of the task configuration */
  readonly configuration: string;
  /** port of the endpoint; 0 takes any free port */
  readonly port: number;
  /** called after every S3 request */
  readonly onRequest?: (request: FinishedRequest) => void;
  /** the quotas of the account, for its store as well; without them, there are none */
  readonly quotas?: Quotas | undefined;
  /** faults of S3 requests, for tests */
  readonly fault?: FaultHook;
  readonly onLog?: EmulatorOptions['onLog'];
  readonly onNote?: (line: string) => void;
  /** settings of the deployment, for tests; by default failed messages wait as they do in Lambda */
  readonly deployment?: Pick<
    EmulatorOptions,
    'isolation' | 'concurrency' | 'idleSeconds' | 'retryDelaySeconds' | 'machineWaitSeconds' | 'fault'
  >;
}

/**
 * The whole system on one machine. As in an AWS account, the buckets and their objects exist first; the stack is
 * deployed beside them later.
 */
export class LocalPipeline {
  readonly tasks: readonly Task[];
  /** which consumers receive jobs; the caller starts the worker, if there is one */
  readonly workerMode: WorkerMode;
  readonly #options: LocalPipelineOptions;
  readonly #s3: S3Server;
  readonly #server: Server;
  readonly #relay: AccountRelay;
  #aws: Emulator | undefined;

  private constructor(
    options: LocalPipelineOptions,
    { tasks, stack }: Configuration,
    { s3, server, relay }: { readonly s3: S3Server; readonly server: Server; readonly relay: AccountRelay },
  ) {
    this.#options = options;
    this.tasks = tasks;
    this.workerMode = stack.workerMode;
    this.#s3 = s3;
    this.#server = server;
    this.#relay = relay;
  }

  /**
   * Opens the store, and creates the tasks' buckets.
   * @throws Fault `InvalidTask` for an invalid configuration
   */
  static async open(options: LocalPipelineOptions): Promise<LocalPipeline> {
    const text = readFileSync(options.configuration, 'utf8');
    const configuration = parseConfiguration(text, `configuration ${options.configuration}`);
    const relay = new AccountRelay();
    const s3 = await openS3Server({
      dataDirectory: join(options.dataDirectory, 's3'),
      region: localNames.region,
      credentials: (accessKeyId) => relay.secretOf(accessKeyId),
      authorize: (request) => relay.authorize(request),
      onEvent: (event) => relay.deliver(event),
      ...(options.onRequest && { onRequest: options.onRequest }),
      fault: (request) => slowedDown(options.quotas, request) ?? options.fault?.(request),
    });
    const server = createServer(httpServerOptions, (request, response) => void s3.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const pipeline = new LocalPipeline(options, configuration, { s3, server, relay });
    for (const bucket of pipeline.buckets) s3.createBucket(bucket);
    return pipeline;
  }

  /** The buckets of the configuration that are on this machine. */
  get buckets(): string[] {
    const sides = this.tasks.flatMap((task) => [task.source, task.destination]);
    return [...new Set(sides.filter((side) => side.endpoint === undefined).map((side) => side.bucket))];
  }

  /** URL of the store alone, before and after the deployment. */
  get storeEndpoint(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** A client of one bucket, like that of any user of the store. */
  store(bucket: string): ObjectStore {
    const side = { bucket, prefix: '', region: localNames.region, endpoint: this.storeEndpoint, requestPayer: false };
    return new S3ObjectStore(createS3Client(side, localNames.credentials), side);
  }

  /**
   * Deploys the stack of a cloud assembly beside the buckets, and starts it.
   * @throws Fault that {@link emulatorFault} makes from an error of the emulator; `InvalidInput` if the port is in use
   */
  async deploy(assemblyDirectory: string): Promise<Emulator> {
    const { dataDirectory, port, onLog, onNote, quotas, deployment } = this.#options;
    const aws = await startEmulator({
      port,
      dataDirectory,
      assemblyDirectory,
      region: localNames.region,
      credentials: localNames.credentials,
      users: [otherAccount(this.tasks)],
      openS3: (surroundings) => {
        this.#relay.connect(surroundings);
        return Promise.resolve({
          handle: (request, response) => void this.#s3.handle(request, response),
          createBucket: (name) => this.#s3.createBucket(name),
          close: () => Promise.resolve(),
        });
      },
      retryDelaySeconds: undefined,
      quotas,
      ...deployment,
      ...(onLog && { onLog }),
      ...(onNote && { onNote }),
    }).catch((error: unknown) => {
      throw emulatorFault(error);
    });
    this.#aws = aws;
    await putCredentials(aws);
    await forgetRuns(aws, this.tasks);
    return aws;
  }

  /** Stops the deployment, then the store. */
  async close(): Promise<void> {
    await this.#aws?.stop();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#s3.close();
  }
}

/** The fault of a request to the store that exceeds the rate of its prefix. */
function slowedDown(quotas: Quotas | undefined, request: Parameters<FaultHook>[0]): Fault | undefined {
  const { operation, bucket, key, req } = request;
  // A listing asks for the keys of its prefix.
  const prefix = key === '' ? new URLSearchParams(req.url?.split('?', 2)[1] ?? '').get('prefix') : null;
  return quotas?.prefixes.refusal({ operation, bucket, key: prefix ?? key });
}

/**
 * Connects the store to the rest of the account once the stack is deployed. Until then only the administrator has
 * access, the delivery of events fails, and the store keeps them.
 */
class AccountRelay {
  #account: S3Surroundings | undefined;

  connect(account: S3Surroundings): void {
    this.#account = account;
  }

  secretOf(accessKeyId: string): { secretAccessKey: string; sessionToken?: string } | undefined {
    if (this.#account) return this.#account.credentials(accessKeyId);
    return accessKeyId === localNames.credentials.accessKeyId ? localNames.credentials : undefined;
  }

  authorize(request: AccessRequest): boolean | string {
    return this.#account ? this.#account.authorize(request) : request.accessKeyId !== undefined;
  }

  async deliver(event: Notification): Promise<void> {
    if (!this.#account) throw new Error('the queues are not deployed yet');
    await this.#account.onEvent(event);
  }
}

/** Stores the keys of the destination where a user would keep those of another account. */
async function putCredentials({ endpoint, region }: Emulator): Promise<void> {
  const client = new SSMClient({ endpoint, region, credentials: localNames.credentials });
  const { accessKeyId, secretAccessKey } = localNames.otherAccount.credentials;
  const value = { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, region };
  await client.send(
    new PutParameterCommand({
      Name: localNames.credentialsParameter,
      Type: 'SecureString',
      Value: JSON.stringify(value),
      Overwrite: true,
    }),
  );
  client.destroy();
}
