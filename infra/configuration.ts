import { readFileSync } from 'node:fs';
import { Fault } from '../shared/model/faults.ts';
import { parseConfiguration, type Configuration } from '../shared/model/config/configuration.ts';

/**
 * Reads a configuration file: tasks and the stack's settings.
 * @throws Fault `InvalidTask` that lists every fault in it, or says why it cannot be read
 */
export function readConfiguration(path: string): Configuration {
  const what = `configuration ${path}`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault(
      'InvalidTask',
      `${what} cannot be read (${reason}); expected a file with {"tasks": [...], "stack"?: {...}}`,
    );
  }
  return parseConfiguration(text, what);
}
