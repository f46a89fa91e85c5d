import { DynamoOpenUploads } from '../shared/aws/dynamodb/open-uploads.ts';
import { createTableClient } from '../shared/aws/service-clients.ts';
import { asFault } from '../shared/model/faults.ts';
import { faultDetails } from '../shared/observing/fault-details.ts';
import { logger } from '../shared/observing/tally.ts';
import type { OpenUploads } from '../shared/ports/open-uploads.ts';
import { shareOf } from '../shared/run/upload-admission.ts';

/** The counter of executions of the UPLOAD machine, in the table of the ledger. */
export function createOpenUploads(table: string): DynamoOpenUploads {
  return new DynamoOpenUploads(createTableClient(), table);
}

/** Counts an execution as ended. If that fails, the next comparisons with Step Functions find it: the work is done. */
export async function countEnded(open: Pick<OpenUploads, 'release'>): Promise<void> {
  await open.release().catch((error: unknown) => {
    logger.warn('the end of an upload was not counted', { ...faultDetails(asFault(error)) });
  });
}

/** How many calls an execution may have at once now. @param partsAtOnce calls of upload-parts, over all executions */
export function callsOf(open: Pick<OpenUploads, 'count'>, partsAtOnce: string): () => Promise<number> {
  return async () => shareOf(Number(partsAtOnce), await open.count());
}
