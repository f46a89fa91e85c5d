import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EnvironmentData, FromEnvironment, ToEnvironment } from './messages.ts';

/** Where the code of a function runs, isolated from other functions. */
export interface Sandbox {
  /** the process ID; for a thread, that of this process */
  readonly pid: number | undefined;
  /** resolves when the sandbox has exited and all its output was delivered */
  readonly exited: Promise<void>;
  send(message: ToEnvironment): void;
  /** Ends the sandbox immediately, even if its code blocks. */
  kill(): void;
}

export interface SandboxOptions {
  readonly data: EnvironmentData;
  /** all environment variables of the code */
  readonly environment: Readonly<Record<string, string>>;
  readonly name: string;
  /** limit of its heap */
  readonly heapMiB: number;
  readonly onMessage: (message: FromEnvironment) => void;
  readonly onLog: (text: string) => void;
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** called with how the sandbox ended, in the words of Lambda, before `exited` resolves */
  readonly onExit: (how: string) => void;
}

/**
 * The half of the young generation, 16 MiB as by default in Node. Less makes V8 collect garbage all the time: with 1.3
 * MiB that was a sixth of the CPU of a function under load. A heap uses it only if it makes garbage fast.
 */
const semiSpaceMiB = 16;

const bootstrap = new URL('./bootstrap.ts', import.meta.url);

const exitStatus = (code: number | null): string =>
  code === 0 ? 'without providing a reason' : `with error: exit status ${code ?? '?'}`;

/** A thread of this process: needs the least memory and starts fastest. */
export function threadSandbox({ data, environment, name, heapMiB, ...on }: SandboxOptions): Sandbox {
  const worker = new Worker(bootstrap, {
    workerData: data,
    env: { ...environment },
    argv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 3 * semiSpaceMiB, maxOldGenerationSizeMb: heapMiB },
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

/** A process of its own: can be observed and killed like an execution environment of Lambda. */
export function processSandbox({ data, environment, name, heapMiB, ...on }: SandboxOptions): Sandbox {
  const child = fork(fileURLToPath(bootstrap), [JSON.stringify(data), name], {
    env: { ...environment },
    execArgv: [`--max-semi-space-size=${semiSpaceMiB}`, `--max-old-space-size=${heapMiB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', on.onLog);
  child.on('message', (message) => on.onMessage(message as FromEnvironment));
  child.on('error', on.onError);
  const exited = new Promise<void>((resolve) => {
    // Not `exit`: the last output and messages may arrive after it.
    child.once('close', (code, signal) => {
      on.onExit(signal === null ? exitStatus(code) : `with error: signal: ${signal === 'SIGKILL' ? 'killed' : signal}`);
      resolve();
    });
  });
  return {
    pid: child.pid,
    exited,
    // A failure to send means that the process is gone, which `onExit` reports.
    send: (message) => void child.send(message, () => undefined),
    kill: () => void child.kill('SIGKILL'),
  };
}
