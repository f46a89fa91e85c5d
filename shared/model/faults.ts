/**
 * The one table of everything that can go wrong. A fault's name is a contract: it is the `name` of what is thrown (and
 * so the type of a Lambda error, which the state machines retry and catch), and it begins the reason in the ledger.
 *
 * `retry` says what helps:
 * - `never`: the same work fails again until a person changes something. The job goes straight to the dead-letter
 *   queue.
 * - `later`: the same work may succeed. Its one retry owner tries again: the queue for a job, the state machine for a
 *   call.
 * - `restart`: the object changed under the attempt. The attempt is discarded, and the object is looked at from the
 *   start.
 *
 * `ofSurroundings` marks what is not about the object: a service or a store that is down or busy, a credential that is
 * refused. All jobs meet it, so it does not use up the deliveries of any (shared/model/postponement.ts).
 *
 * `endsUpload` marks a verdict about the version that is copied or about its parts: the open upload can never become
 * that copy, so giving up aborts it. After any other fault it stays in the ledger, and a redriven job resumes it.
 *
 * `exitCode` is what a command exits with when the fault ends it: 2 if what the user wrote is wrong (an option or the
 * configuration), 1 otherwise.
 */
export const faultTable = {
  InvalidInput: {
    retry: 'never',
    exitCode: 2,
    meaning: 'a message, state input, option or environment variable is malformed',
  },
  InvalidTask: { retry: 'never', exitCode: 2, meaning: "the task's configuration is not valid" },
  UnknownTask: { retry: 'never', exitCode: 2, meaning: 'no task with that name is configured' },
  BucketNotFound: { retry: 'never', exitCode: 1, meaning: 'a bucket of the task does not exist' },
  ArchivedSource: { retry: 'never', exitCode: 1, meaning: 'the source object is archived and not restored' },
  TooLarge: {
    retry: 'never',
    exitCode: 1,
    // No number of parts is enough for this version.
    endsUpload: true,
    meaning: 'the object is larger than S3 allows',
  },
  NotSupported: {
    retry: 'never',
    exitCode: 1,
    // The store will not do it next time either.
    endsUpload: true,
    meaning: 'a store does not implement the operation',
  },
  Refused: {
    retry: 'never',
    exitCode: 1,
    // What the upload was created with, or its parts, would be refused again.
    endsUpload: true,
    meaning: 'a store refused the request, for the reason that it gives',
  },
  AttributeLost: {
    retry: 'never',
    exitCode: 1,
    // An upload gets its attributes when it is created, and this one lacks some.
    endsUpload: true,
    meaning: 'the copy would lack something of its source, and the task is strict',
  },
  DeletesRefused: {
    retry: 'never',
    exitCode: 1,
    meaning: 'a run would delete more than its task allows, or its source lists too little',
  },
  TaskBusy: {
    retry: 'never',
    exitCode: 1,
    meaning: 'another run of the task is under way over some of the same keys',
  },
  UploadStuck: { retry: 'never', exitCode: 1, meaning: 'a multipart upload used up its rounds' },
  AccessDenied: {
    retry: 'later',
    exitCode: 1,
    meaning: 'a store, a key or a role refused access to what was asked for',
  },
  CredentialsRefused: {
    retry: 'later',
    exitCode: 1,
    ofSurroundings: true,
    meaning: 'credentials are missing, expired or wrong, whatever is asked for with them',
  },
  VerificationFailed: {
    retry: 'later',
    exitCode: 1,
    // One of the parts is wrong, and which one is not known.
    endsUpload: true,
    meaning: 'the destination does not confirm what was sent',
  },
  Truncated: { retry: 'later', exitCode: 1, meaning: 'a body ended before its length was reached' },
  Throttled: { retry: 'later', exitCode: 1, ofSurroundings: true, meaning: 'a service asked to slow down' },
  Unavailable: {
    retry: 'later',
    exitCode: 1,
    ofSurroundings: true,
    meaning: 'a service did not answer, or answered with a server error',
  },
  OutOfTime: { retry: 'later', exitCode: 1, meaning: 'the time of this call ran out before the work was done' },
  Held: {
    retry: 'later',
    exitCode: 1,
    ofSurroundings: true,
    meaning:
      'the work may not be done now, although nothing is wrong: its task or its run is paused, or there is no room for it',
  },
  SourceChanged: {
    retry: 'restart',
    exitCode: 1,
    // The parts are those of a version that is no more.
    endsUpload: true,
    meaning: 'the source object is no longer the version that was being read',
  },
  SourceGone: {
    retry: 'restart',
    exitCode: 1,
    endsUpload: true,
    meaning: 'the source object was deleted while it was being read',
  },
  UploadGone: { retry: 'restart', exitCode: 1, meaning: 'the multipart upload no longer exists' },
  DestinationConflict: {
    retry: 'restart',
    exitCode: 1,
    meaning: 'another writer changed the destination at the same moment',
  },
} as const satisfies Record<string, FaultRule>;

interface FaultRule {
  readonly retry: 'never' | 'later' | 'restart';
  readonly exitCode: 1 | 2;
  readonly ofSurroundings?: true;
  readonly endsUpload?: true;
  readonly meaning: string;
}

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

  get ofSurroundings(): boolean {
    const rule: FaultRule = faultTable[this.name];
    return rule.ofSurroundings === true;
  }

  get exitCode(): 1 | 2 {
    return faultTable[this.name].exitCode;
  }
}

/**
 * Can an upload never become the copy that failed under this name? Other names than those of the table, such as
 * Lambda's and Step Functions' own, say nothing about it.
 */
export function endsUpload(name: string): boolean {
  const rule: FaultRule | undefined = Object.hasOwn(faultTable, name) ? faultTable[name as FaultName] : undefined;
  return rule?.endsUpload === true;
}

/** Any thrown value as a fault: a fault is returned unchanged, anything else becomes `Unavailable` with its message. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Fault('Unavailable', `unexpected error: ${text}`, { cause: error });
}

/** Is `error` a fault with one of these names? Without names, is it any fault? */
export function isFault(error: unknown, ...names: FaultName[]): error is Fault {
  return error instanceof Fault && (names.length === 0 || names.includes(error.name));
}

/** Ends a switch over a closed set: the compiler reports a missing case, and at run time the error names the value. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
