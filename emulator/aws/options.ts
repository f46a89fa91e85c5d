import type { IncomingHttpHeaders } from 'node:http';
import { availableParallelism } from 'node:os';
import { accountIn, type Account } from './account.ts';
import type { ServiceFaultHook } from './faults.ts';
import type { RequestHandler } from './http/exchange.ts';
import type { PolicyDocument } from './iam/policy.ts';
import type { Isolation, LogChunk } from './lambda/environment.ts';
import type { Credentials } from './lambda/function-definition.ts';
import type { Quotas } from './quotas/quotas.ts';

/** The S3 server, as far as the emulator uses it. */
export interface S3Service {
  readonly handle: RequestHandler;
  /** Creates a bucket unless it exists. */
  readonly createBucket: (name: string) => void | Promise<void>;
  readonly close: () => void | Promise<void>;
}

/** A request to the S3 server, as it is authorized. */
export interface S3Request {
  /** as S3 names it */
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  /** undefined for an unsigned request */
  readonly accessKeyId: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

/** What the S3 server is opened with. */
export interface S3Surroundings {
  readonly dataDirectory: string;
  readonly region: string;
  /** the secret of an access key ID; that of a session has a token */
  readonly credentials: (accessKeyId: string) => Credentials | undefined;
  /** whether the caller may do what a request asks for: false or a message refuse it */
  readonly authorize: (request: S3Request) => boolean | string;
  /** Delivers an event notification; rejects while its queue does not exist, and the S3 server then retries. */
  readonly onEvent: (notification: { readonly queueArn: string; readonly message: object }) => Promise<void>;
}

/** A user with an access key, such as one of another account. */
export interface User {
  readonly name: string;
  readonly credentials: Credentials;
  readonly policy: PolicyDocument;
}

export interface EmulatorOptions {
  /** default 4566, which other emulators of AWS use too; 0 takes any free port */
  readonly port?: number;
  /** the user's option for the port, named in the message if the port is in use; default `--port` */
  readonly portOption?: string;
  /** objects and tables are kept here and outlive the process; queues, executions and parameters do not */
  readonly dataDirectory: string;
  /** the synthesized cloud assembly (`cdk.out`) */
  readonly assemblyDirectory: string;
  /** required if the assembly has several stacks */
  readonly stackName?: string;
  /** default us-east-1 */
  readonly region?: string;
  /** of the account's administrator, who may do everything */
  readonly credentials: Credentials;
  /** other users, who may do what their policies allow */
  readonly users?: readonly User[];
  readonly openS3: (surroundings: S3Surroundings) => Promise<S3Service>;
  /** buckets to create before the stack is deployed */
  readonly buckets?: readonly string[];
  /** execution environments that a function may have at once, by function ID; default {@link defaultConcurrency} */
  readonly concurrency?: Readonly<Record<string, number>>;
  /** what separates execution environments: threads of this process (default), or processes that can be killed */
  readonly isolation?: Isolation;
  /** how long an idle execution environment is kept; default 10 */
  readonly idleSeconds?: number;
  /** when a failed message becomes visible again; `undefined` leaves it to the queue's visibility timeout */
  readonly retryDelaySeconds?: number | undefined;
  /** how long every Wait state, and every retry of a machine, waits; by default as its definition says. For tests */
  readonly machineWaitSeconds?: number | undefined;
  /** makes requests to the services other than S3 fail, for tests */
  readonly fault?: ServiceFaultHook;
  /** the quotas of the account; without them, functions wait where AWS throttles, and nothing else has a limit */
  readonly quotas?: Quotas | undefined;
  /** whether the stack's schedules fire; default true */
  readonly schedules?: boolean;
  /** receives what functions write to their standard output and error */
  readonly onLog?: (chunk: LogChunk) => void;
  /** receives what a user should know about the deployment, one sentence per call */
  readonly onNote?: (line: string) => void;
  /** receives errors of the emulator itself; default `console.error` */
  readonly onError?: (error: unknown) => void;
}

/** The options with every default filled in. */
export interface Settings extends Required<
  Omit<EmulatorOptions, 'stackName' | 'fault' | 'quotas' | 'region' | 'buckets' | 'machineWaitSeconds'>
> {
  readonly account: Account;
  readonly buckets: readonly string[];
  readonly stackName: string | undefined;
  readonly fault: ServiceFaultHook | undefined;
  readonly quotas: Quotas | undefined;
  readonly machineWaitSeconds: number | undefined;
}

/**
 * Environments per function, by function ID. The emulator itself keeps one processor busy, and an environment takes 30
 * to 40 MiB before it has buffers, so four are enough for one machine.
 */
export const defaultConcurrency: Readonly<Record<string, number>> = {
  'copy-objects': Math.min(4, Math.max(1, availableParallelism() - 1)),
  'upload-parts': 1,
};
/** Long enough for a transient error to pass, short enough for a user who watches. */
const defaultRetryDelaySeconds = 5;

export function settingsOf(options: EmulatorOptions): Settings {
  return {
    ...options,
    account: accountIn(options.region ?? 'us-east-1'),
    port: options.port ?? 4566,
    portOption: options.portOption ?? '--port',
    stackName: options.stackName,
    buckets: options.buckets ?? [],
    users: options.users ?? [],
    concurrency: options.concurrency ?? defaultConcurrency,
    isolation: options.isolation ?? 'threads',
    idleSeconds: options.idleSeconds ?? 10,
    // An `undefined` that the caller wrote means something else than a missing option.
    retryDelaySeconds: 'retryDelaySeconds' in options ? options.retryDelaySeconds : defaultRetryDelaySeconds,
    fault: options.fault,
    quotas: options.quotas,
    machineWaitSeconds: options.machineWaitSeconds,
    schedules: options.schedules ?? true,
    onLog: options.onLog ?? (() => undefined),
    onNote: options.onNote ?? (() => undefined),
    onError: options.onError ?? ((error) => console.error(error)),
  };
}
