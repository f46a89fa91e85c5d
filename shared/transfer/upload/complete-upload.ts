import { Fault, isFault } from '../../model/faults.ts';
import { etagPartCount } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { Job } from '../../model/job.ts';
import type { PartRange, StoredPart } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { destinationKey } from '../../model/config/task.ts';
import type { Stored } from '../../ports/object-store.ts';
import { multipartEtag } from '../bytes/digest.ts';
import type { CopyContext } from '../context.ts';
import { missingParts, partOf, plannedParts } from '../plan-parts.ts';
import { recordCompleting } from '../record.ts';
import { attributesDigest } from '../decide/version.ts';

export type Completion =
  | { readonly kind: 'completed'; readonly stored: Stored }
  | { readonly kind: 'missing'; readonly missing: readonly PartRange[] };

/**
 * Makes the object where every planned part is there, and says what is missing otherwise. The parts are compared with
 * the source *before* the object becomes visible: with the source's own layout their MD5s give the source's ETag.
 * @throws Fault `UploadGone` where the upload is unknown and the object is not what it would have made;
 *   `VerificationFailed` where the parts are not the source's bytes (the upload is aborted: it can never come right)
 */
export async function completeUpload(context: CopyContext, job: Job, target: UploadTarget): Promise<Completion> {
  const { destination } = context;
  const { key } = job;
  const destinationName = destinationKey(context.task, key);
  const stored = await destination.listParts(destinationName, target.uploadId);
  const missing = missingParts(target.plan, stored);
  if (missing.length > 0) return { kind: 'missing', missing };

  const parts = plannedParts(target.plan, stored);
  const expectedEtag = multipartEtag(parts.map((part) => part.etag));
  await compareWithSource(context, key, target, parts, expectedEtag);
  if (target.plan.size > context.task.largeObjectThreshold && expectedEtag !== target.sourceEtag) {
    // Should everything stop between Complete and its record, this tells the next one that the copy is this version.
    await recordCompleting(context, job, target, expectedEtag);
  }
  try {
    const done = await destination.completeUpload(destinationName, target.uploadId, parts, {
      size: target.plan.size,
      ...(target.checksum && { algorithm: target.checksum }),
      ...(target.fullChecksum !== undefined && { checksum: target.fullChecksum }),
    });
    return { kind: 'completed', stored: await confirm(context, destinationName, target, done) };
  } catch (error) {
    if (isFault(error, 'VerificationFailed')) await destination.abortUpload(destinationName, target.uploadId);
    if (!isFault(error, 'UploadGone')) throw error;
    // The answer to a Complete that took effect may have been lost, or somebody else completed the same upload.
    const object = await destination.head(destinationName);
    const made =
      object?.etag === expectedEtag &&
      object.size === target.plan.size &&
      attributesDigest(context.task, object) === target.attributes;
    if (made) return { kind: 'completed', stored: object };
    throw error;
  }
}

/** Size and ETag as the destination shows them; some stores answer Complete without either. */
async function confirm(context: CopyContext, key: string, target: UploadTarget, done: Stored): Promise<Stored> {
  const object = await context.destination.head(key);
  const what = `${context.destination.bucket}: ${quoted(key)}`;
  // Another writer may have replaced or deleted it since; the look at the source that follows sees to that.
  if (!object || (done.etag !== '' && object.etag !== done.etag)) return done;
  if (object.size !== target.plan.size) {
    throw new Fault('VerificationFailed', `${what} has ${object.size} bytes, expected ${target.plan.size}`);
  }
  return object;
}

async function compareWithSource(
  context: CopyContext,
  key: string,
  target: UploadTarget,
  parts: readonly StoredPart[],
  expectedEtag: string,
): Promise<void> {
  if (!target.plan.sourceLayout || etagPartCount(target.sourceEtag) === undefined) return;
  if (target.opaqueEtag || parts.some((part) => !/^[0-9a-f]{32}$/i.test(part.etag))) return;
  if (target.sourceEtag === expectedEtag) return;
  if (await notComparable(context, key, target)) return;
  const { destination } = context;
  await destination.abortUpload(destinationKey(context.task, key), target.uploadId);
  throw new Fault(
    'VerificationFailed',
    `${destination.bucket}: the parts of ${quoted(key)} give ETag ${expectedEtag}, the source has ${target.sourceEtag}; ` +
      `the upload was aborted`,
  );
}

/**
 * Looks closer when the ETags disagree: encryption makes the source's something else than MD5s, and a source whose first
 * part only looked like all the others was cut differently.
 */
async function notComparable(context: CopyContext, key: string, target: UploadTarget): Promise<boolean> {
  const version = target.sourceVersionId === undefined ? {} : { versionId: target.sourceVersionId };
  const source = await context.source.head(key, version);
  if (!source || source.etag !== target.sourceEtag) {
    throw new Fault('SourceChanged', `${context.source.bucket}: ${quoted(key)} changed before its copy was complete`);
  }
  if (source.opaqueEtag) return true;
  for (let number = 2; number <= target.plan.partCount; number++) {
    const { start, end } = partOf(target.plan, number);
    const part = await context.source.head(key, { ...version, partNumber: number });
    if (part?.size !== end - start) return true;
  }
  return false;
}
