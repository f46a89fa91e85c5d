/**
 * The one table of everything that can go wrong. A fault's name is a contract: it is what is thrown, what the state
 * machines retry and catch (a Lambda error's type is its `name`), the reason in the ledger and the exit code.
 *
 * `retry` names what helps:
 * - `never`: the same work fails again until somebody changes something; it goes to the dead-letter queue at once.
 * - `later`: the same work may succeed as it is; its one retry owner tries again (the queue for a job, the state
 *   machine for a call).
 * - `anew`: the world moved; the attempt is thrown away and the object is looked at from the start.
 */
export const faultTable = {
  InvalidInput: { retry: 'never', meaning: 'a message, state input, option or environment variable is malformed' },
  InvalidTask: { retry: 'never', meaning: "the task's configuration is not valid" },
  UnknownTask: { retry: 'never', meaning: 'no task of that name is configured' },
  BucketNotFound: { retry: 'never', meaning: 'a bucket of the task does not exist' },
  ArchivedSource: { retry: 'never', meaning: 'the source object is archived and not restored' },
  TooLarge: { retry: 'never', meaning: 'the object is larger than S3 allows' },
  NotSupported: { retry: 'never', meaning: 'a store does not implement the operation' },
  UploadStuck: { retry: 'never', meaning: 'a multipart upload used up its rounds' },
  AccessDenied: { retry: 'later', meaning: 'a store, a key or a role refused access' },
  VerificationFailed: { retry: 'later', meaning: 'the destination does not confirm what was sent' },
  Truncated: { retry: 'later', meaning: 'a body ended before its length was reached' },
  Throttled: { retry: 'later', meaning: 'a service asked to slow down' },
  Unavailable: { retry: 'later', meaning: 'a service did not answer, or answered with a server error' },
  OutOfTime: { retry: 'later', meaning: 'the time of this call ran out before the work was done' },
  SourceChanged: { retry: 'anew', meaning: 'the source object is not the version that was being read' },
  SourceGone: { retry: 'anew', meaning: 'the source object was deleted while it was being read' },
  UploadGone: { retry: 'anew', meaning: 'the multipart upload no longer exists' },
  DestinationConflict: { retry: 'anew', meaning: 'another writer changed the destination at the same moment' },
} as const satisfies Record<string, { retry: 'never' | 'later' | 'anew'; meaning: string }>;

export type FaultName = keyof typeof faultTable;
export type RetryRule = (typeof faultTable)[FaultName]['retry'];

/**
 * An error of the table. `name` is the fault's name; the message says what was found, where, and what to do. Messages
 * never hold credentials or object content.
 */
export class Fault extends Error {
  override readonly name: FaultName;

  constructor(name: FaultName, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = name;
  }

  get retry(): RetryRule {
    return faultTable[this.name].retry;
  }
}

/** Any thrown value as a fault: faults as they are, everything else as `Unavailable` with its own message. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Fault('Unavailable', `unexpected error: ${text}`, { cause: error });
}

/** Is `error` a fault with one of these names? */
export function isFault(error: unknown, ...names: FaultName[]): error is Fault {
  return error instanceof Fault && (names.length === 0 || names.includes(error.name));
}

/** Ends a switch over a closed set: the compiler refuses a forgotten case, and a value from outside is named. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
