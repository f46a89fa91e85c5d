/** What the runtime and the worker thread of an execution environment say to each other. */

/** An error as Lambda reports it, and as Step Functions puts it into a cause. */
export interface LambdaError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** Given to the thread when it starts. */
export interface EnvironmentData {
  /** absolute path of the unpacked code */
  readonly codeDirectory: string;
  /** `<module>.<export>` as in the function's configuration */
  readonly handler: string;
}

/** To the thread. Events and results cross as JSON text, as they do between Lambda and its runtime. */
export type ToEnvironment =
  { readonly kind: 'invoke'; readonly event: string; readonly context: InvocationContext } | { readonly kind: 'end' };

export interface InvocationContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  /** milliseconds since the epoch */
  readonly deadline: number;
}

/** From the thread. After `fatal` the thread ends. */
export type FromEnvironment =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'done'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: LambdaError; readonly fatal: boolean };
