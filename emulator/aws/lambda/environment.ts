import { randomUUID } from 'node:crypto';
import { processEnvironment, type FunctionDefinition, type FunctionSurroundings } from './function-definition.ts';
import type { FromEnvironment, LambdaError } from './messages.ts';
import { processSandbox, threadSandbox, type Sandbox } from './sandbox.ts';

/** What separates the execution environments from each other. */
export type Isolation = 'threads' | 'processes';

/** How an invocation ended. */
export type InvocationResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: unknown }
  | { readonly ok: false; readonly requestId: string; readonly error: LambdaError };

export interface LogChunk {
  readonly functionName: string;
  /** as written: one or more lines, with their line ends */
  readonly text: string;
}

/** Kills the environment in the middle of an invocation. */
export interface Interruption {
  readonly when: Promise<unknown>;
  /** the error type that the caller gets */
  readonly error: string;
}

/** Lambda: the largest event and result of a synchronous invocation, in bytes. */
export const maxPayloadBytes = 6 * 1024 * 1024;

interface Invocation {
  readonly requestId: string;
  readonly settle: (result: InvocationResult) => void;
}

/**
 * One execution environment: a sandbox with the code and the environment variables of a function. It runs one
 * invocation at a time and is reused for the next. An invocation that times out or crashes ends it.
 */
export class ExecutionEnvironment {
  readonly #definition: FunctionDefinition;
  readonly #sandbox: Sandbox;
  #invocation: Invocation | undefined;
  #usable = true;

  constructor(
    definition: FunctionDefinition,
    surroundings: FunctionSurroundings,
    isolation: Isolation,
    onLog: (chunk: LogChunk) => void,
  ) {
    this.#definition = definition;
    const log = (text: string): void => onLog({ functionName: definition.name, text });
    this.#sandbox = (isolation === 'threads' ? threadSandbox : processSandbox)({
      data: { codeDirectory: definition.codeDirectory, handler: definition.handler },
      environment: processEnvironment(definition, surroundings),
      name: definition.id,
      heapMiB: heapMiB(definition),
      onLog: log,
      onMessage: (message) => {
        if (message.kind === 'log') log(message.text);
        else this.#answered(message);
      },
      onError: (error) => this.#fail(crash(error, this.#invocation?.requestId ?? '')),
      onExit: (how) =>
        this.#fail({
          errorType: 'Runtime.ExitError',
          errorMessage: `RequestId: ${this.#invocation?.requestId ?? ''} Error: Runtime exited ${how}`,
        }),
    });
  }

  /** The ID of its process. */
  get pid(): number | undefined {
    return this.#sandbox.pid;
  }

  /** The request in progress. */
  get requestId(): string | undefined {
    return this.#invocation?.requestId;
  }

  /** Whether it can take another invocation after the current one. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Runs one invocation. Must not be called before the previous one has ended. Never rejects. */
  invoke(event: string, interruption?: Interruption): Promise<InvocationResult> {
    const { arn, name, memoryMiB, timeoutSeconds } = this.#definition;
    const requestId = randomUUID();
    return new Promise((resolve) => {
      const end = (errorType: string, what: string): void => {
        this.#fail({ errorType, errorMessage: `RequestId: ${requestId} Error: ${what}` });
        this.#sandbox.kill();
      };
      const timer = setTimeout(
        () => end('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`),
        timeoutSeconds * 1000,
      );
      void interruption?.when.then(() => {
        if (this.#invocation?.requestId === requestId) end(interruption.error, 'interrupted by an injected fault');
      });
      this.#invocation = {
        requestId,
        settle: (result) => {
          clearTimeout(timer);
          this.#invocation = undefined;
          resolve(result);
        },
      };
      const deadline = Date.now() + timeoutSeconds * 1000;
      this.#sandbox.send({
        kind: 'invoke',
        event,
        context: {
          awsRequestId: requestId,
          functionName: name,
          invokedFunctionArn: arn,
          memoryLimitInMB: String(memoryMiB),
          deadline,
        },
      });
    });
  }

  /** Ends the sandbox. Its output so far is still delivered. */
  async end(): Promise<void> {
    this.#usable = false;
    if (this.#invocation) this.#sandbox.kill();
    else this.#sandbox.send({ kind: 'end' });
    // Blocking code never reads the message.
    const last = setTimeout(() => this.#sandbox.kill(), 1000);
    await this.#sandbox.exited;
    clearTimeout(last);
  }

  #answered(message: Exclude<FromEnvironment, { kind: 'log' }>): void {
    if (message.kind === 'failed') {
      if (message.fatal) this.#fail(message.error);
      else this.#settle({ ok: false, error: message.error });
    } else if (Buffer.byteLength(message.payload) > maxPayloadBytes) {
      const found = Buffer.byteLength(message.payload);
      const limit = `maximum allowed payload size (${maxPayloadBytes} bytes)`;
      const errorMessage = `Response payload size (${found} bytes) exceeded ${limit}.`;
      this.#settle({ ok: false, error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } });
    } else {
      this.#settle({ ok: true, payload: JSON.parse(message.payload) as unknown });
    }
  }

  /** Ends the current invocation with an error and marks the environment as unusable. */
  #fail(error: LambdaError): void {
    this.#usable = false;
    this.#settle({ ok: false, error });
  }

  #settle(result: { ok: true; payload: unknown } | { ok: false; error: LambdaError }): void {
    this.#invocation?.settle({ ...result, requestId: this.#invocation.requestId });
  }
}

/**
 * Many small heaps share one machine, so each has a low limit: a heap that may grow does so, up to three times its
 * size, before it collects garbage. Buffers do not count. Bundles with the SDK need 20 to 40 MiB.
 */
function heapMiB({ memoryMiB }: FunctionDefinition): number {
  return Math.min(memoryMiB, 128);
}

/** The error of a crashed sandbox, as Lambda reports it: there, a full heap kills the process. */
function crash(error: NodeJS.ErrnoException, requestId: string): LambdaError {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const errorMessage = `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`;
    return { errorType: 'Runtime.ExitError', errorMessage };
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}
