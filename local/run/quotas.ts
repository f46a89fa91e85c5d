import { readFileSync } from 'node:fs';
import { parseQuotas, Quotas } from '../../emulator/aws/index.ts';
import { Fault } from '../../shared/model/faults.ts';
import { emulatorFault } from './emulator-fault.ts';

/**
 * Parses `--quotas`: the path of a quotas file (emulator/README.md, "Quotas").
 * @returns undefined without the option
 * @throws Fault `InvalidInput` if the file cannot be read, or names every wrong field of it
 */
export function quotasOption(path: string | undefined): Quotas | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault('InvalidInput', `--quotas: "${path}" cannot be read (${why}); expected a quotas file`);
  }
  try {
    return new Quotas(parseQuotas(text, `quotas ${path}`));
  } catch (error) {
    throw emulatorFault(error);
  }
}
