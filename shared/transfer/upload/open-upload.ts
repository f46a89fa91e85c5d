import { Fault, isFault } from '../../model/faults.ts';
import type { LedgerEntry, OpenUpload } from '../../model/ledger-entry.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagPartCount, sameEtag, type ChecksumAlgorithm, type ObjectInfo } from '../../model/object.ts';
import type { PartPlan, StoredPart } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { isS3Itself } from '../../model/config/s3-itself.ts';
import { keepsChecksum, traitsOf } from '../../model/stores/stores.ts';
import type { CreatedUpload } from '../../ports/object-store.ts';
import { readAttributes } from '../bytes/attributes.ts';
import { withSupported } from '../bytes/supported-attributes.ts';
import type { CopyContext } from '../context.ts';
import { keepsLayout } from '../decide/keeps-layout.ts';
import { expectKept, sentOf } from '../decide/kept-attributes.ts';
import { mayCopyInside } from '../decide/inside-copies.ts';
import { attributesDigest } from '../decide/version.ts';
import { Losses } from '../losses.ts';
import { pinOf, type ObjectPair } from '../object-pair.ts';
import { planParts, planSourceLayout } from '../plan-parts.ts';

/**
 * This folder is the life of a multipart upload outside its bytes. It is announced in the ledger, created at the
 * destination and claimed (open-upload.ts), so that callers of one object share one upload and a later call resumes it.
 * It is completed once its parts agree with the source (complete-upload.ts). An upload that was left behind is aborted
 * by a daily sweep (sweep-uploads.ts), which touches only uploads that the ledger knows.
 */

export interface OpenedUpload {
  readonly target: UploadTarget;
  /** the parts that the destination already has */
  readonly stored: readonly StoredPart[];
}

/**
 * Returns the multipart upload for this version of the source: the one in the ledger if the destination still has it,
 * otherwise a new one. An upload for another version is aborted. Two concurrent callers get the same upload.
 * @param source from a HEAD that asked for its checksum
 */
export async function openUpload(context: CopyContext, pair: ObjectPair, source: ObjectInfo): Promise<OpenedUpload> {
  const { task, ledger, destination } = context;
  const entry = await ledger.get(task.name, pair.key);
  const known = entry?.upload;
  if (known && isFor(context, known, source)) {
    const stored = await storedParts(context, pair, known.uploadId);
    if (stored) return { target: targetOf(context, source, known), stored };
  } else if (known) {
    await destination.abortUpload(pair.destinationKey, known.uploadId);
  }

  const target = await createUpload(context, pair, source);
  const claim = claimOf(context, pair, target, entry);
  const winner = await ledger.claimUpload(claim, known?.uploadId).catch(async (error: unknown) => {
    // No one would find an upload that is not in the ledger. If the claim was written after all, the next attempt finds
    // that the upload is gone and opens another.
    await destination.abortUpload(pair.destinationKey, target.uploadId);
    throw error;
  });
  if (winner.uploadId === target.uploadId) return { target, stored: [] };

  // Another caller opened an upload in the meantime; that one is used.
  await destination.abortUpload(pair.destinationKey, target.uploadId);
  if (!isFor(context, winner, source)) {
    throw new Fault('SourceChanged', `${pair.sourceName}: another version of it is being copied`);
  }
  const stored = await storedParts(context, pair, winner.uploadId);
  if (!stored) {
    throw new Fault('UploadGone', `${pair.destinationName}: its upload was just ended by another caller`);
  }
  return { target: targetOf(context, source, winner), stored };
}

/** Is the upload for this version of the source? */
function isFor({ task }: CopyContext, upload: OpenUpload, source: ObjectInfo): boolean {
  return sameEtag(upload.sourceEtag, source.etag) && upload.attributes === attributesDigest(task, source);
}

/** @returns undefined if the upload is gone */
async function storedParts(
  context: CopyContext,
  pair: ObjectPair,
  uploadId: string,
): Promise<StoredPart[] | undefined> {
  try {
    return await context.destination.listParts(pair.destinationKey, uploadId);
  } catch (error) {
    if (isFault(error, 'UploadGone')) return undefined;
    throw error;
  }
}

/** The ledger entry that records a new upload as the object's one upload. */
function claimOf(
  { clock }: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  previous: LedgerEntry | undefined,
): LedgerEntry & { upload: OpenUpload } {
  const { uploadId, sourceEtag, attributes, sourceVersionId, plan, opaqueEtag, checksum, tagCount, lost } = target;
  return {
    task: pair.task,
    key: pair.key,
    status: 'STARTED',
    route: 'multipart',
    size: plan.size,
    sourceEtag,
    startedAt: clock.now(),
    updatedAt: clock.now(),
    ...(pair.run !== undefined && { run: pair.run }),
    // The proof that this version was copied before must survive a second attempt: other callers rely on it.
    ...(previous?.sourceEtag !== undefined &&
      sameEtag(previous.sourceEtag, sourceEtag) &&
      previous.destinationEtag !== undefined && { destinationEtag: previous.destinationEtag }),
    upload: {
      uploadId,
      sourceEtag,
      attributes,
      ...(sourceVersionId !== undefined && { sourceVersionId }),
      partSize: plan.partSize,
      sourceLayout: plan.sourceLayout,
      opaqueEtag,
      ...(checksum && { checksum }),
      ...(tagCount !== undefined && { tagCount }),
      ...(lost && { lost }),
    },
  };
}

/** The target of an upload, from what the ledger keeps of it and what the source says. */
function targetOf(context: CopyContext, source: ObjectInfo, upload: OpenUpload): UploadTarget {
  const { size, versionId, etag, checksum } = source;
  const partCount = Math.max(1, Math.ceil(size / upload.partSize));
  return {
    uploadId: upload.uploadId,
    sourceEtag: etag,
    attributes: upload.attributes,
    ...(versionId !== undefined && { sourceVersionId: versionId }),
    plan: { size, partSize: upload.partSize, partCount, sourceLayout: upload.sourceLayout },
    method: copiesParts(context, size) ? 'server-side copy' : 'relay',
    opaqueEtag: upload.opaqueEtag,
    ...(upload.checksum && { checksum: upload.checksum }),
    ...(upload.tagCount !== undefined && { tagCount: upload.tagCount }),
    ...(upload.lost && { lost: upload.lost }),
    ...(upload.checksum && checksum?.algorithm === upload.checksum && { fullChecksum: checksum.value }),
  };
}

/** S3 copies a range only of an object over 5 MB (UploadPartCopy), the size of the smallest part. */
function copiesParts(context: CopyContext, size: number): boolean {
  return size > context.destination.minPartBytes && mayCopyInside(context, 'copyPart');
}

/**
 * Announces an upload in the ledger and creates it. A crash after that leaves an upload that no caller claimed.
 * @throws Fault `AttributeLost` if the task is strict and the copy would lack something
 */
async function createUpload(context: CopyContext, pair: ObjectPair, source: ObjectInfo): Promise<UploadTarget> {
  const { task, ledger, destination, clock } = context;
  const layout = await sourceLayout(context, pair, source);
  const partBytes = copiesParts(context, source.size) ? destination.copySizes.part : 0;
  const cut = planParts(source.size, Math.max(task.partSize, partBytes), destination.minPartBytes);
  const wanted = checksumFor(context, source, layout ?? cut);
  const losses = new Losses(context, pair);
  const attributes = await readAttributes(context, pair, source, losses);
  const usable =
    layout &&
    (layout.partSize <= maxBufferedBodyBytes || wanted !== undefined || hasMd5Etags(context)) &&
    keepsLayout(layout.partSize, {
      method: copiesParts(context, source.size) ? 'server-side copy' : 'relay',
      proven: source.checksum !== undefined && wanted === source.checksum.algorithm,
    });
  const plan = usable ? layout : cut;
  const create = (algorithm: ChecksumAlgorithm | undefined): Promise<CreatedUpload & { tagCount: number }> =>
    withSupported(context, losses, attributes, async (supported) => ({
      ...(await destination.createUpload(pair.destinationKey, supported, algorithm)),
      tagCount: Object.keys(supported.tags).length,
    }));
  expectKept(context, losses, 'upload', sentOf(attributes, wanted && { algorithm: wanted }));
  await ledger.announceUpload(task.name, pair.key, clock.now());
  let checksum = wanted;
  let created: Awaited<ReturnType<typeof create>>;
  try {
    created = await create(checksum);
  } catch (error) {
    if (checksum === undefined || !isFault(error, 'NotSupported', 'Refused')) throw error;
    // One that only verifies large parts is no loss.
    const isWanted = wanted === task.destination.checksumAlgorithm || wanted === source.checksum?.algorithm;
    if (isWanted) losses.note('checksum', `the destination refuses ${checksum}`);
    checksum = undefined;
    created = await create(undefined);
  }
  const { uploadId, opaqueEtag, tagCount } = created;
  return targetOf(context, source, {
    ...{ uploadId, opaqueEtag },
    sourceEtag: source.etag,
    attributes: attributesDigest(task, source),
    partSize: plan.partSize,
    sourceLayout: plan.sourceLayout,
    ...(checksum && { checksum }),
    ...(tagCount > 0 && { tagCount }),
    ...(losses.kinds.length > 0 && { lost: losses.kinds }),
  });
}

/** The source's own part layout. It is requested only if the ETag says that there is one. */
async function sourceLayout(context: CopyContext, pair: ObjectPair, source: ObjectInfo): Promise<PartPlan | undefined> {
  const partCount = etagPartCount(source.etag);
  if (partCount === undefined) return undefined;
  const { size, etag } = source;
  if (partCount === 1 && size <= maxBufferedBodyBytes && traitsOf(context.task.source).multipartEtag.is === 's3') {
    return planSourceLayout(size, etag, size, context.destination.minPartBytes);
  }
  try {
    const first = await context.source.head(pair.key, { partNumber: 1, ...pinOf(source) });
    if (!first || !sameEtag(first.etag, source.etag)) return undefined;
    return planSourceLayout(source.size, source.etag, first.size, context.destination.minPartBytes);
  } catch (error) {
    // Stores whose HEAD does not show parts: their objects get a new layout.
    if (isFault(error, 'NotSupported', 'Refused', 'InvalidInput')) return undefined;
    throw error;
  }
}

/**
 * The checksum algorithm of the parts: the configured one; where the destination keeps such checksums (S3), that of the
 * source's own, so that Complete can compare the whole object; or CRC32 if parts are too large to buffer, because their
 * MD5 is not known before they are sent. Undefined means Content-MD5, which every store supports.
 */
function checksumFor({ task }: CopyContext, source: ObjectInfo, plan: PartPlan): ChecksumAlgorithm | undefined {
  if (task.destination.checksumAlgorithm) return task.destination.checksumAlgorithm;
  const wanted = source.checksum?.algorithm ?? (plan.partSize > maxBufferedBodyBytes ? 'CRC32' : undefined);
  return wanted && keepsChecksum(task.destination, wanted) ? wanted : undefined;
}

/** Are the destination's part ETags MD5s, as far as the configuration shows? A bucket of S3 may have a KMS key. */
function hasMd5Etags({ task }: CopyContext): boolean {
  return !isS3Itself(task.destination) && task.destination.encryption?.type !== 'aws:kms';
}
