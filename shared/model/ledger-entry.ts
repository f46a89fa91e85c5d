import * as v from 'valibot';
import { checksumAlgorithms, sameEtag, type ListedObject } from './object.ts';
import type { FaultName } from './faults.ts';
import { failureBelievedMillis } from './limits.ts';
import { lossKindsSchema } from './losses.ts';
import { runCountsSchema } from './run-counts.ts';
import { endsSchema, slowCopySchema } from './run-ends.ts';

/**
 * What the ledger holds: one entry per object and task, one record per run. The schemas are the only list of the
 * fields; the types and the attributes that shared/aws/dynamodb/ writes follow from them.
 */

export const transferStatuses = ['STARTED', 'DONE', 'FAILED', 'SKIPPED', 'DELETED'] as const;
export type TransferStatus = (typeof transferStatuses)[number];

/** How a job ended or will be done. */
export const routeKinds = ['skip', 'server-side copy', 'put', 'multipart', 'execution', 'delete'] as const;
export type RouteKind = (typeof routeKinds)[number];

export const openUploadSchema = v.object({
  uploadId: v.string(),
  sourceEtag: v.string(),
  /** the digest of the source's headers and metadata that it was created with */
  attributes: v.string(),
  sourceVersionId: v.exactOptional(v.string()),
  /** bytes */
  partSize: v.number(),
  /** true if the parts are cut like the source's own */
  sourceLayout: v.boolean(),
  /** see EtagForm; here of the parts' ETags */
  opaqueEtag: v.boolean(),
  /** the algorithm that it was created with */
  checksum: v.exactOptional(v.picklist(checksumAlgorithms)),
  /** how many tags it was created with; absent means none, or that an earlier version created it */
  tagCount: v.exactOptional(v.number()),
  /** what it was created without; absent means nothing */
  lost: v.exactOptional(lossKindsSchema),
});

/** A multipart upload that may be resumed: bound to one source version and one part size. */
export type OpenUpload = Readonly<v.InferOutput<typeof openUploadSchema>>;

export const ledgerEntrySchema = v.object({
  task: v.string(),
  /** the source's key; `message:<id>` for a message that could not be read */
  key: v.string(),
  status: v.picklist(transferStatuses),
  route: v.exactOptional(v.picklist(routeKinds)),
  /** bytes */
  size: v.exactOptional(v.number()),
  /** the source version that was (or is being) copied */
  sourceEtag: v.exactOptional(v.string()),
  /** the ETag with which the destination confirmed it */
  destinationEtag: v.exactOptional(v.string()),
  upload: v.exactOptional(v.pipe(openUploadSchema, v.readonly())),
  /** what the copy lacks of its source; absent means nothing, as far as the destination shows */
  lost: v.exactOptional(lossKindsSchema),
  run: v.exactOptional(v.string()),
  attempts: v.exactOptional(v.number()),
  /** `<fault name>: <message>` of the last failure, or why nothing had to be done */
  reason: v.exactOptional(v.string()),
  /** milliseconds since the epoch */
  startedAt: v.exactOptional(v.number()),
  /** milliseconds since the epoch */
  updatedAt: v.number(),
});

export type LedgerEntry = Readonly<v.InferOutput<typeof ledgerEntrySchema>>;

/** Does the ledger say that this version of the source became this object of the destination? */
export function isRecorded(
  source: Pick<ListedObject, 'etag'>,
  destination: Pick<ListedObject, 'etag'>,
  entry: Pick<LedgerEntry, 'sourceEtag' | 'destinationEtag'> | undefined,
): boolean {
  const { sourceEtag = '', destinationEtag = '' } = entry ?? {};
  if (sourceEtag === '' || destinationEtag === '') return false;
  return sameEtag(sourceEtag, source.etag) && sameEtag(destinationEtag, destination.etag);
}

/** Faults that each job for the same version of an object meets again, until a person changes something. */
export const lastingFaults: readonly FaultName[] = [
  'ArchivedSource',
  'TooLarge',
  'NotSupported',
  'Refused',
  'AttributeLost',
];

/**
 * The fault with which a copy of this version of the source failed for good. It is believed for a week: what a person
 * changes (a restored tier, a policy, the task) looks the same in a listing.
 * @param now milliseconds since the epoch
 */
export function knownFailure(
  source: Pick<ListedObject, 'etag'>,
  entry: Pick<LedgerEntry, 'status' | 'reason' | 'sourceEtag' | 'updatedAt'> | undefined,
  now: number,
): FaultName | undefined {
  const { status, reason = '', sourceEtag = '', updatedAt = 0 } = entry ?? {};
  if (status !== 'FAILED' || sourceEtag === '' || !sameEtag(sourceEtag, source.etag)) return undefined;
  if (now - updatedAt >= failureBelievedMillis) return undefined;
  return lastingFaults.find((name) => reason.startsWith(`${name}:`));
}

export const runRecordSchema = v.object({
  task: v.string(),
  run: v.string(),
  /** the part of the source that the run was limited to; absent if it covered the whole task */
  prefix: v.exactOptional(v.string()),
  /** SUPERSEDED: another run was under way, and this one did nothing. CANCELLED: an operator ended it */
  status: v.picklist(['RUNNING', 'DONE', 'FAILED', 'SUPERSEDED', 'CANCELLED']),
  dryRun: v.boolean(),
  /** what the run found and sent */
  counts: v.pipe(runCountsSchema, v.readonly()),
  /** how the objects of its jobs ended; absent while it runs, and in records of former versions */
  ends: v.exactOptional(v.pipe(endsSchema, v.readonly())),
  /** the slowest of its copies */
  slowest: v.exactOptional(v.pipe(v.array(v.pipe(slowCopySchema, v.readonly())), v.readonly())),
  /** the keys of some objects that failed */
  failedKeys: v.exactOptional(v.pipe(v.array(v.string()), v.readonly())),
  /** milliseconds since the epoch */
  endedAt: v.exactOptional(v.number()),
  reason: v.exactOptional(v.string()),
  /** ISO 8601 */
  startedAt: v.string(),
  /** milliseconds since the epoch */
  updatedAt: v.number(),
});

export type RunRecord = Readonly<v.InferOutput<typeof runRecordSchema>>;

/** Is it a run that later ones are measured by? */
export function isLastRun({ status, dryRun }: RunRecord): boolean {
  return status === 'DONE' && !dryRun;
}
