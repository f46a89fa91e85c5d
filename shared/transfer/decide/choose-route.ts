import { Fault } from '../../model/faults.ts';
import type { Job } from '../../model/job.ts';
import type { LedgerEntry } from '../../model/ledger-entry.ts';
import { maxBufferedBodyBytes, maxObjectBytes } from '../../model/limits.ts';
import { etagIsMd5, etagPartCount, type ObjectInfo } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import { partitionOf } from '../../model/config/partition.ts';
import type { Task } from '../../model/config/task.ts';
import type { Uploads } from '../../ports/uploads.ts';
import { sameAttributes } from './version.ts';

/** What a job turned out to need, and why. */
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

export interface Seen {
  readonly task: Task;
  readonly job: Job;
  readonly source: ObjectInfo | undefined;
  readonly destination: ObjectInfo | undefined;
  /** the ledger's entry, where it was needed to tell whether the two sides are the same */
  readonly entry?: LedgerEntry | undefined;
  /** the UPLOAD machine, if it takes large objects */
  readonly uploads?: Uploads | undefined;
}

/**
 * The decision table of a job, first match wins:
 *
 * | source   | destination | more                                   | route            |
 * |----------|-------------|----------------------------------------|------------------|
 * | none     | none        |                                        | skip             |
 * | none     | there       | deletes replicate                      | delete           |
 * | none     | there       | else                                   | skip             |
 * | archived | any         |                                        | fault            |
 * | there    | there       | proven the same, compare is not "none" | skip             |
 * | large    | any         | executions compose large objects       | execution        |
 * | there    | any         | one store, one part                    | server-side copy |
 * | large, in parts, or too long to check | any |                   | multipart        |
 * | there    | any         |                                        | put              |
 *
 * "Proven" is stricter than what the finder goes by: a job exists because somebody found a difference, and a copy that
 * was interrupted before its last look at the source must not be taken for a good one.
 * @throws Fault `ArchivedSource`, `TooLarge`
 */
export function chooseRoute(seen: Seen): Route {
  const { task, source, destination } = seen;
  if (!source) {
    if (!destination) return { kind: 'skip', reason: 'there is no such object at the source nor at the destination' };
    return replicatesDeletes(task)
      ? { kind: 'delete', reason: 'the object is gone at the source' }
      : { kind: 'skip', reason: 'the object is gone at the source, and the task does not replicate deletes' };
  }
  const name = `${task.source.bucket}: ${quoted(source.key)}`;
  if (!source.readable) throw new Fault('ArchivedSource', `${name} is archived: restore it, then redrive the message`);
  if (source.size > maxObjectBytes)
    throw new Fault('TooLarge', `${name} has ${source.size} bytes, S3 allows ${maxObjectBytes}`);
  if (destination && task.compare !== 'none') {
    const proof = provenSame(task, source, destination, seen.entry);
    if (proof !== undefined) return { kind: 'skip', reason: proof };
  }
  const large = source.size > task.largeObjectThreshold;
  if (large && seen.uploads) {
    return { kind: 'execution', source, uploads: seen.uploads, reason: 'over the large-object threshold' };
  }
  const inParts = etagPartCount(source.etag) !== undefined && source.size > 0;
  if (!large && !inParts && canCopyInside(task)) {
    return { kind: 'server-side copy', source, reason: 'one credential reaches both sides of one store' };
  }
  if (large) return { kind: 'multipart', source, reason: 'over the large-object threshold' };
  if (inParts)
    return { kind: 'multipart', source, reason: "keeps the source's part layout, so that the ETags can be compared" };
  if (!fitsOnePut(source)) {
    return { kind: 'multipart', source, reason: 'too long to be buffered, and its MD5 is not known beforehand' };
  }
  return { kind: 'put', source, reason: 'fits one request' };
}

/** Can one request carry the object? A body that streams needs its MD5 beforehand, to be checked against it. */
export function fitsOnePut(source: ObjectInfo): boolean {
  return source.size <= maxBufferedBodyBytes || etagIsMd5(source);
}

/** Why the destination is this version of the source; undefined where nothing proves it. */
function provenSame(
  task: Task,
  source: ObjectInfo,
  destination: ObjectInfo,
  entry: LedgerEntry | undefined,
): string | undefined {
  // A store that changes what it is given costs a copy for a message that comes twice, and no object stays stale.
  return sameAttributes(task, source, destination) ? provenSameBytes(source, destination, entry) : undefined;
}

/** Why the destination's bytes are the source's; undefined where nothing proves it. */
export function provenSameBytes(
  source: Pick<ObjectInfo, 'size' | 'etag'>,
  destination: Pick<ObjectInfo, 'size' | 'etag'>,
  entry: LedgerEntry | undefined,
): string | undefined {
  if (source.size !== destination.size) return undefined;
  if (source.etag !== '' && source.etag === destination.etag) return 'the ETags are equal';
  const recorded =
    entry?.sourceEtag === source.etag && entry.destinationEtag === destination.etag && destination.etag !== '';
  return recorded ? 'this version was copied before, and the copy is unchanged' : undefined;
}

/** Does the ledger have to be asked whether the two sides are the same? */
export function needsLedger(task: Task, source: ObjectInfo | undefined, destination: ObjectInfo | undefined): boolean {
  return (
    task.compare !== 'none' &&
    source !== undefined &&
    destination?.size === source.size &&
    destination.etag !== source.etag &&
    sameAttributes(task, source, destination)
  );
}

/** Does the task delete at the destination what is gone at the source? */
export function replicatesDeletes(task: Task): boolean {
  return task.deletes || task.events === 'create-delete';
}

/** Can the store copy by itself: same store, same partition, and one credential for both sides? */
export function canCopyInside(task: Task): boolean {
  const { source, destination } = task;
  return (
    task.serverSideCopy === 'auto' &&
    source.endpoint === destination.endpoint &&
    JSON.stringify(source.credentials) === JSON.stringify(destination.credentials) &&
    !source.requestPayer &&
    partitionOf(source.region ?? '') === partitionOf(destination.region ?? '')
  );
}
