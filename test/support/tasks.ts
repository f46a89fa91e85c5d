import { MiB } from '../../shared/model/limits.ts';
import { parseTask, type Task } from '../../shared/model/config/task.ts';

/** A task between two stores that say themselves where they are. */
export function taskOf(settings: Record<string, unknown> = {}): Task {
  const { source = {}, destination = {}, ...rest } = settings as { source?: object; destination?: object };
  const task = {
    name: 'hostile',
    source: { bucket: 'source', prefix: 'in/', endpoint: 'http://source.invalid', ...source },
    destination: { bucket: 'bucket', prefix: 'out/', endpoint: 'http://destination.invalid', ...destination },
    largeObjectThreshold: 8 * MiB,
    partSize: 5 * MiB,
    ...rest,
  };
  return parseTask(JSON.stringify(task), 'task');
}

/** What a promise fails with. @throws where it does not fail */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`no error was thrown, but ${String(error)}`, { cause: error });
  }
  throw new Error('expected a failure');
}
