import type { ChecksumAlgorithm, EtagForm } from './object.ts';

/** What the ledger holds: one entry an object and task, one record a run. */

export const transferStatuses = ['STARTED', 'DONE', 'FAILED', 'SKIPPED', 'DELETED'] as const;
export type TransferStatus = (typeof transferStatuses)[number];

/** How a job ended or will be done. */
export type RouteKind = 'skip' | 'server-side copy' | 'put' | 'multipart' | 'execution' | 'delete';

/** A multipart upload that may be resumed: bound to one source version and one part size. */
export interface OpenUpload extends EtagForm {
  readonly uploadId: string;
  readonly sourceEtag: string;
  /** the digest of the source's headers and metadata, which it was created with */
  readonly attributes: string;
  readonly sourceVersionId?: string;
  readonly partSize: number;
  /** true where the parts are the source's own */
  readonly sourceLayout: boolean;
  /** the algorithm the upload was created with */
  readonly checksum?: ChecksumAlgorithm;
}

export interface LedgerEntry {
  readonly task: string;
  /** the source's key; for a message that could not be read, `message:<id>` */
  readonly key: string;
  readonly status: TransferStatus;
  readonly route?: RouteKind;
  /** bytes */
  readonly size?: number;
  /** the source version that was (or is being) brought over */
  readonly sourceEtag?: string;
  /** the ETag that the destination answered for it */
  readonly destinationEtag?: string;
  readonly upload?: OpenUpload;
  readonly run?: string;
  readonly attempts?: number;
  /** `<fault name>: <message>` of the last failure, or why nothing was to be done */
  readonly reason?: string;
  /** milliseconds since the epoch */
  readonly startedAt?: number;
  /** milliseconds since the epoch */
  readonly updatedAt: number;
}

/** What a run found and sent; sums over its segments. */
export interface RunCounts {
  /** keys listed at the source */
  readonly listed: number;
  /** keys listed at the destination */
  readonly listedAtDestination: number;
  /** jobs sent (or, in a dry run, that would be) */
  readonly jobs: number;
  /** bytes of the objects in those jobs */
  readonly bytes: number;
  /** delete jobs among them */
  readonly deletes: number;
  /** objects that are the same on both sides */
  readonly same: number;
}

export interface RunRecord {
  readonly task: string;
  readonly run: string;
  readonly status: 'DONE' | 'FAILED';
  readonly dryRun: boolean;
  readonly counts: RunCounts;
  readonly reason?: string;
  /** ISO 8601 */
  readonly startedAt: string;
  /** milliseconds since the epoch */
  readonly updatedAt: number;
}
