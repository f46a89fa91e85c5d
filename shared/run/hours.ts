import type { Task } from '../model/config/task.ts';
import { secondsUntilOpen } from '../model/config/windows.ts';
import { free, type Standing } from './standing.ts';

/** What a task's configuration says of when it works. */
export type Hours = Pick<Task, 'name' | 'enabled' | 'windows'>;

/** How long work of a task that is not enabled waits before it is looked at again: it may be enabled at any time. */
const disabledSeconds = 900;

/** May the task work at this time? @param now milliseconds since the epoch */
export function standingByHours({ name, enabled, windows }: Hours, now: number): Standing {
  if (enabled === false) {
    return { kind: 'held', reason: `task ${name} is not enabled`, since: now, waitSeconds: disabledSeconds };
  }
  const waitSeconds = windows ? secondsUntilOpen(windows, now) : 0;
  if (waitSeconds === 0) return free;
  const opens = new Date(now + waitSeconds * 1000).toISOString();
  return { kind: 'held', reason: `task ${name} works in windows, the next opens at ${opens}`, since: now, waitSeconds };
}
