import { readFileSync } from 'node:fs';
import { Fault } from '../shared/model/faults.ts';
import { parseConfiguration, type Configuration } from '../shared/model/config/configuration.ts';

/**
 * Reads a configuration file: tasks and the stack's settings.
 * @throws Fault `InvalidTask` that lists every fault in it, or says why it cannot be read
 */
export function readConfiguration(path: string): Configuration {
  const what = `configuration ${path}`;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault(
      'InvalidTask',
      `${what} cannot be read (${reason}); expected a file with {"tasks": [...], "stack"?: {...}}`,
    );
  }
  return parseConfiguration(decoded(bytes, what), what);
}

/** Text of another encoding would be read as other keys: no byte is replaced. */
function decoded(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const utf16 = bytes.includes(0) ? ' (it seems to be UTF-16)' : '';
    throw new Fault('InvalidTask', `${what}: found bytes that are not UTF-8${utf16}, expected a file saved as UTF-8`);
  }
}
