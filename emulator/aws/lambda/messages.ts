/** The messages between the runtime and the sandbox of an execution environment. */

/** An error as Lambda reports it and as Step Functions writes it into a cause. */
export interface LambdaError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** What a sandbox starts with. */
export interface EnvironmentData {
  /** absolute path of the unpacked code */
  readonly codeDirectory: string;
  /** `<module>.<export>` as in the function's configuration */
  readonly handler: string;
}

/** To the sandbox. Events and results are JSON text, as between Lambda and its runtime. */
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

/** From the sandbox, which exits after a `fatal` error. */
export type FromEnvironment =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'done'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: LambdaError; readonly fatal: boolean };
