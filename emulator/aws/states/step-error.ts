/** Step Functions: the largest input or output of a state, in bytes of UTF-8. */
export const maxStateBytes = 262_144;

/**
 * An error inside an execution: `name` is what Retry and Catch match, `message` is the cause. The two flags are read
 * by the interpreter: terminal errors can neither be retried nor caught, not even by `States.ALL`.
 */
export class StepError extends Error {
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  constructor(name: string, cause: string, options?: { terminal: boolean }) {
    super(cause);
    this.name = name;
    this.isRetryable = this.isCatchable = options?.terminal !== true;
  }
}

/** @throws StepError `States.DataLimitExceeded` where `value` is more than a state may take or give */
export function checkStateData(value: unknown, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  if (bytes <= maxStateBytes) return;
  throw new StepError(
    'States.DataLimitExceeded',
    `${what} has ${bytes} bytes, a state takes and gives at most ${maxStateBytes}`,
    { terminal: true },
  );
}
