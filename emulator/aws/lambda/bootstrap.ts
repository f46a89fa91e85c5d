/**
 * The entry point of an execution environment, in a thread or in a process of its own. It does what the Node runtime of
 * Lambda does, but talks to the emulator in messages instead of through the runtime API.
 */
import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { EnvironmentData, FromEnvironment, InvocationContext, LambdaError, ToEnvironment } from './messages.ts';

type Handler = (event: unknown, context: object) => unknown;

// Code may come with source maps: stack traces then name the sources. Node reads a map when it loads its module.
process.setSourceMapsEnabled(true);

const port = parentPort;
const { codeDirectory, handler: handlerName } = port
  ? (workerData as EnvironmentData)
  : (JSON.parse(process.argv[2] ?? '') as EnvironmentData);

function send(message: FromEnvironment): void {
  if (port) port.postMessage(message);
  else if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Sends a last message and exits. */
function endWith(error: LambdaError, code: number): void {
  const message: FromEnvironment = { kind: 'failed', error, fatal: true };
  // A posted message of a thread arrives even if the thread exits right after it. A message of a process does not.
  if (port || !process.connected) {
    send(message);
    process.exit(code);
  }
  process.send?.(message, undefined, undefined, () => process.exit(code));
}

// Bytes buffered in a stream are lost when the thread is terminated or the process exits. So a thread posts its output
// as messages, which arrive even then, and a process writes to its pipes synchronously.
for (const [stream, descriptor] of [
  [process.stdout, 1],
  [process.stderr, 2],
] as const) {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (port) send({ kind: 'log', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    else writeNow(descriptor, Buffer.from(chunk));
    const callback = rest.at(-1);
    if (typeof callback === 'function') queueMicrotask(callback as () => void);
    return true;
  };
}

/** Writes to a non-blocking pipe. A full pipe is retried until the parent has read from it. */
function writeNow(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

process.on('uncaughtException', (error) => endWith(lambdaError(error), 129));
process.on('unhandledRejection', (reason) => {
  const { errorMessage, trace } = lambdaError(reason);
  endWith({ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage, ...(trace && { trace }) }, 128);
});

const handler = await loadHandler();
const listen = (message: ToEnvironment): void => {
  if (message.kind === 'end') process.exit(0);
  void invoke(message.event, message.context);
};
if (port) port.on('message', listen);
else {
  process.on('message', (message) => listen(message as ToEnvironment));
  // The emulator was killed, so no invocation can follow.
  process.on('disconnect', () => process.exit(0));
}

async function loadHandler(): Promise<Handler> {
  const dot = handlerName.lastIndexOf('.');
  const [moduleName, exportName] = [handlerName.slice(0, dot), handlerName.slice(dot + 1)];
  const file = ['.mjs', '.js', '.cjs']
    .map((end) => join(codeDirectory, moduleName + end))
    .find((path) => existsSync(path));
  if (file === undefined) return fail('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}'`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const found = loaded[exportName];
  if (typeof found !== 'function')
    return fail('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`);
  return found as Handler;
}

/** Exits; the returned promise never settles. */
function fail(errorType: string, errorMessage: string): Promise<never> {
  endWith({ errorType, errorMessage, trace: [] }, 1);
  return new Promise(() => undefined);
}

async function invoke(event: string, context: InvocationContext): Promise<void> {
  const { deadline, ...rest } = context;
  try {
    const result = await handler(JSON.parse(event) as unknown, {
      ...rest,
      functionVersion: '$LATEST',
      logGroupName: process.env['AWS_LAMBDA_LOG_GROUP_NAME'],
      logStreamName: process.env['AWS_LAMBDA_LOG_STREAM_NAME'],
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    });
    send({ kind: 'done', payload: result === undefined ? 'null' : JSON.stringify(result) });
  } catch (error) {
    send({ kind: 'failed', error: lambdaError(error), fatal: false });
  }
}

function lambdaError(thrown: unknown): LambdaError {
  if (!(thrown instanceof Error)) {
    return { errorType: typeof thrown, errorMessage: typeof thrown === 'string' ? thrown : JSON.stringify(thrown) };
  }
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
}
