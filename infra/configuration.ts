import { readFileSync } from 'node:fs';
import { Fault } from '../shared/model/faults.ts';
import { parseTaskFile, type Task } from '../shared/model/task.ts';

/**
 * The tasks of a configuration file.
 * @throws Fault `InvalidTask` naming every fault in it, or why it cannot be read
 */
export function readConfiguration(path: string): Task[] {
  const what = `configuration ${path}`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault('InvalidTask', `${what} cannot be read (${reason}); expected a file with {"tasks": [...]}`);
  }
  return parseTaskFile(text, what);
}
