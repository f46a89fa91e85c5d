import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { Fault } from '../../shared/model/faults.ts';
import { defaultMetricsNamespace, workerService } from '../../shared/model/metrics.ts';
import { tasksPathOf } from '../../shared/model/parameter-paths.ts';
import { parseJsonWith } from '../../shared/model/parse.ts';
import type { WorkerKey } from '../../worker/environment.ts';
import type { Emulator, LogChunk } from '../../emulator/aws/index.ts';
import { localNames } from './settings.ts';

/** Small, because the worker shares the machine with the endpoint. */
const ownSettings = { PROCESSES: '2', MEMORY_MIB: '256', OBJECTS_AT_ONCE: '4', METADATA_URL: 'none' } as const;

/** How long a worker may drain before it is killed. */
const stopTimeoutMillis = 10_000;

/** The EC2 worker of a deployment as a child process: the same bundle, variables and role as on an instance. */
export class LocalWorker {
  readonly process: ChildProcess;
  readonly #ended: Promise<unknown>;

  /**
   * @param assembly the deployed cloud assembly, which has the code for the instance
   * @param environment variables that replace the defaults
   * @throws Fault `InvalidInput` if the assembly has no worker
   */
  constructor(
    aws: Emulator,
    assembly: string,
    environment: Partial<Record<WorkerKey, string>> = {},
    onLog: (chunk: LogChunk) => void = () => undefined,
  ) {
    const { accessKeyId, secretAccessKey, sessionToken = '' } = aws.instanceCredentials();
    const deployed = {
      TASKS_PATH: tasksPathOf(localNames.stack),
      LEDGER_TABLE: output(aws, 'LedgerTable'),
      QUEUE_URL: output(aws, 'JobsQueueUrl'),
      EVENTS_QUEUE_URL: output(aws, 'EventsQueueUrl'),
      DEAD_LETTER_QUEUE_URL: output(aws, 'DeadLetterQueueUrl'),
    } satisfies Partial<Record<WorkerKey, string>>;
    const script = join(workerCode(assembly), 'index.mjs');
    this.process = spawn(process.execPath, ['--enable-source-maps', '--max-semi-space-size=4', script], {
      // As on an instance, the worker inherits nothing from this process; see processEnvironment in
      // emulator/aws/lambda.
      env: {
        ...deployed,
        ...ownSettings,
        ...environment,
        AWS_REGION: aws.region,
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_CONFIG_FILE: devNull,
        AWS_SHARED_CREDENTIALS_FILE: devNull,
        AWS_EC2_METADATA_DISABLED: 'true',
        MALLOC_ARENA_MAX: '2',
        POWERTOOLS_SERVICE_NAME: workerService,
        POWERTOOLS_METRICS_NAMESPACE: defaultMetricsNamespace,
        TZ: ':UTC',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.process, 'close');
    const log = (text: string): void => onLog({ functionName: 'worker', text });
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.setEncoding('utf8').on('data', log);
  }

  /** Stops the worker as systemd would. @returns its exit code, or null if it was killed */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    const last = setTimeout(() => this.process.kill('SIGKILL'), stopTimeoutMillis);
    await this.#ended;
    clearTimeout(last);
    return this.process.exitCode;
  }

  /** Resolves when the worker has ended, for any reason. @returns its exit code, or null if it was killed */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.process.exitCode;
  }
}

const assetsSchema = v.object({
  files: v.record(
    v.string(),
    v.object({ displayName: v.optional(v.string(), ''), source: v.object({ path: v.optional(v.string(), '') }) }),
  ),
});

/** The directory of the worker's code in an assembly. */
function workerCode(assembly: string): string {
  const file = join(assembly, `${localNames.stack}.assets.json`);
  const { files } = parseJsonWith(assetsSchema, readFileSync(file, 'utf8'), file);
  const asset = Object.values(files).find(({ displayName }) => displayName === 'Workers/Code');
  const directory = join(assembly, asset?.source.path ?? '');
  if (asset && existsSync(join(directory, 'index.mjs'))) return directory;
  throw new Fault('InvalidInput', `${assembly} has no worker; expected "workerMode" to be "ec2" or "both"`);
}

function output(aws: Emulator, name: string): string {
  const value = aws.outputs[name];
  if (value === undefined) throw new Error(`the stack has no output ${name}`);
  return value;
}
