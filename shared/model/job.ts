import * as v from 'valibot';
import { maxEtagLength } from './limits.ts';
import { Fault } from './faults.ts';
import { keySchema, type ObjectKey } from './object-key.ts';
import { parseJsonWith, parseWith } from './parse.ts';

/**
 * shared/model/ is plain data and the rules about it; nothing here does I/O. A job (this file) is cut by a part plan,
 * ends in a ledger entry or a fault, and is counted by the metrics; limits.ts has every number. config/ is what users
 * write, messages/ what the parts of the pipeline send each other.
 */

/**
 * One object to copy to its destination, or to delete there. `key` is the key at the source, never normalised. A job
 * says what to look at, not what was found: its consumer looks at both sides again.
 */
export interface Job {
  readonly task: string;
  readonly key: ObjectKey;
  readonly action: 'copy' | 'delete';
  /** bytes, from the listing or the event */
  readonly size?: number;
  /** from the listing or the event */
  readonly etag?: string;
  /** the run that found it; undefined for an event */
  readonly run?: string;
  /**
   * When the run found nothing at the destination, in milliseconds since the epoch. While that is recent, the first
   * delivery does not ask the destination again, which saves one round trip for most objects of a first run.
   */
  readonly missingAt?: number;
}

export const taskNameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected 1 to 64 of A-Z, a-z, 0-9, "_" and "-"'),
);

/** Stand-ins for the name of a task in metrics, the ledger and reports. No task can have them: names have no "(". */
export const unknownTask = '(unknown)';
export const allTasks = '(all)';
export const workerItself = '(worker)';

export const jobSchema = v.strictObject({
  task: taskNameSchema,
  key: keySchema,
  action: v.picklist(['copy', 'delete']),
  size: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  etag: v.exactOptional(v.pipe(v.string(), v.maxLength(maxEtagLength))),
  run: v.exactOptional(v.pipe(v.string(), v.maxLength(256))),
  missingAt: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
});

/** The job without what its finder knew of the destination, so that both sides are looked at. */
export function withoutHints(job: Job): Job {
  const { missingAt: _trusted, ...rest } = job;
  return rest;
}

/** The queue message of a job: ASCII only, because SQS refuses U+FFFE, U+FFFF and most control characters. */
export function encodeJob(job: Job): string {
  return asciiJson({ job });
}

/** JSON with every character outside printable ASCII as `\uXXXX`. */
export function asciiJson(value: unknown): string {
  return ascii(JSON.stringify(value));
}

/** Text with every character outside printable ASCII as `\uXXXX`. */
export function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The job in a queue message that {@link encodeJob} made. @throws Fault `InvalidInput` naming the field */
export function decodeJob(body: string): Job {
  const what = 'queue message';
  const message = parseJsonWith(v.record(v.string(), v.unknown()), body, what);
  if ('job' in message) return parseWith(v.strictObject({ job: jobSchema }), message, what).job;
  throw new Fault(
    'InvalidInput',
    `${what} is not valid:\n  job: is missing, expected a job, or an S3 event as S3, SNS or EventBridge sends it`,
  );
}

/** Is it a job? Executions may be started by hand, with any input. */
export function isJob(value: unknown): value is Job {
  return v.is(jobSchema, value);
}
