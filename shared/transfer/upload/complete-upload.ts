import { Fault, isFault } from '../../model/faults.ts';
import type { Loss } from '../../model/losses.ts';
import { sameEtag, type ObjectInfo } from '../../model/object.ts';
import type { PartRange } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { Replaces, Stored } from '../../ports/object-store.ts';
import { multipartEtag } from '../bytes/digest.ts';
import type { CopyContext } from '../context.ts';
import { noteUnkept } from '../decide/kept-attributes.ts';
import { attributesDigest } from '../decide/version.ts';
import { Losses } from '../losses.ts';
import type { ObjectPair } from '../object-pair.ts';
import { missingParts, plannedParts } from '../plan-parts.ts';
import { recordCompleting } from '../record.ts';
import { contradictsSource } from './contradicts-source.ts';
import { proveParts } from './prove-parts.ts';

export type Completion =
  | { readonly kind: 'completed'; readonly stored: Stored; readonly lost: readonly Loss[] }
  | {
      readonly kind: 'missing';
      /** none if time ran short before all parts were proven */
      readonly missing: readonly PartRange[];
      /** how many parts, from the first, a second read has proven; absent means none */
      readonly proven?: number;
    };

/** What an upload is completed with. */
interface CompletedWith {
  /** the version that the upload is for */
  readonly source: Pick<ObjectInfo, 'headers' | 'metadata'>;
  /** what the object replaces at the destination */
  readonly replaces: Replaces | undefined;
  /** how many parts, from the first, an earlier call has proven by a second read; absent means none */
  readonly proven?: number | undefined;
}

/**
 * Completes the upload if every planned part is present and proven, and otherwise returns the missing ones.
 * @returns what the copy lacks, if it is complete
 * @throws as {@link completeParts}, and Fault `AttributeLost` if the task is strict and the copy lacks something:
 *   before it is visible, unless the destination silently ignores it and this process has not seen that before
 */
export async function completeUpload(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  using: CompletedWith,
): Promise<Completion> {
  const { source } = using;
  const losses = new Losses(context, pair);
  for (const kind of target.lost ?? []) losses.note(kind, 'its upload was created without it');
  const completed = await completeParts(context, pair, target, using);
  if (completed.kind === 'missing') return completed;
  const { stored, shown } = completed;
  const metadata = context.task.metadata ? source.metadata : {};
  const sent = { headers: source.headers, metadata, tagCount: target.tagCount ?? 0, checksum: target.checksum };
  await noteUnkept(context, pair, { call: 'upload', sent, stored, shown }, losses);
  return { kind: 'completed', stored, lost: losses.list };
}

/** `shown` is the new object, if a HEAD has shown it. */
type CompletedParts =
  | { readonly kind: 'completed'; readonly stored: Stored; readonly shown?: ObjectInfo }
  | Extract<Completion, { kind: 'missing' }>;

/**
 * Completes the upload if every planned part is present, and otherwise returns the missing ones. The parts are compared
 * with the source *before* the object becomes visible: with the source's own layout, their MD5s give the source's ETag.
 * @throws Fault `UploadGone` if the upload is unknown, or has to be begun again, and the object is not what it would
 *   have become; `DestinationConflict` if the object is something else than what it would have become or replaced: the
 *   parts stay; `VerificationFailed` if the parts are not the source's bytes (the upload is aborted: no retry could
 *   mend it)
 */
async function completeParts(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  { replaces, proven = 0 }: CompletedWith,
): Promise<CompletedParts> {
  const { destination } = context;
  const { uploadId, plan } = target;
  const listed = await destination.listParts(pair.destinationKey, uploadId);
  const missing = missingParts(plan, listed);
  if (missing.length > 0) return { kind: 'missing', missing };

  const parts = plannedParts(plan, listed);
  const expectedEtag = multipartEtag(parts.map((part) => part.etag));
  const isSame = sameEtag(expectedEtag, target.sourceEtag);
  if (!isSame && (await contradictsSource(context, pair, target, parts))) {
    await destination.abortUpload(pair.destinationKey, uploadId);
    throw new Fault(
      'VerificationFailed',
      `${pair.destinationName}: the parts give ETag ${expectedEtag}, the source has ${target.sourceEtag}; ` +
        `the upload was aborted`,
    );
  }
  const unproven = isSame ? undefined : await proveParts(context, pair, target, { parts, proven });
  if (unproven) return { kind: 'missing', ...unproven };
  if (plan.size > context.task.largeObjectThreshold && !isSame) {
    // If everything stops between Complete and its record, this entry proves that the copy is this version.
    await recordCompleting(context, pair, target, expectedEtag);
  }
  try {
    const stored = await destination.completeUpload(pair.destinationKey, uploadId, parts, {
      size: plan.size,
      replaces,
      ...(target.checksum && { algorithm: target.checksum }),
      ...(target.fullChecksum !== undefined && { checksum: target.fullChecksum }),
    });
    return { kind: 'completed', ...(await confirmSize(context, pair, target, stored)) };
  } catch (error) {
    if (isFault(error, 'VerificationFailed')) await destination.abortUpload(pair.destinationKey, uploadId);
    if (!isFault(error, 'UploadGone', 'DestinationConflict')) throw error;
    // The answer to a successful Complete may have been lost, or another caller completed the same upload.
    const object = await destination.head(pair.destinationKey);
    const completed =
      object !== undefined &&
      sameEtag(object.etag, expectedEtag) &&
      object.size === plan.size &&
      attributesDigest(context.task, object) === target.attributes;
    // Only an upload that found something else than it was to replace is of use: its parts can replace that too.
    if (completed || error.name === 'UploadGone') await destination.abortUpload(pair.destinationKey, uploadId);
    if (completed) return { kind: 'completed', stored: object, shown: object };
    throw error;
  }
}

/** Size and ETag as the destination shows them: some stores answer Complete without either. */
async function confirmSize(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  stored: Stored,
): Promise<{ readonly stored: Stored; readonly shown?: ObjectInfo }> {
  const object = await context.destination.head(pair.destinationKey);
  if (!object && stored.etag === '') {
    const what = `${pair.destinationName}: the answer to Complete names no ETag, and there is no object`;
    throw new Fault('VerificationFailed', what);
  }
  // Another writer may have replaced or deleted it since; the look at the source that follows covers that.
  if (!object || (stored.etag !== '' && !sameEtag(object.etag, stored.etag))) return { stored };
  if (object.size !== target.plan.size) {
    const what = `${pair.destinationName} has ${object.size} bytes, expected ${target.plan.size}`;
    throw new Fault('VerificationFailed', what);
  }
  return { stored: object, shown: object };
}
