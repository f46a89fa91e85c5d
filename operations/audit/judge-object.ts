import { compareObjects } from '../../shared/find/compare.ts';
import type { RelativeObject } from '../../shared/find/listing.ts';
import { sameChecksum } from '../../shared/find/pairs.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import { sameEtag, type ObjectInfo } from '../../shared/model/object.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { provenSameBytes, replicatesDeletes } from '../../shared/transfer/decide/choose-route.ts';
import { formatBytes, formatTime } from './format.ts';
import type { Judgement } from './finding.ts';

/** An object as a listing or a HEAD shows it. */
export type SeenObject = RelativeObject & Partial<Pick<ObjectInfo, 'readable' | 'checksum'>>;

/** The activity of a copy in parts that the ledger says was started. */
export interface Activity {
  /** an execution of the UPLOAD machine runs for this version */
  readonly running: boolean;
  /** does the recorded upload exist? */
  readonly upload: 'open' | 'gone' | 'none';
  /** when its latest part arrived, in milliseconds since the epoch; 0 if none did, or if the store does not say */
  readonly lastPart: number;
}

export interface ObjectState {
  readonly source: SeenObject | undefined;
  readonly destination: SeenObject | undefined;
  readonly entry: LedgerEntry | undefined;
  /** read for a STARTED entry and for a large object; undefined means no activity */
  readonly activity?: Activity | undefined;
  /** milliseconds since the epoch */
  readonly now: number;
}

/**
 * A copy without activity for this long has stalled. If a consumer crashes, its message returns after 90 minutes (six
 * times the longest call), so a copy that another consumer will resume is active again by then.
 */
export const stalledAfterMillis = 2 * 3600_000;

/**
 * Judges one object. It is the same if a run would send no job for it (shared/find/compare.ts), or a job that is
 * skipped because the ledger proves that the copy is good. It is different if the ledger proves that an object which a
 * run would skip is not the source's version. The first match applies:
 *
 * | source | destination | ledger                             | more                  | kind        |
 * |--------|-------------|------------------------------------|-----------------------|-------------|
 * | none   | none        |                                    |                       | nothing     |
 * | none   | there       |                                    | deletes replicate     | extra       |
 * | none   | there       |                                    |                       | extra-kept  |
 * | there  | same        | copied this version as another     | rule is not "size"    | overwritten |
 * | there  | same        | copied it from another version     | rule is not "size"    | different   |
 * | there  | same        |                                    |                       | nothing     |
 * | there  | differs     |                                    | archived              | unreadable  |
 * | there  | differs     | anything                           | its execution runs    | in-progress |
 * | there  | differs     | FAILED                             |                       | failed      |
 * | there  | differs     | STARTED                            | active                | in-progress |
 * | there  | differs     | STARTED                            | not active            | stalled     |
 * | there  | none        | copied this version                |                       | lost        |
 * | there  | differs     | copied this version as another     |                       | overwritten |
 * | there  | none        |                                    |                       | missing     |
 * | there  | differs     |                                    |                       | different   |
 */
export function judgeObject(task: Task, sight: ObjectState): Judgement | undefined {
  const { source, destination, entry } = sight;
  if (!source) return destination && judgeExtra(task, destination, entry);
  const rule = auditRule(task);
  const verdict = compareObjects(rule, source, destination);
  const proof = destination && verdict.kind !== 'same' ? provenEqual(source, destination, entry) : undefined;
  if (destination && (verdict.kind === 'same' || proof)) {
    return proof || rule === 'size' ? undefined : contradiction(source, destination, entry, verdict.reason);
  }
  const reason = verdict.kind === 'ask' ? 'the checksums differ, or one is not known' : verdict.reason;
  const seen = destination
    ? `${reason}: ${both(source, destination)}`
    : `missing at the destination; the source has ${shown(source)}`;
  if (source.readable === false)
    return { kind: 'unreadable', seen: `${seen}; the source is archived and not restored` };
  return judgeByLedger(sight, source, seen);
}

/** The rule that an audit compares by: "none" says what a run sends, not what differs. */
export function auditRule(task: Pick<Task, 'compare'>): Exclude<Task['compare'], 'none'> {
  return task.compare === 'none' ? 'auto' : task.compare;
}

function provenEqual(source: SeenObject, destination: SeenObject, entry: LedgerEntry | undefined): boolean {
  return provenSameBytes(source, destination, entry) !== undefined || sameChecksum(source, destination) === true;
}

function judgeExtra(task: Task, destination: SeenObject, entry: LedgerEntry | undefined): Judgement {
  if (!replicatesDeletes(task)) return { kind: 'extra-kept', seen: `the destination has ${shown(destination)}` };
  return { kind: 'extra', seen: `the destination has ${shown(destination)}; ${originOf(entry)}` };
}

function originOf(entry: LedgerEntry | undefined): string {
  if (!entry) return 'the ledger does not know the object';
  const at = formatTime(entry.updatedAt);
  switch (entry.status) {
    case 'DONE':
    case 'SKIPPED':
      return `it was copied (${at}), and was deleted at the source since`;
    case 'DELETED':
      return `it was deleted there (${at}), and written again by another writer`;
    case 'FAILED':
      return `its last job failed (${at}): ${entry.reason ?? 'no reason was given'}`;
    case 'STARTED':
      return `a copy of it was started (${at})`;
  }
}

/** Does the ledger prove that an object differs although a run would skip it? */
function contradiction(
  source: SeenObject,
  destination: SeenObject,
  entry: LedgerEntry | undefined,
  reason: string,
): Judgement | undefined {
  if (!entry || !hasEnded(entry) || sameEtag(source.etag, destination.etag)) return undefined;
  const { sourceEtag, destinationEtag } = entry;
  if (sourceEtag === undefined || destinationEtag === undefined) return undefined;
  const isSource = sameEtag(sourceEtag, source.etag);
  const isDestination = sameEtag(destinationEtag, destination.etag);
  if (isSource && !isDestination) {
    return { kind: 'overwritten', seen: `${describeOverwrite(entry, destination)}; a run would skip it (${reason})` };
  }
  if (!isSource && isDestination) {
    const copied = `the destination is a copy (${formatTime(entry.updatedAt)}) of another version, ETag ${sourceEtag}`;
    return {
      kind: 'different',
      seen: `${copied}; the source has ${shown(source)}; a run would skip it (${reason})`,
    };
  }
  return undefined;
}

/** Judges an object that differs. @param seen the difference */
function judgeByLedger(
  { destination, entry, activity, now }: ObjectState,
  source: SeenObject,
  seen: string,
): Judgement {
  if (activity?.running === true && entry?.status !== 'STARTED') {
    const word = entry ? ` since ${entry.status} (${formatTime(entry.updatedAt)})` : '';
    return { kind: 'in-progress', seen: `${seen}; its execution runs, and has written nothing to the ledger${word}` };
  }
  if (!entry) {
    return { kind: destination ? 'different' : 'missing', seen: `${seen}; the ledger does not know the object` };
  }
  const at = formatTime(entry.updatedAt);
  const copied = entry.sourceEtag !== undefined && sameEtag(entry.sourceEtag, source.etag);
  const changed = entry.sourceEtag !== undefined && !copied;
  switch (entry.status) {
    case 'FAILED': {
      const attempts = entry.attempts === undefined ? '' : ` after ${entry.attempts} deliveries`;
      return { kind: 'failed', seen: `${seen}; failed (${at})${attempts}: ${entry.reason ?? 'no reason was given'}` };
    }
    case 'STARTED': {
      const lastActivity = Math.max(entry.updatedAt, activity?.lastPart ?? 0);
      const isActive = activity?.running === true || now - lastActivity < stalledAfterMillis;
      const which = changed ? 'a copy of an earlier version' : 'a copy';
      return {
        kind: isActive ? 'in-progress' : 'stalled',
        seen: `${seen}; ${which} was started, last activity ${formatTime(lastActivity)}${describeActivity(activity)}`,
      };
    }
    case 'DONE':
    case 'SKIPPED':
      if (copied && !destination) {
        return { kind: 'lost', seen: `${seen}; this version was copied there (${at})` };
      }
      if (copied && destination && entry.destinationEtag !== undefined) {
        if (!sameEtag(entry.destinationEtag, destination.etag)) {
          return { kind: 'overwritten', seen: `${seen}; ${describeOverwrite(entry, destination)}` };
        }
      }
      break;
    case 'DELETED':
      break;
  }
  const word = changed ? `${entry.status} for an earlier version` : entry.status;
  const reason = entry.reason === undefined ? '' : `: ${entry.reason}`;
  return { kind: destination ? 'different' : 'missing', seen: `${seen}; the ledger says ${word} (${at})${reason}` };
}

function describeActivity(activity: Activity | undefined): string {
  if (!activity) return '';
  const upload = { open: 'its upload is open', gone: 'its upload is gone', none: 'no upload is recorded' }[
    activity.upload
  ];
  return `; ${activity.running ? 'its execution runs' : 'no execution runs for this version'}, ${upload}`;
}

function describeOverwrite(entry: LedgerEntry, destination: SeenObject): string {
  const etag = entry.destinationEtag ?? '?';
  return `the copy (${formatTime(entry.updatedAt)}) had ETag ${etag}, the destination has ${shown(destination)}`;
}

function hasEnded({ status }: LedgerEntry): boolean {
  return status === 'DONE' || status === 'SKIPPED';
}

function both(source: SeenObject, destination: SeenObject): string {
  return `source ${shown(source)}, destination ${shown(destination)}`;
}

function shown({ size, etag, modified }: SeenObject): string {
  return `${formatBytes(size)}, ETag ${etag === '' ? '(none)' : etag}, of ${formatTime(modified)}`;
}
