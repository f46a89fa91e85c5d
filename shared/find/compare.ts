import { assertNever } from '../model/faults.ts';
import { etagPartCount, sameEtag, type ListedObject } from '../model/object.ts';
import type { Task } from '../model/config/task.ts';

/** The finder's decision about one key. `ask` means that only both stored checksums can decide. */
export interface Verdict {
  readonly kind: 'copy' | 'same' | 'ask';
  readonly reason: string;
  /** `copy` only because the listings cannot tell: not if the ledger records that this became that */
  readonly unlessRecorded?: true;
}

type Seen = Pick<ListedObject, 'size' | 'etag' | 'modified'>;

/**
 * Decides whether an object has to be copied.
 *
 * | compare  | missing | size differs | ETags equal | source newer | same second, or source in parts | else |
 * |----------|---------|--------------|-------------|--------------|---------------------------------|------|
 * | auto     | copy    | copy         | same        | copy         | copy unless recorded            | same |
 * | size     | copy    | copy         | same        | same         | same                            | same |
 * | checksum | copy    | copy         | same        | ask          | ask                             | ask  |
 * | none     | copy    | copy         | copy        | copy         | copy                            | copy |
 *
 * ETags that differ prove nothing: those of multipart uploads and of KMS encryption are not MD5s. Neither do two kinds
 * of times. Listings state whole seconds. And the time of an object in parts is when its upload was initiated (S3 User
 * Guide, "Object metadata"), so a version that was completed after the copy of the one before it may look older than
 * that copy. The ledger then decides; without its record, a needless copy is better than a stale object.
 */
export function compareObjects(rule: Task['compare'], source: Seen, destination: Seen | undefined): Verdict {
  if (!destination) return { kind: 'copy', reason: 'missing at the destination' };
  if (rule === 'none') return { kind: 'copy', reason: 'everything is sent' };
  if (source.size !== destination.size) return { kind: 'copy', reason: 'the size differs' };
  if (rule === 'size') return { kind: 'same', reason: 'the size is equal' };
  if (source.etag !== '' && sameEtag(source.etag, destination.etag))
    return { kind: 'same', reason: 'the ETags are equal' };
  switch (rule) {
    case 'auto':
      return compareTimes(source, destination);
    case 'checksum':
      return { kind: 'ask', reason: 'the ETags differ' };
    default:
      return assertNever(rule);
  }
}

/** Of objects of one size whose ETags differ. */
function compareTimes(source: Seen, destination: Seen): Verdict {
  // 0: the store states no time, which proves nothing.
  if (source.modified === 0 || source.modified > destination.modified) {
    return { kind: 'copy', reason: 'the source was modified after the destination' };
  }
  const unlessRecorded = true;
  if (source.modified === destination.modified) {
    return { kind: 'copy', reason: 'both sides were modified in the same second', unlessRecorded };
  }
  if (etagPartCount(source.etag) !== undefined) {
    const reason = 'the source was uploaded in parts, so its time is that of their beginning';
    return { kind: 'copy', reason, unlessRecorded };
  }
  return { kind: 'same', reason: 'same size, and the destination is newer' };
}
