import { Fault, type FaultName } from '../model/faults.ts';

/** What a log line says of a fault. */
export interface FaultDetails {
  readonly fault: FaultName;
  /** the code of the store or service that it comes from, such as SlowDown */
  readonly code?: string;
}

/** A code, and nothing that could hold a key. */
const code = /^[A-Za-z][A-Za-z0-9.]{0,63}$/;

/**
 * A fault for the log: its name, and the code of the error behind it. Messages hold keys, which belong to the ledger
 * and the dead letters; logs have only their hashes.
 */
export function faultDetails(fault: Fault): FaultDetails {
  for (let { cause } = fault as { cause?: unknown }, depth = 0; cause instanceof Error && depth < 5; depth++) {
    if (!(cause instanceof Fault) && cause.name !== 'Error' && code.test(cause.name)) {
      return { fault: fault.name, code: cause.name };
    }
    cause = cause.cause;
  }
  return { fault: fault.name };
}
