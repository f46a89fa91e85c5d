import type { UploadBatch, UploadTarget } from '../../model/messages/payloads.ts';
import { destinationKey } from '../../model/config/task.ts';
import type { PartContext } from '../context.ts';
import { missingParts } from '../plan-parts.ts';
import { sendParts } from '../bytes/send-parts.ts';

/**
 * Sends those parts of a batch that are not there yet. The same batch is called again where the call before it died, or
 * failed with something that may pass: what that one sent is there, and only ListParts knows of it.
 * @returns and throws as {@link sendParts}; also Fault `UploadGone`
 */
export async function sendBatch(
  context: PartContext,
  key: string,
  target: UploadTarget,
  { parts }: UploadBatch,
): Promise<'sent' | 'left'> {
  const [first] = parts[0] ?? [1];
  const [, last] = parts.at(-1) ?? [0, 0];
  const stored = await context.destination.listParts(destinationKey(context.task, key), target.uploadId, [first, last]);
  return sendParts(context, key, target, missingParts(target.plan, stored, parts));
}
