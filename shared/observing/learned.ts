import type { LearnedStore } from '../model/stores/learned.ts';
import { logger } from './tally.ts';

/** One line for each thing that a process learns of a store, with everything that it knows so far. */
export function logLearned({ bucket, store, host, traits }: LearnedStore): void {
  logger.info('learned of a store', { bucket, store, host, traits });
}
