import { EmulatorError } from '../../emulator/aws/index.ts';
import { Fault, faultTable, type FaultName } from '../../shared/model/faults.ts';

/**
 * The fault that a command reports for an error of the emulator; any other value is returned unchanged.
 *
 * `InvalidInput` and `NotSupported` keep their names. The reason that our custom resources answer starts with
 * the name of a fault; a function that answered nothing, or another reason, is `Unavailable`.
 */
export function emulatorFault(error: unknown): unknown {
  if (!(error instanceof EmulatorError)) return error;
  const name = error.code === 'ResourceFailed' ? faultIn(error.reason ?? '') : error.code;
  return new Fault(name, error.message, { cause: error });
}

function faultIn(reason: string): FaultName {
  const name = /^(\w+):/.exec(reason)?.[1] ?? '';
  return Object.hasOwn(faultTable, name) ? (name as FaultName) : 'Unavailable';
}
