import type { Side, Task } from '../../model/config/task.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { keepsChecksum } from '../../model/stores/stores.ts';
import type { PartContext } from '../context.ts';
import { meaningOfDifference } from './etag-trust.ts';

/**
 * What is to prove that the bytes that were read are the source's. TLS does on the wire. Over plain HTTP a changed bit
 * may pass TCP, whose checksum has 16 bits; then the source's ETag or checksum has to prove the bytes, or a second
 * read of them (docs/decisions, "Read twice what nothing else proves").
 */

/** Is a side reached without TLS? */
export function isPlain({ endpoint }: Pick<Side, 'endpoint'>): boolean {
  return endpoint !== undefined && /^http:/i.test(endpoint);
}

/** Is a second read of the parts the only proof, unless the ETags turn out to be equal? */
export function needsSecondRead({ source, destination }: Task, target: UploadTarget): boolean {
  const { checksum, fullChecksum } = target;
  // Complete compares the whole object then.
  const isCompared = fullChecksum !== undefined && checksum !== undefined && keepsChecksum(destination, checksum);
  return isPlain(source) && !isCompared;
}

/**
 * Do the parts, as the destination lists them, show what was sent: by the upload's checksum, or by their MD5? If not,
 * what was read cannot be compared later, and is read twice before it is sent.
 */
export function listsDigests({ task, destination }: PartContext, target: UploadTarget): boolean {
  const { checksum, opaqueEtag } = target;
  if (checksum !== undefined && keepsChecksum(task.destination, checksum)) return true;
  return !opaqueEtag && meaningOfDifference(task.destination, destination) !== 'nothing';
}
