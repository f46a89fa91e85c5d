import type { PartRange } from '../model/part-plan.ts';
import type { UploadTarget } from '../model/payloads.ts';
import { destinationKey } from '../model/task.ts';
import type { PartContext } from './context.ts';
import { missingParts, partsIn } from './part-plan.ts';
import { sendParts } from './send-parts.ts';

/**
 * Sends what is missing of a batch. A call that died, or whose answer was lost, is made again with the same batch: what
 * it had brought over by then is there, and is not paid twice. One request more a batch, next to two for each part.
 * @returns `sent`, or `left` where time ran short
 * @throws what {@link sendParts} throws; Fault `UploadGone`
 */
export async function sendBatch(
  context: PartContext,
  key: string,
  target: UploadTarget,
  batch: readonly PartRange[],
): Promise<'sent' | 'left'> {
  const [first] = batch[0] ?? [];
  const [, last] = batch.at(-1) ?? [];
  if (first === undefined || last === undefined) return 'sent';
  const stored = await context.destination.listParts(destinationKey(context.task, key), target.uploadId, [first, last]);
  const missing = new Set([...partsIn(target.plan, missingParts(target.plan, stored))].map(({ number }) => number));
  const left = [...partsIn(target.plan, batch)].filter(({ number }) => missing.has(number));
  return sendParts(
    context,
    key,
    target,
    left.map(({ number }) => [number, number]),
  );
}
