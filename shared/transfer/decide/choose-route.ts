import { Fault } from '../../model/faults.ts';
import { isRecorded, type LedgerEntry } from '../../model/ledger-entry.ts';
import { maxBufferedBodyBytes, maxObjectBytes } from '../../model/limits.ts';
import { etagIsMd5, etagPartCount, sameEtag, type ObjectInfo } from '../../model/object.ts';
import { partitionOf } from '../../model/config/partition.ts';
import { keepsChecksum, traitsOf } from '../../model/stores/stores.ts';
import type { Task } from '../../model/config/task.ts';
import type { Uploads } from '../../ports/uploads.ts';
import type { ObjectPair } from '../object-pair.ts';
import { sameAttributes } from './version.ts';

/**
 * This folder decides. look.ts reads both sides and, if needed, the ledger; chooseRoute turns what was seen into a
 * route without side effects; version.ts says when two objects are the same version; and after a write,
 * still-current.ts looks at the source again and says whether the decision still holds.
 */

/** What a job needs, and why. */
export type Route =
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'delete'; readonly reason: string }
  | { readonly kind: 'server-side copy'; readonly source: ObjectInfo; readonly reason: string }
  | { readonly kind: 'put'; readonly source: ObjectInfo; readonly reason: string }
  | { readonly kind: 'multipart'; readonly source: ObjectInfo; readonly reason: string }
  | {
      readonly kind: 'execution';
      readonly source: ObjectInfo;
      readonly uploads: Uploads;
      readonly reason: string;
    };

/** What the decision rests on. */
export interface RouteInput {
  readonly task: Task;
  readonly pair: ObjectPair;
  readonly source: ObjectInfo | undefined;
  readonly destination: ObjectInfo | undefined;
  /** the ledger's entry, if it was needed to tell whether the two sides are the same */
  readonly entry?: LedgerEntry | undefined;
  /** true if the store was seen to refuse copies inside itself */
  readonly refusesCopies?: boolean;
  /** bytes of objects that the store copies in one request although they are large for the task */
  readonly copyBytes?: number;
  /** the UPLOAD machine, if it takes large objects */
  readonly uploads?: Uploads | undefined;
}

/**
 * The decision table of a job; the first match wins:
 *
 * | source   | destination | more                                   | route            |
 * |----------|-------------|----------------------------------------|------------------|
 * | none     | none        |                                        | skip             |
 * | none     | there       | deletes replicate                      | delete           |
 * | none     | there       | else                                   | skip             |
 * | archived | any         |                                        | fault            |
 * | there    | there       | proven the same, compare is not "none" | skip             |
 * | there    | any         | one store, one part, not too large     | server-side copy |
 * | large    | any         | the UPLOAD machine takes large objects | execution        |
 * | large, in parts, or too large to check | any |                  | multipart        |
 * | there    | any         |                                        | put              |
 *
 * "Proven" is stricter than the finder's comparison: a job exists because a difference was found, and a copy that was
 * interrupted before its last look at the source must not count as good.
 * @throws Fault `ArchivedSource`, `TooLarge`
 */
export function chooseRoute(input: RouteInput): Route {
  const { task, pair, source, destination, uploads } = input;
  if (!source) {
    if (!destination) return { kind: 'skip', reason: 'there is no such object at the source nor at the destination' };
    return replicatesDeletes(task)
      ? { kind: 'delete', reason: 'the object is gone at the source' }
      : { kind: 'skip', reason: 'the object is gone at the source, and the task does not replicate deletes' };
  }
  if (!source.readable)
    throw new Fault('ArchivedSource', `${pair.sourceName} is archived: restore it, then redrive the message`);
  if (source.size > maxObjectBytes) {
    throw new Fault('TooLarge', `${pair.sourceName} has ${source.size} bytes, S3 allows ${maxObjectBytes}`);
  }
  if (destination && task.compare !== 'none') {
    const proof = provenSame(task, source, destination, input.entry);
    if (proof !== undefined) return { kind: 'skip', reason: proof };
  }
  const large = source.size > task.largeObjectThreshold;
  const inParts = etagPartCount(source.etag) !== undefined && source.size > 0;
  const fitsOneCopy = !inParts && (!large || source.size <= (input.copyBytes ?? 0));
  if (fitsOneCopy && input.refusesCopies !== true && canCopyInside(task)) {
    return { kind: 'server-side copy', source, reason: 'one credential reaches both sides of one store' };
  }
  if (large && uploads) return { kind: 'execution', source, uploads, reason: 'over the large-object threshold' };
  if (large) return { kind: 'multipart', source, reason: 'over the large-object threshold' };
  if (inParts) {
    return { kind: 'multipart', source, reason: "keeps the source's part layout, so that the ETags can be compared" };
  }
  if (!fitsOnePut(task, source)) {
    return { kind: 'multipart', source, reason: 'too large to buffer, and its MD5 is not known before it is sent' };
  }
  return { kind: 'put', source, reason: 'fits one request' };
}

/**
 * Can one request carry the object? A body that streams is verified by its MD5, which must be known before it is sent:
 * only S3's own ETags are sure to be MD5s if they look like some.
 */
export function fitsOnePut(task: Pick<Task, 'source' | 'destination'>, source: ObjectInfo): boolean {
  if (source.size <= maxBufferedBodyBytes) return true;
  // A configured checksum must be known too.
  const algorithm = task.destination.checksumAlgorithm;
  const isKnown =
    algorithm === undefined ||
    (source.checksum?.algorithm === algorithm &&
      keepsChecksum(task.source, algorithm) &&
      keepsChecksum(task.destination, algorithm));
  return isKnown && traitsOf(task.source).putEtag.is === 'md5' && etagIsMd5(source);
}

/** Why the destination is this version of the source; undefined if nothing proves it. */
function provenSame(
  task: Task,
  source: ObjectInfo,
  destination: ObjectInfo,
  entry: LedgerEntry | undefined,
): string | undefined {
  // With a store that changes the attributes it is given, a message that arrives twice costs a second copy, but no
  // object stays stale.
  if (!sameAttributes(task, source, destination)) return undefined;
  const proof = provenSameBytes(source, destination, entry);
  if (proof !== undefined) return proof;
  return sameLongChecksum(source, destination) ? 'the sizes and the stored CRC64NVMEs are equal' : undefined;
}

/** Is the stored checksum proof? 32 bits agree by chance once in four billion changes, which is too often. */
function sameLongChecksum(source: ObjectInfo, destination: ObjectInfo): boolean {
  const { checksum } = source;
  if (source.size !== destination.size || checksum?.algorithm !== 'CRC64NVME') return false;
  return checksum.algorithm === destination.checksum?.algorithm && checksum.value === destination.checksum.value;
}

/** Why the destination's bytes are the source's; undefined if nothing proves it. */
export function provenSameBytes(
  source: Pick<ObjectInfo, 'size' | 'etag'>,
  destination: Pick<ObjectInfo, 'size' | 'etag'>,
  entry: LedgerEntry | undefined,
): string | undefined {
  if (source.size !== destination.size) return undefined;
  if (source.etag !== '' && sameEtag(source.etag, destination.etag)) return 'the ETags are equal';
  return isRecorded(source, destination, entry)
    ? 'this version was copied before, and the copy is unchanged'
    : undefined;
}

/** Is the ledger needed to tell whether the two sides are the same? */
export function needsLedger(task: Task, source: ObjectInfo | undefined, destination: ObjectInfo | undefined): boolean {
  return (
    task.compare !== 'none' &&
    source !== undefined &&
    destination?.size === source.size &&
    !sameEtag(destination.etag, source.etag) &&
    sameAttributes(task, source, destination)
  );
}

/** Does the task delete objects at the destination that were deleted at the source? */
export function replicatesDeletes(task: Task): boolean {
  return task.deletes || task.events === 'create-delete';
}

/**
 * Can the store copy inside itself: one store, one partition, and one credential for both sides? A side without a
 * region is where its credentials or the functions are, so it cannot contradict the other.
 */
export function canCopyInside(task: Task): boolean {
  const { source, destination } = task;
  return (
    task.serverSideCopy === 'auto' &&
    source.endpoint === destination.endpoint &&
    JSON.stringify(source.credentials) === JSON.stringify(destination.credentials) &&
    !source.requestPayer &&
    (source.region === undefined ||
      destination.region === undefined ||
      partitionOf(source.region) === partitionOf(destination.region))
  );
}
