import type { Fault } from '../model/faults.ts';
import { faultDetails } from './fault-details.ts';
import { logger } from './tally.ts';

/** A line for each time that tasks could not be read again, so that those stay in use that were read before. */
export function logStale(fault: Fault, ageMillis: number): void {
  const ageSeconds = Math.round(ageMillis / 1000);
  logger.warn('tasks cannot be read again; the last ones stay in use', { ...faultDetails(fault), ageSeconds });
}
