import * as v from 'valibot';
import { Fault } from '../faults.ts';
import { maxKeyBytes } from '../limits.ts';
import { isObjectKey, objectKey, type ObjectKey } from '../object-key.ts';
import { quoted } from '../text.ts';
import { parseJsonWith, parseWith } from '../parse.ts';
import { asMeant } from './pasted.ts';
import { taskFaults } from './task-rules.ts';
import { taskSchema, type Task } from './task-schema.ts';

/** A task: a configured pair source -> destination with its options (docs/configuration.md explains each). */

export type { SideCredentials } from './credentials.ts';
export type { DestinationSide, Side } from './side.ts';
export type { Task } from './task-schema.ts';

/** What could be read of a task whose configuration is not valid: its messages must not be dropped silently. */
export interface BrokenTask {
  readonly name: string;
  readonly broken: true;
  /** the source bucket, if it could be read */
  readonly bucket?: string;
}

/** What can be read from a task's configuration that is not valid. */
export function brokenTask(name: string, text: string): BrokenTask {
  const part = v.safeParse(
    v.pipe(v.string(), v.parseJson(), v.object({ source: v.object({ bucket: v.string() }) })),
    text,
  );
  return { name, broken: true, ...(part.success && { bucket: part.output.source.bucket }) };
}

/** One task from a Parameter Store value. @throws Fault `InvalidTask` listing every fault of the task */
export function parseTask(text: string, what: string): Task {
  const value = parseJsonWith(v.unknown(), text, what, 'InvalidTask');
  return checkedTask(parseWith(taskSchema, asMeant(value), what, 'InvalidTask'), what);
}

/** The task, if it breaks no rule over several fields. @throws Fault `InvalidTask` listing every fault */
export function checkedTask(task: Task, what: string): Task {
  const faults = taskFaults(task);
  if (faults.length > 0) throw new Fault('InvalidTask', `${what} is not valid:\n  ${faults.join('\n  ')}`);
  return task;
}

/**
 * The source key of a destination key that begins with the destination's prefix.
 * @returns undefined for one that no source key can have made: a folder marker, or too long at the source
 */
export function sourceKey(
  { source, destination }: Pick<Task, 'source' | 'destination'>,
  key: ObjectKey,
): ObjectKey | undefined {
  const mapped = source.prefix + key.slice(destination.prefix.length);
  return isObjectKey(mapped) ? mapped : undefined;
}

/**
 * The destination key of a source key: the source's prefix replaced by the destination's, all else byte for byte.
 * @throws Fault `InvalidInput` if the key is outside the source's prefix, or the destination key is empty or too long
 */
export function destinationKey(task: Pick<Task, 'source' | 'destination'>, key: string): ObjectKey {
  if (!key.startsWith(task.source.prefix)) {
    throw new Fault('InvalidInput', `key ${quoted(key)} is outside the task's source prefix "${task.source.prefix}"`);
  }
  const mapped = task.destination.prefix + key.slice(task.source.prefix.length);
  if (mapped === '') {
    throw new Fault(
      'InvalidInput',
      `key ${quoted(key)} is the task's source prefix, and nothing is left of it at a destination without prefix`,
    );
  }
  const bytes = Buffer.byteLength(mapped);
  if (bytes > maxKeyBytes) {
    throw new Fault(
      'InvalidInput',
      `key ${quoted(key)}: with the destination prefix "${task.destination.prefix}" it has ${bytes} bytes, ` +
        `S3 allows ${maxKeyBytes}`,
    );
  }
  return objectKey(mapped, `the destination key of ${quoted(key)}`);
}
