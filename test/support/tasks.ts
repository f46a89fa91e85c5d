import { parseTask, type Task } from '../../shared/model/config/task.ts';
import { MiB } from '../../shared/model/limits.ts';

export type TaskSettings = Readonly<Record<string, unknown>>;

/** A task that relays between the buckets `source` and `destination`, with `settings` laid over it. */
export function taskOf(settings: TaskSettings = {}): Task {
  const { source = {}, destination = {}, ...rest } = settings as { source?: object; destination?: object };
  const task = {
    name: 'test',
    source: { bucket: 'source', ...source },
    destination: { bucket: 'destination', ...destination },
    serverSideCopy: 'never',
    ...rest,
  };
  return parseTask(JSON.stringify(task), 'task');
}

/**
 * A task between two stores that have endpoints, with `settings` laid over it. The endpoints do not exist: such a task
 * comes with the stores that its test opened.
 */
export function taskBetweenEndpoints(settings: TaskSettings = {}): Task {
  const { source = {}, destination = {}, ...rest } = settings as { source?: object; destination?: object };
  return taskOf({
    name: 'hostile',
    source: { prefix: 'in/', endpoint: 'https://from.invalid', ...source },
    destination: { bucket: 'bucket', prefix: 'out/', endpoint: 'https://to.invalid', ...destination },
    serverSideCopy: 'auto',
    largeObjectThreshold: 8 * MiB,
    partSize: 5 * MiB,
    ...rest,
  });
}
