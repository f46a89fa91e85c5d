import { Fault } from '../shared/model/faults.ts';
import { quoted, visible } from '../shared/model/text.ts';

/** Checks the name of a task that an operator gave. @throws Fault `UnknownTask`, naming the tasks that there are */
export function checkTask(tasks: readonly string[], task: string): void {
  if (tasks.includes(task)) return;
  const known = tasks.length === 0 ? 'it has none' : `it has ${tasks.slice(0, 20).map(visible).join(', ')}`;
  throw new Fault('UnknownTask', `the stack has no task ${quoted(task)}; ${known}`);
}
