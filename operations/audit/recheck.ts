import { isDeepStrictEqual } from 'node:util';
import { asFault, isFault } from '../../shared/model/faults.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import type { ObjectInfo } from '../../shared/model/object.ts';
import { destinationKey } from '../../shared/model/config/task.ts';
import type { AuditContext } from './context.ts';
import type { Judgement } from './finding.ts';
import { auditRule, judgeObject, type Activity } from './judge-object.ts';
import { objectKey, type ObjectKey } from '../../shared/model/object-key.ts';

/**
 * An object is read until the ledger stays the same during a check. One that keeps changing is judged by the last
 * check.
 */
const maxChecks = 3;

/**
 * Checks an object that seemed to differ, by HEAD on both sides and in the ledger. A listing is stale while objects
 * move, and does not say which ones are archived.
 * @param text the key at the source
 * @param known the ledger's entry, as it was read before
 * @returns undefined if nothing differs, or no longer
 */
export async function recheckObject(
  context: AuditContext,
  text: string,
  known: LedgerEntry | undefined,
): Promise<Judgement | undefined> {
  const { task } = context;
  const checksum = auditRule(task) === 'checksum';
  let key: ObjectKey;
  let there: ObjectKey;
  try {
    key = objectKey(text);
    there = destinationKey(task, key);
  } catch (error) {
    if (!isFault(error, 'InvalidInput')) throw error;
    return { kind: 'impossible', seen: error.message };
  }
  let entry = known;
  for (let check = 1; ; check++) {
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
    const isStable = isDeepStrictEqual(now, entry);
    entry = now;
    // A consumer worked on it meanwhile: the buckets and the ledger show different moments.
    if (!isStable && check < maxChecks) continue;
    const sight = { source: source.value, destination: destination.value, entry, now: context.clock.now() };
    const judgement = judgeObject(task, sight);
    const activity = judgement && (await readActivity(context, key, source.value, entry));
    return activity ? judgeObject(task, { ...sight, activity }) : judgement;
  }
}

/** Is the object being copied? Undefined if nothing could show it. */
async function readActivity(
  context: AuditContext,
  key: ObjectKey,
  source: ObjectInfo | undefined,
  entry: LedgerEntry | undefined,
): Promise<Activity | undefined> {
  const { task, executions } = context;
  const started = entry?.status === 'STARTED' ? await activityOf(context, entry) : undefined;
  if (started?.running === true || !source || source.size <= task.largeObjectThreshold) return started;
  // Its execution may not have written to the ledger yet, or may copy a later version.
  const running = await executions.isRunning({ task: task.name, key, size: source.size, etag: source.etag });
  return started ? { ...started, running } : { running, upload: 'none', lastPart: 0 };
}

/** The activity of a copy that the ledger says was started. */
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
