import type { UploadPartsInput } from '../../model/messages/payloads.ts';
import { sendParts } from '../bytes/send-parts.ts';
import type { PartContext } from '../context.ts';
import { pairOf } from '../object-pair.ts';
import { missingParts } from '../plan-parts.ts';

/**
 * Sends the parts of a batch that are not there yet. A batch is sent again if the call before died or failed with a
 * transient fault; only ListParts shows what that call had sent.
 * @returns `left` if time ran short: the next round sends the remaining parts
 * @throws as {@link sendParts}, and Fault `UploadGone`
 */
export async function sendBatch(
  context: PartContext,
  { job, target, batch }: UploadPartsInput,
): Promise<'sent' | 'left'> {
  const pair = pairOf(context.task, job);
  const [first] = batch.parts[0] ?? [1];
  const [, last] = batch.parts.at(-1) ?? [0, 0];
  const stored = await context.destination.listParts(pair.destinationKey, target.uploadId, [first, last]);
  return sendParts(context, pair, target, missingParts(target.plan, stored, batch.parts));
}
