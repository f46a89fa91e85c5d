import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EnvironmentData, FromEnvironment, ToEnvironment } from './messages.ts';

/** Where a function's code runs, apart from all others. */
export interface Sandbox {
  /** the operating system's number of the process it is in: this one's for a thread */
  readonly pid: number | undefined;
  /** resolves when it is over and everything that it wrote was delivered */
  readonly exited: Promise<void>;
  send(message: ToEnvironment): void;
  /** Ends it at once, whatever it is doing. */
  kill(): void;
}

export interface SandboxOptions {
  readonly data: EnvironmentData;
  /** the whole environment of the code */
  readonly environment: Readonly<Record<string, string>>;
  readonly name: string;
  /** MiB that its heap may grow to */
  readonly heapMiB: number;
  readonly onMessage: (message: FromEnvironment) => void;
  readonly onLog: (text: string) => void;
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** told how it ended, in the words of Lambda, before `exited` resolves */
  readonly onExit: (how: string) => void;
}

/** MiB for fresh objects: many small heaps share one machine. */
const youngMiB = 4;

const bootstrap = new URL('./bootstrap.ts', import.meta.url);

const exitStatus = (code: number | null): string =>
  code === 0 ? 'without providing a reason' : `with error: exit status ${code ?? '?'}`;

/** A thread of this process: the least memory, and the fastest to start. */
export function threadSandbox({ data, environment, name, heapMiB, ...on }: SandboxOptions): Sandbox {
  const worker = new Worker(bootstrap, {
    workerData: data,
    env: { ...environment },
    argv: [],
    resourceLimits: { maxYoungGenerationSizeMb: youngMiB, maxOldGenerationSizeMb: heapMiB },
    execArgv: [],
    stdout: true,
    stderr: true,
    name,
  });
  for (const stream of [worker.stdout, worker.stderr]) stream.setEncoding('utf8').on('data', on.onLog);
  worker.on('message', on.onMessage);
  worker.on('error', on.onError);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      on.onExit(exitStatus(code));
      resolve();
    });
  });
  return {
    pid: process.pid,
    exited,
    send: (message) => worker.postMessage(message),
    kill: () => void worker.terminate(),
  };
}

/** A process of its own: it can be watched, and killed, like an execution environment of Lambda. */
export function processSandbox({ data, environment, name, heapMiB, ...on }: SandboxOptions): Sandbox {
  const child = fork(fileURLToPath(bootstrap), [JSON.stringify(data), name], {
    env: { ...environment },
    execArgv: [`--max-semi-space-size=${youngMiB}`, `--max-old-space-size=${heapMiB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', on.onLog);
  child.on('message', (message) => on.onMessage(message as FromEnvironment));
  child.on('error', on.onError);
  const exited = new Promise<void>((resolve) => {
    // Not `exit`: what it wrote and sent last may still be on its way then.
    child.once('close', (code, signal) => {
      on.onExit(signal === null ? exitStatus(code) : `with error: signal: ${signal === 'SIGKILL' ? 'killed' : signal}`);
      resolve();
    });
  });
  return {
    pid: child.pid,
    exited,
    // To one that is gone: `onExit` tells, or has told.
    send: (message) => void child.send(message, () => undefined),
    kill: () => void child.kill('SIGKILL'),
  };
}
