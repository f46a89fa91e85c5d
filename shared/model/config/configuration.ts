import * as v from 'valibot';
import { Fault, isFault } from '../faults.ts';
import { parseJsonWith, parseWith } from '../parse.ts';
import { excerpt } from '../text.ts';
import { asMeant } from './pasted.ts';
import { stackSettingsSchema, type StackSettings } from './settings.ts';
import { checkedTask } from './task.ts';
import { faultsBetween } from './task-rules.ts';
import { taskSchema, type Task } from './task-schema.ts';

/**
 * The configuration file: tasks, and the settings of the stack. The folder has one file for each part of it: the fields
 * of a task (task-schema.ts), its two sides (side.ts, credentials.ts), its schedule, the rules over more than one field
 * (task-rules.ts), and the stack (settings.ts). docs/configuration.md and the JSON Schema are made from the schemas.
 */
export interface Configuration {
  readonly tasks: readonly Task[];
  readonly stack: StackSettings;
}

/** The whole file, for editors. */
export const configurationSchema = v.strictObject({
  $schema: v.exactOptional(v.pipe(v.string(), v.description('the JSON Schema of this file, for editors'))),
  stack: v.optional(v.pipe(stackSettingsSchema, v.description('settings of the whole stack')), {}),
  tasks: v.pipe(
    v.array(taskSchema),
    v.minLength(1, 'at least one task is needed'),
    v.description('pairs of buckets, each with its options'),
  ),
});

/** Its outline: the parts are validated one by one, so that the faults of all of them are reported. */
const frameSchema = v.strictObject({
  ...configurationSchema.entries,
  stack: v.optional(v.unknown(), {}),
  tasks: v.pipe(v.array(v.unknown()), v.minLength(1, 'at least one task is needed')),
});

/**
 * Parses the text of a configuration file.
 * @param what the file, for the message
 * @throws Fault `InvalidTask` listing every fault of the settings, of every task and between tasks, each with its path,
 *   what was found and what was expected
 */
export function parseConfiguration(text: string, what: string): Configuration {
  const file = parseJsonWith(frameSchema, text, what, 'InvalidTask');
  const faults: string[] = [];
  const stack = collect(faults, () =>
    parseWith(v.strictObject({ stack: stackSettingsSchema }), { stack: file.stack }, what, 'InvalidTask'),
  );
  const tasks = file.tasks.flatMap((value, index) => {
    const label = `${what}, tasks.${index} (${nameOf(value)})`;
    return collect(faults, () => checkedTask(parseWith(taskSchema, asMeant(value), label, 'InvalidTask'), label)) ?? [];
  });
  faults.push(...faultsBetween(tasks).map((fault) => `${what}: ${fault}`));
  if (faults.length > 0 || !stack) throw new Fault('InvalidTask', faults.join('\n'));
  return { tasks, stack: stack.stack };
}

/** The tasks in the text of a configuration file. @throws Fault `InvalidTask` as {@link parseConfiguration} */
export function parseTaskFile(text: string, what: string): readonly Task[] {
  return parseConfiguration(text, what).tasks;
}

/** The result of `parse`; the message of an invalid task is added to `faults`, so that the others are parsed too. */
function collect<Result>(faults: string[], parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isFault(error, 'InvalidTask')) throw error;
    faults.push(error.message);
    return undefined;
  }
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'name' in value ? excerpt(String(value.name), 64) : '?';
}
