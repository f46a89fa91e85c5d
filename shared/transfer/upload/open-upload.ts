import { Fault, isFault } from '../../model/faults.ts';
import type { Job } from '../../model/job.ts';
import type { LedgerEntry, OpenUpload } from '../../model/ledger-entry.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagPartCount, type ChecksumAlgorithm, type ObjectInfo } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { PartPlan, StoredPart } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { destinationKey } from '../../model/config/task.ts';
import type { CreatedUpload } from '../../ports/object-store.ts';
import { readAttributes, withTagsIfSupported } from '../bytes/attributes.ts';
import { canCopyInside } from '../decide/choose-route.ts';
import type { CopyContext } from '../context.ts';
import { planParts, planSourceLayout } from '../plan-parts.ts';
import { attributesDigest } from '../decide/version.ts';

export interface OpenedUpload {
  readonly target: UploadTarget;
  /** what is there already */
  readonly stored: readonly StoredPart[];
}

/**
 * The multipart upload for this version of the source: the one that the ledger knows and the destination still has, or
 * a new one. An upload of another version is aborted. Two callers at once end up with the same upload.
 * @param source as seen by HEAD with its checksum
 */
export async function openUpload(context: CopyContext, job: Job, source: ObjectInfo): Promise<OpenedUpload> {
  const { task, ledger, destination } = context;
  const key = destinationKey(task, job.key);
  const entry = await ledger.get(task.name, job.key);
  const known = entry?.upload;
  if (known && isFor(context, known, source)) {
    const stored = await storedParts(context, key, known.uploadId);
    if (stored) return { target: targetOf(context, source, known), stored };
  } else if (known) {
    await destination.abortUpload(key, known.uploadId);
  }

  const target = await createUpload(context, key, source, () =>
    ledger.announceUpload(task.name, job.key, context.clock.now()),
  );
  const claim: LedgerEntry & { upload: OpenUpload } = {
    task: task.name,
    key: job.key,
    status: 'STARTED',
    route: 'multipart',
    size: source.size,
    sourceEtag: source.etag,
    startedAt: context.clock.now(),
    updatedAt: context.clock.now(),
    ...(job.run !== undefined && { run: job.run }),
    // What proves that this version is there already must outlive a second attempt at it: others go by it.
    ...(entry?.sourceEtag === source.etag &&
      entry.destinationEtag !== undefined && { destinationEtag: entry.destinationEtag }),
    upload: {
      uploadId: target.uploadId,
      sourceEtag: source.etag,
      attributes: target.attributes,
      ...(source.versionId !== undefined && { sourceVersionId: source.versionId }),
      partSize: target.plan.partSize,
      sourceLayout: target.plan.sourceLayout,
      opaqueEtag: target.opaqueEtag,
      ...(target.checksum && { checksum: target.checksum }),
    },
  };
  const winner = await ledger.claimUpload(claim, known?.uploadId).catch(async (error: unknown) => {
    // An upload that no ledger knows would be found by nobody. Should the claim have been written after all, the next
    // attempt finds the upload gone and opens another.
    await destination.abortUpload(key, target.uploadId);
    throw error;
  });
  if (winner.uploadId === target.uploadId) return { target, stored: [] };

  // Somebody else opened an upload in the meantime; theirs is used.
  await destination.abortUpload(key, target.uploadId);
  if (!isFor(context, winner, source)) {
    throw new Fault('SourceChanged', `${context.source.bucket}: ${quoted(job.key)} is being copied in another version`);
  }
  const stored = await storedParts(context, key, winner.uploadId);
  if (!stored)
    throw new Fault('UploadGone', `${destination.bucket}: the upload of ${quoted(key)} was just ended by another`);
  return { target: targetOf(context, source, winner), stored };
}

/** Is the upload for this version of the source? */
function isFor({ task }: CopyContext, upload: OpenUpload, source: ObjectInfo): boolean {
  return upload.sourceEtag === source.etag && upload.attributes === attributesDigest(task, source);
}

async function storedParts(context: CopyContext, key: string, uploadId: string): Promise<StoredPart[] | undefined> {
  try {
    return await context.destination.listParts(key, uploadId);
  } catch (error) {
    if (isFault(error, 'UploadGone')) return undefined;
    throw error;
  }
}

/** What the ledger keeps of an upload, with what the source says, gives the whole target again. */
function targetOf(context: CopyContext, source: ObjectInfo, upload: OpenUpload): UploadTarget {
  const { size, versionId, etag, checksum } = source;
  const partCount = Math.max(1, Math.ceil(size / upload.partSize));
  return {
    uploadId: upload.uploadId,
    sourceEtag: etag,
    attributes: upload.attributes,
    ...(versionId !== undefined && { sourceVersionId: versionId }),
    plan: { size, partSize: upload.partSize, partCount, sourceLayout: upload.sourceLayout },
    method: canCopyInside(context.task) ? 'server-side copy' : 'relay',
    opaqueEtag: upload.opaqueEtag,
    ...(upload.checksum && { checksum: upload.checksum }),
    ...(upload.checksum && checksum?.algorithm === upload.checksum && { fullChecksum: checksum.value }),
  };
}

/** @param announce called right before the store is asked: a crash may leave an upload that nobody claimed */
async function createUpload(
  context: CopyContext,
  key: string,
  source: ObjectInfo,
  announce: () => Promise<void>,
): Promise<UploadTarget> {
  const { task, destination } = context;
  const layout = await sourceLayout(context, source);
  const cut = planParts(source.size, task.partSize, destination.minPartBytes);
  const wanted = checksumFor(context, source, layout ?? cut);
  const attributes = await readAttributes(context, source);
  const usable = layout && (layout.partSize <= maxBufferedBodyBytes || wanted !== undefined || md5Store(context));
  const plan = usable ? layout : cut;
  const create = (algorithm: ChecksumAlgorithm | undefined): Promise<CreatedUpload> =>
    withTagsIfSupported(attributes, (some) => destination.createUpload(key, some, algorithm));
  await announce();
  let checksum = wanted;
  let created: CreatedUpload;
  try {
    created = await create(checksum);
  } catch (error) {
    if (checksum === undefined || !isFault(error, 'NotSupported')) throw error;
    checksum = undefined;
    created = await create(undefined);
  }
  return targetOf(context, source, {
    ...created,
    sourceEtag: source.etag,
    attributes: attributesDigest(task, source),
    partSize: plan.partSize,
    sourceLayout: plan.sourceLayout,
    ...(checksum && { checksum }),
  });
}

/** The source's own part layout, asked for only where its ETag says that there is one. */
async function sourceLayout(context: CopyContext, source: ObjectInfo): Promise<PartPlan | undefined> {
  if (etagPartCount(source.etag) === undefined) return undefined;
  try {
    const first = await context.source.head(source.key, {
      partNumber: 1,
      ...(source.versionId !== undefined && { versionId: source.versionId }),
    });
    return first?.etag === source.etag
      ? planSourceLayout(source.size, source.etag, first.size, context.destination.minPartBytes)
      : undefined;
  } catch (error) {
    // Stores without parts in HEAD: their objects are cut anew.
    if (isFault(error, 'NotSupported', 'InvalidInput')) return undefined;
    throw error;
  }
}

/**
 * The algorithm that the parts carry: the configured one; on S3 itself the one the source has a checksum of, so that
 * Complete can compare the whole object; and CRC32 where parts are too long to be buffered (their MD5 is not known
 * before they are sent). Undefined means Content-MD5, which every store knows.
 */
function checksumFor({ task }: CopyContext, source: ObjectInfo, plan: PartPlan): ChecksumAlgorithm | undefined {
  if (task.destination.checksumAlgorithm) return task.destination.checksumAlgorithm;
  if (task.destination.endpoint !== undefined) return undefined;
  return source.checksum?.algorithm ?? (plan.partSize > maxBufferedBodyBytes ? 'CRC32' : undefined);
}

/** Are the destination's part ETags MD5s, as far as the configuration says? */
function md5Store({ task }: CopyContext): boolean {
  return task.destination.endpoint !== undefined && task.destination.encryption?.type !== 'aws:kms';
}
