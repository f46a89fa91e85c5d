/** Step Functions: the largest input or output of a state, in bytes of UTF-8. */
export const maxStateBytes = 262_144;

/**
 * An error inside an execution. Retry and Catch match its `name`; its `message` is the cause. The interpreter reads the
 * two flags: a terminal error can be neither retried nor caught, not even by `States.ALL`.
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

/** @throws StepError `States.DataLimitExceeded` if `value` exceeds the limit for a state's input or output */
export function checkStateData(value: unknown, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  if (bytes <= maxStateBytes) return;
  throw new StepError('States.DataLimitExceeded', `${what} has ${bytes} bytes, expected at most ${maxStateBytes}`, {
    terminal: true,
  });
}
