import { assertNever } from '../model/faults.ts';
import type { ListedObject } from '../model/object.ts';
import type { Task } from '../model/config/task.ts';

/** The finder's decision about one key. `ask` means that only both stored checksums can decide. */
export interface Verdict {
  readonly kind: 'copy' | 'same' | 'ask';
  readonly reason: string;
}

type Seen = Pick<ListedObject, 'size' | 'etag' | 'modified'>;

/**
 * Decides whether an object has to be copied.
 *
 * | compare  | missing | size differs | ETags equal | source not older | else |
 * |----------|---------|--------------|-------------|------------------|------|
 * | auto     | copy    | copy         | same        | copy             | same |
 * | size     | copy    | copy         | same        | same             | same |
 * | checksum | copy    | copy         | same        | ask              | ask  |
 * | none     | copy    | copy         | copy        | copy             | copy |
 *
 * ETags that differ prove nothing: those of multipart uploads and of KMS encryption are not MD5s. Listings state whole
 * seconds, so the same second counts as newer: a needless copy is better than a stale object.
 */
export function compareObjects(rule: Task['compare'], source: Seen, destination: Seen | undefined): Verdict {
  if (!destination) return { kind: 'copy', reason: 'missing at the destination' };
  if (rule === 'none') return { kind: 'copy', reason: 'everything is sent' };
  if (source.size !== destination.size) return { kind: 'copy', reason: 'the size differs' };
  if (rule === 'size') return { kind: 'same', reason: 'the size is equal' };
  if (source.etag !== '' && source.etag === destination.etag) return { kind: 'same', reason: 'the ETags are equal' };
  switch (rule) {
    case 'auto':
      // 0: the store states no time, which proves nothing.
      return source.modified === 0 || source.modified >= destination.modified
        ? { kind: 'copy', reason: 'the source was modified after the destination' }
        : { kind: 'same', reason: 'same size, and the destination is newer' };
    case 'checksum':
      return { kind: 'ask', reason: 'the ETags differ' };
    default:
      return assertNever(rule);
  }
}
