import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator, EmulatorOptions, Quotas, ServiceFaultHook } from '../../emulator/aws/index.ts';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { Runs } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { LocalWorker } from '../../local/run/workers.ts';
import type { FaultHook, FinishedRequest } from '../../emulator/s3/index.ts';
import { DynamoLedger } from '../../shared/aws/dynamodb/ledger.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { KiB, MiB } from '../../shared/model/limits.ts';
import type { WorkerKey } from '../../worker/environment.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { noAttributes } from '../../test/support/objects.ts';

/** The routes of objects. Each has its own task, whose name is also the prefix of its keys. */
export const pipelineRoutes = [
  'put',
  'multipart',
  'server-side copy',
  'server-side copy of parts',
  'execution',
  'delete',
  'events',
] as const;
export type PipelineRoute = (typeof pipelineRoutes)[number];

export function taskNameOf(route: PipelineRoute): string {
  return `route-${route.replaceAll(' ', '-')}-end`;
}

const { sourceBucket, destinationBucket, credentialsParameter } = localNames;
const threshold = 8 * MiB;
/** The message that S3 sends. */
const kmsRefusal =
  'User: arn:aws:sts::000000000000:assumed-role/copy/copy is not authorized to perform: kms:Decrypt on the resource ' +
  'associated with this ciphertext because no identity-based policy allows the kms:Decrypt action';

/** Sizes in bytes of the objects of a route. Objects that one process copies in parts were uploaded in parts. */
const sizes: Readonly<Record<PipelineRoute, number>> = {
  put: 40 * KiB,
  multipart: 5 * MiB + 32 * KiB,
  'server-side copy': 40 * KiB,
  'server-side copy of parts': 5 * MiB + 32 * KiB,
  execution: 11 * MiB,
  delete: 1 * KiB,
  events: 4 * KiB,
};

function tasks(): object[] {
  return pipelineRoutes.map((route) => {
    const name = taskNameOf(route);
    const relayed = !route.startsWith('server-side copy');
    return {
      name,
      source: { bucket: sourceBucket, prefix: `${name}/` },
      destination: {
        bucket: destinationBucket,
        prefix: `${name}/`,
        ...(relayed && { credentials: { ssmParameter: credentialsParameter } }),
      },
      largeObjectThreshold: threshold,
      partSize: 5 * MiB,
      // Some trials need two runs at the same time.
      whileBusy: 'run',
      deletes: route === 'delete',
      allowEmptySource: route === 'delete',
      ...(route === 'events' && { events: 'create-delete' }),
    };
  });
}

export interface PipelineSettings {
  /** variables of the worker */
  readonly worker?: Partial<Record<WorkerKey, string>>;
  /** instead of one task for each route */
  readonly tasks?: readonly object[];
  /** settings of the stack */
  readonly stack?: object;
  readonly quotas?: Quotas;
  readonly deployment?: Pick<EmulatorOptions, 'concurrency' | 'retryDelaySeconds' | 'machineWaitSeconds'>;
}

/** The expected objects, by key: the SHA-256 of each, or undefined if it must not exist. */
export type Wanted = Map<string, string | undefined>;

/**
 * The whole system, deployed on this machine from its template and bundles. The test decides which requests fail. Use
 * it to test what only a deployment shows: queues, event sources, executions, the worker.
 */
export class Pipeline {
  /** decides the fault of each request to a service besides S3 */
  fault: ServiceFaultHook = () => undefined;
  /** decides the fault of each request to S3 */
  s3Fault: FaultHook = () => undefined;
  /** requests to the stores since this was emptied */
  requests: FinishedRequest[] = [];
  /** receives each finished request to a store */
  onRequest: (request: FinishedRequest) => void = () => undefined;
  log = '';
  readonly runs: Runs;
  readonly aws: Emulator;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly #ferry: LocalPipeline;
  readonly #directory: string;
  #worker: LocalWorker | undefined;

  private constructor(ferry: LocalPipeline, aws: Emulator, directory: string) {
    this.#ferry = ferry;
    this.#directory = directory;
    this.aws = aws;
    this.runs = new Runs(aws);
    this.source = ferry.store(sourceBucket);
    this.destination = ferry.store(destinationBucket);
  }

  static async open(consumer: 'lambda' | 'ec2', settings: PipelineSettings = {}): Promise<Pipeline> {
    const { worker = { PROCESSES: '1', VISIBILITY_SECONDS: '2' }, quotas, stack, deployment } = settings;
    const directory = mkdtempSync(join(tmpdir(), 's3-ferry-pipeline-'));
    const all = settings.tasks ?? tasks();
    const configuration = writeConfiguration(directory, all, { ...stack, workerMode: consumer });
    const hooks: { pipeline?: Pipeline } = {};
    const ferry = await LocalPipeline.open({
      dataDirectory: directory,
      configuration,
      port: 0,
      quotas,
      fault: (request) => hooks.pipeline?.s3Fault(request),
      onRequest: (request) => {
        hooks.pipeline?.requests.push(request);
        hooks.pipeline?.onRequest(request);
      },
      onLog: ({ text }) => {
        if (hooks.pipeline) hooks.pipeline.log += text;
      },
      deployment: {
        fault: (request) => hooks.pipeline?.fault(request),
        retryDelaySeconds: 1,
        idleSeconds: 60,
        ...deployment,
      },
    });
    const assembly = join(directory, 'cdk.out');
    await synthesize(configuration, assembly);
    const pipeline = new Pipeline(ferry, await ferry.deploy(assembly), directory);
    hooks.pipeline = pipeline;
    if (consumer === 'ec2') {
      pipeline.#worker = new LocalWorker(pipeline.aws, assembly, worker, ({ text }) => (pipeline.log += text));
    }
    return pipeline;
  }

  async close(): Promise<void> {
    this.fault = () => undefined;
    this.s3Fault = () => undefined;
    this.runs.close();
    await this.#worker?.stop();
    await this.#ferry.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /**
   * Makes objects that will take a route.
   * @param group part of their keys
   * @returns what must be at the destination in the end, by key
   */
  async prepare(route: PipelineRoute, group: string, count: number): Promise<Wanted> {
    const wanted: Wanted = new Map();
    await forEachConcurrently([...Array(count).keys()], 4, async (index) => {
      const key = objectKey(`${taskNameOf(route)}/${group}/${index}`);
      const data = randomBytes(sizes[route] + index);
      wanted.set(key, route === 'delete' ? undefined : hashOf(data));
      if (route === 'delete') await this.destination.put(key, { data, size: data.length }, noAttributes);
      else if (route === 'multipart' || route === 'server-side copy of parts') await this.#putInParts(key, data);
      else if (route !== 'events') await this.source.put(key, { data, size: data.length }, noAttributes);
      else if ((await this.#history(key, data, index)) === 'deleted') wanted.set(key, undefined);
    });
    return wanted;
  }

  /** Writes and deletes an object several times, as happens between two events. */
  async #history(key: string, data: Buffer, index: number): Promise<'there' | 'deleted'> {
    const put = (bytes: Buffer): Promise<unknown> =>
      this.source.put(objectKey(key), { data: bytes, size: bytes.length }, noAttributes);
    if (index % 4 === 1 || index % 4 === 2) await put(randomBytes(data.length));
    if (index % 4 === 2) await this.source.delete(objectKey(key));
    await put(data);
    if (index % 4 !== 3) return 'there';
    await this.source.delete(objectKey(key));
    return 'deleted';
  }

  async #putInParts(key: string, data: Buffer): Promise<void> {
    const { uploadId } = await this.source.createUpload(objectKey(key), noAttributes);
    const parts = [];
    for (const [index, start] of [0, 5 * MiB].entries()) {
      const bytes = data.subarray(start, index === 0 ? 5 * MiB : data.length);
      const address = { key: objectKey(key), uploadId, number: index + 1 };
      parts.push(await this.source.uploadPart(address, { data: bytes, size: bytes.length }));
    }
    await this.source.completeUpload(objectKey(key), uploadId, parts, { size: data.length });
  }

  /** An object whose source answers HEAD, but refuses to be read, until `cure` is called. */
  poison(key: string): { cure: () => void } {
    this.s3Fault = ({ operation, bucket, key: asked }) =>
      operation === 'GetObject' && bucket === sourceBucket && asked === key
        ? { kind: 'status', status: 403, code: 'AccessDenied', message: kmsRefusal }
        : undefined;
    return { cure: () => (this.s3Fault = () => undefined) };
  }

  /** What is in the dead-letter queue, with the reasons; it stays there. */
  async letters(): Promise<{ body: string; reason: string }[]> {
    const { endpoint, region, outputs } = this.aws;
    const client = new SQSClient({ endpoint, region, credentials: localNames.credentials });
    const QueueUrl = outputs['DeadLetterQueueUrl'];
    const input = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ['All'] };
    const { Messages = [] } = await client.send(new ReceiveMessageCommand(input));
    client.destroy();
    return Messages.map(({ Body = '', MessageAttributes }) => ({
      body: Body,
      reason: MessageAttributes?.['reason']?.StringValue ?? '',
    }));
  }

  ledger(): { get: DynamoLedger['get']; close: () => void } {
    const { endpoint, region, outputs } = this.aws;
    const client = new DynamoDBClient({ endpoint, region, credentials: localNames.credentials });
    const ledger = new DynamoLedger(DynamoDBDocumentClient.from(client), outputs['LedgerTable'] ?? '');
    return { get: (task, key) => ledger.get(task, key), close: () => client.destroy() };
  }

  /** Compares the destination with the expected objects. */
  async check(wanted: Wanted): Promise<{ lost: number; wrong: number }> {
    let [lost, wrong] = [0, 0];
    await forEachConcurrently([...wanted], 4, async ([key, hash]) => {
      const found = await this.read(key);
      if (hash === undefined && found) wrong++;
      else if (hash !== undefined && !found) lost++;
      else if (found && hashOf(found) !== hash) wrong++;
    });
    return { lost, wrong };
  }

  async read(key: string): Promise<Buffer | undefined> {
    const opened = await this.destination.get(objectKey(key));
    if (!opened) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of opened.body as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

export function hashOf(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
