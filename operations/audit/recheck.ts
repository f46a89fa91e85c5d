import { isDeepStrictEqual } from 'node:util';
import { asFault, isFault } from '../../shared/model/faults.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import type { ObjectInfo } from '../../shared/model/object.ts';
import { destinationKey } from '../../shared/model/config/task.ts';
import type { AuditContext } from './context.ts';
import type { Judgement } from './finding.ts';
import { auditRule, judgeObject, type Activity } from './judge-object.ts';

/** Looks until both sides and the ledger belong together; an object that changes all the time is told as it was last. */
const maxChecks = 3;

/**
 * Looks at an object that seemed to differ, by HEAD on both sides and in the ledger: a listing is old news while objects
 * are moved, and does not tell what is archived.
 * @param known the ledger's entry as it was read before
 * @returns undefined where nothing differs (any more)
 */
export async function recheckObject(
  context: AuditContext,
  key: string,
  known: LedgerEntry | undefined,
): Promise<Judgement | undefined> {
  const { task } = context;
  const checksum = auditRule(task) === 'checksum';
  let there: string;
  try {
    there = destinationKey(task, key);
  } catch (error) {
    if (!isFault(error, 'InvalidInput')) throw error;
    return { kind: 'impossible', seen: error.message };
  }
  let entry = known;
  for (let look = 1; ; look++) {
    const seen = await Promise.allSettled([
      context.source.head(key, { checksum }),
      context.destination.head(there, { checksum }),
    ]);
    const [source, destination] = seen;
    if (source.status === 'rejected' || destination.status === 'rejected') {
      const refused = seen.flatMap((one) => (one.status === 'rejected' ? [asFault(one.reason)] : []));
      return { kind: 'unreadable', seen: refused.map(({ name, message }) => `${name}: ${message}`).join('; ') };
    }
    const now = await context.ledger.get(task.name, key);
    const settled = isDeepStrictEqual(now, entry);
    entry = now;
    // Somebody worked on it between the looks: what the buckets showed and what the ledger says are of two times.
    if (!settled && look < maxChecks) continue;
    const sight = { source: source.value, destination: destination.value, entry, now: context.clock.now() };
    const judgement = judgeObject(task, sight);
    const activity = judgement && (await signsOfLife(context, key, source.value, entry));
    return activity ? judgeObject(task, { ...sight, activity }) : judgement;
  }
}

/** Whether somebody is copying the object; undefined where there can be no sign of it. */
async function signsOfLife(
  context: AuditContext,
  key: string,
  source: ObjectInfo | undefined,
  entry: LedgerEntry | undefined,
): Promise<Activity | undefined> {
  const { task, executions } = context;
  const begun = entry?.status === 'STARTED' ? await activityOf(context, entry) : undefined;
  if (begun?.running === true || !source || source.size <= task.largeObjectThreshold) return begun;
  // Its execution may not have come to its first word in the ledger, or go on with a version of later on.
  const running = await executions.isRunning({ task: task.name, key, size: source.size, etag: source.etag });
  return begun ? { ...begun, running } : { running, upload: 'none', lastPart: 0 };
}

/** What happens with a copy that the ledger says was begun. */
export async function activityOf(context: AuditContext, entry: LedgerEntry): Promise<Activity> {
  const { task, key, size, upload } = entry;
  const etag = entry.sourceEtag ?? upload?.sourceEtag;
  const version = { task, key, ...(size !== undefined && { size }), ...(etag !== undefined && { etag }) };
  const running = await context.executions.isRunning(version);
  if (!upload) return { running, upload: 'none', lastPart: 0 };
  try {
    const parts = await context.destination.listParts(destinationKey(context.task, key), upload.uploadId);
    return { running, upload: 'open', lastPart: parts.reduce((last, part) => Math.max(last, part.modified), 0) };
  } catch (error) {
    if (!isFault(error, 'UploadGone')) throw error;
    return { running, upload: 'gone', lastPart: 0 };
  }
}
