/**
 * The first thing that runs in the worker thread of an execution environment: what Lambda's own Node runtime does,
 * with messages to the parent thread in place of the runtime API.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { EnvironmentData, FromEnvironment, InvocationContext, LambdaError, ToEnvironment } from './messages.ts';

type Handler = (event: unknown, context: object) => unknown;

const port = parentPort;
if (!port) throw new Error('expected to run in a worker thread');
const { codeDirectory, handler: handlerName } = workerData as EnvironmentData;

function send(message: FromEnvironment): void {
  port?.postMessage(message);
}

// A posted message reaches the parent even when the thread is terminated right after; what waits in the thread's own
// stdout stream does not.
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    send({ kind: 'log', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    const callback = rest.at(-1);
    if (typeof callback === 'function') queueMicrotask(callback as () => void);
    return true;
  };
}

process.on('uncaughtException', (error) => {
  send({ kind: 'failed', error: lambdaError(error), fatal: true });
  process.exit(129);
});
process.on('unhandledRejection', (reason) => {
  const { errorMessage, trace } = lambdaError(reason);
  const error = { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage, ...(trace && { trace }) };
  send({ kind: 'failed', error, fatal: true });
  process.exit(128);
});

const handler = await loadHandler();
port.on('message', (message: ToEnvironment) => {
  if (message.kind === 'end') process.exit(0);
  void invoke(message.event, message.context);
});

async function loadHandler(): Promise<Handler> {
  const dot = handlerName.lastIndexOf('.');
  const [moduleName, exportName] = [handlerName.slice(0, dot), handlerName.slice(dot + 1)];
  const file = ['.mjs', '.js', '.cjs']
    .map((end) => join(codeDirectory, moduleName + end))
    .find((path) => existsSync(path));
  if (file === undefined) fail('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}'`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const found = loaded[exportName];
  if (typeof found !== 'function') fail('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`);
  return found as Handler;
}

function fail(errorType: string, errorMessage: string): never {
  send({ kind: 'failed', error: { errorType, errorMessage, trace: [] }, fatal: true });
  process.exit(1);
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
