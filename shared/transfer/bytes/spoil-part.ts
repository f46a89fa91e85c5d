import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { Part } from '../../model/part-plan.ts';
import type { PartAddress } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import type { ObjectPair } from '../object-pair.ts';
import { startDigest } from './digest.ts';

/**
 * Overwrites a part with one of the wrong size, so that it counts as missing. A part may arrive damaged, or be sent
 * damaged. ListParts would show it as present, and a caller that resumes the upload compares only numbers and sizes, so
 * it would complete the upload with it. No call removes a part.
 */
export async function spoilPart(
  { destination }: PartContext,
  pair: ObjectPair,
  target: UploadTarget,
  part: Part,
): Promise<void> {
  const data = Buffer.alloc(part.end - part.start === 1 ? 2 : 1);
  const digest = await startDigest(target.checksum);
  digest.update(data);
  const body = { data, size: data.length, ...digest.forBody() };
  await destination.uploadPart(partAddress(pair, target, part), body);
}

/** Where a part is sent. */
export function partAddress(pair: ObjectPair, { uploadId, checksum }: UploadTarget, { number }: Part): PartAddress {
  return { key: pair.destinationKey, uploadId, number, ...(checksum && { checksum }) };
}
