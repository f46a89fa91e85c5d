import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { accountIn, localAccountId } from './account.ts';
import { lockDataDirectory } from './data-lock.ts';
import { deployResources, type Services } from './deploy/deploy.ts';
import { startMappings, startSchedules, type TriggerOptions } from './deploy/triggers.ts';
import { maxTableBodyBytes, openTables } from './dynamodb/tables.ts';
import type { ServiceFaultHook } from './faults.ts';
import type { RequestHandler } from './http/exchange.ts';
import { openGateway } from './http/gateway.ts';
import { maxJsonBodyBytes } from './http/json-service.ts';
import { serve } from './http/serve.ts';
import { stsHandler } from './http/sts.ts';
import type { InvocationResult, Isolation, LogChunk } from './lambda/environment.ts';
import type { Credentials } from './lambda/function-definition.ts';
import { LambdaRuntime, type RunningEnvironment } from './lambda/runtime.ts';
import { maxQueueBodyBytes, openQueues } from './sqs/queues.ts';
import { ParameterStore } from './ssm/parameters.ts';
import { Executions } from './states/executions.ts';
import { StepFunctions } from './states/service.ts';
import { queueUrl } from './template/resource-types.ts';
import { resolveStack } from './template/stack.ts';
import { readAssembly } from './template/template.ts';
import { Undo } from './teardown.ts';

/** The S3 server, as far as the endpoint knows it. */
export interface S3Service {
  readonly handle: RequestHandler;
  /** Makes a bucket; one that exists already is left as it is. */
  readonly createBucket: (name: string) => void | Promise<void>;
  readonly close: () => void | Promise<void>;
}

/** What the S3 server is opened with. */
export interface S3Surroundings {
  readonly dataDirectory: string;
  readonly region: string;
  /** secret access keys by access key ID */
  readonly credentials: ReadonlyMap<string, string>;
  /** Delivers an event notification; rejects while its queue is not there, and is then to be tried again. */
  readonly onEvent: (notification: { readonly queueArn: string; readonly message: object }) => Promise<void>;
}

export interface EmulatorOptions {
  /** default 4566, like the tools people know; 0 takes any free one */
  readonly port?: number;
  /** how a user changes the port, for the message when it is taken; default `--port` */
  readonly portOption?: string;
  /** everything that outlives the process: objects and tables. Queues, executions and parameters do not */
  readonly dataDirectory: string;
  /** the synthesized cloud assembly (`cdk.out`) */
  readonly assemblyDirectory: string;
  /** needed where the assembly has several stacks */
  readonly stackName?: string;
  /** default us-east-1 */
  readonly region?: string;
  readonly credentials: Credentials;
  readonly openS3: (surroundings: S3Surroundings) => Promise<S3Service>;
  /** buckets to make before the stack is deployed */
  readonly buckets?: readonly string[];
  /** execution environments a function may have at once; by default {@link defaultConcurrency} */
  readonly concurrency?: Readonly<Record<string, number>>;
  /** what keeps execution environments apart: threads of this process (the default), or processes that can be killed */
  readonly isolation?: Isolation;
  /** how long an execution environment is kept without work; default 10 */
  readonly idleSeconds?: number;
  /** after how many seconds a failed message is tried again; `undefined` waits for the queue's visibility timeout */
  readonly retryDelaySeconds?: number | undefined;
  /** what goes wrong with requests to the services besides S3, for tests */
  readonly fault?: ServiceFaultHook;
  /** are the stack's schedules run? default true */
  readonly schedules?: boolean;
  /** what functions write to their standard output and error */
  readonly onLog?: (chunk: LogChunk) => void;
  /** what a user should know of the deployment, in sentences */
  readonly onNote?: (line: string) => void;
  /** faults of the endpoint itself */
  readonly onError?: (error: unknown) => void;
}

export interface Emulator {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
  /** the stack's outputs by their names */
  readonly outputs: Readonly<Record<string, string>>;
  /** the execution environments there are */
  readonly environments: () => RunningEnvironment[];
  readonly invokeFunction: (nameOrArn: string, event: unknown) => Promise<InvocationResult>;
  /** Ends everything, in order; what functions are doing is given `graceMilliseconds` (default 5,000). */
  readonly stop: (graceMilliseconds?: number) => Promise<void>;
}

/**
 * The endpoint itself keeps one processor busy; an environment takes 30 to 40 MiB before it has buffers, so that four
 * are enough for one machine.
 */
export const defaultConcurrency: Readonly<Record<string, number>> = {
  'copy-objects': Math.min(4, Math.max(1, availableParallelism() - 1)),
  'upload-parts': 1,
};
/** Long enough for a passing fault to pass, short enough for somebody who watches. */
const defaultRetryDelaySeconds = 5;
const defaultGraceMilliseconds = 5000;

/**
 * Starts an AWS endpoint on one port of 127.0.0.1 and deploys a synthesized stack into it.
 * @throws EmulatorError where the port is taken, the data directory is in use, the assembly is not there or the stack holds
 *   something that cannot be run here; whatever was started by then is ended
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const account = accountIn(options.region ?? 'us-east-1');
  const { region } = account;
  const onError = options.onError ?? ((error: unknown) => console.error(error));
  const assembly = readAssembly(options.assemblyDirectory, options.stackName);
  const routes = new Map<string, RequestHandler>([['sts', stsHandler(account)]]);
  const undo = new Undo();
  try {
    undo.add(lockDataDirectory(options.dataDirectory));
    let endpoint = '';
    const queues = await openQueues(account, () => endpoint, options.fault);
    undo.add(() => queues.close());
    const tables = openTables(join(options.dataDirectory, 'dynamodb'));
    undo.add(() => tables.close());
    const s3 = await options.openS3({
      dataDirectory: join(options.dataDirectory, 's3'),
      region,
      credentials: new Map([[options.credentials.accessKeyId, options.credentials.secretAccessKey]]),
      onEvent: async ({ queueArn, message }) => {
        const url = queueUrl(endpoint, account, queueArn.split(':').at(-1) ?? '');
        await queues.call('SendMessage', { QueueUrl: url, MessageBody: JSON.stringify(message) });
      },
    });
    undo.add(() => s3.close());
    const gateway = await openGateway({
      port: options.port ?? 4566,
      portOption: options.portOption ?? '--port',
      routes,
      unsigned: s3.handle,
      onError,
    });
    endpoint = gateway.endpoint;
    undo.add((grace) => gateway.close(grace));

    const surroundings = { endpoint, region, credentials: options.credentials };
    const runtime = new LambdaRuntime({
      surroundings,
      concurrency: options.concurrency ?? defaultConcurrency,
      idleSeconds: options.idleSeconds ?? 10,
      isolation: options.isolation ?? 'threads',
      onLog: options.onLog ?? (() => undefined),
      fault: options.fault,
    });
    undo.add((grace) => runtime.stop(grace));
    const executions = new Executions((name, event) => runtime.invoke(name, event));
    undo.add(() => executions.abortAll());
    const parameters = new ParameterStore(account);
    const stepFunctions = new StepFunctions(account, executions);
    routes.set('s3', s3.handle);
    for (const service of [
      { service: 'sqs', exchange: queues.exchange, limit: maxQueueBodyBytes, unheard: queues.giveBack },
      { service: 'dynamodb', exchange: tables.exchange, limit: maxTableBodyBytes },
      { service: 'states', exchange: stepFunctions.exchange, limit: maxJsonBodyBytes },
      { service: 'ssm', exchange: parameters.exchange, limit: maxJsonBodyBytes },
    ] as const) {
      routes.set(service.service, serve({ ...service, fault: options.fault }));
    }

    for (const bucket of options.buckets ?? []) await s3.createBucket(bucket);
    const services: Services = {
      queues,
      tables,
      parameters,
      runtime,
      stepFunctions,
      createBucket: async (name) => s3.createBucket(name),
      note: options.onNote ?? (() => undefined),
    };
    const stack = resolveStack(assembly, account, endpoint);
    await deployResources(stack, assembly, services);
    const movement: TriggerOptions = {
      account,
      endpoint,
      retryDelaySeconds: 'retryDelaySeconds' in options ? options.retryDelaySeconds : defaultRetryDelaySeconds,
      onError,
    };
    // Mappings end before executions and functions do: a batch that is under way may still need both.
    for (const mapping of startMappings(stack, services, movement)) {
      undo.add((grace) => Promise.race([mapping.stop(), pause(grace)]));
    }
    if (options.schedules ?? true) undo.add(startSchedules(stack, services, movement));
    return {
      endpoint,
      port: gateway.port,
      region,
      accountId: localAccountId,
      outputs: stack.outputs,
      environments: () => runtime.environments(),
      invokeFunction: (nameOrArn, event) => runtime.invoke(nameOrArn, event),
      stop: (grace = defaultGraceMilliseconds) => undo.run(grace),
    };
  } catch (error) {
    await undo.run(0);
    throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
