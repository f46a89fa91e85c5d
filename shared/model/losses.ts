import * as v from 'valibot';

/**
 * What a copy can lack of its source, or of what its task asks for. Whatever is left out of a copy is one of these: the
 * ledger names it, a metric counts it, and a task with `strict` refuses such a copy.
 *
 * What every object has and no copy carries is not among them (docs/configuration.md, "What a copy lacks").
 */
export const lossTable = {
  tags: { metric: 'TagsLost', what: 'tags', cure: '"tags": false leaves them out of all copies' },
  headers: { metric: 'HeadersLost', what: 'a content header', cure: 'remove the header from the source object' },
  metadata: {
    metric: 'MetadataLost',
    what: 'user metadata',
    cure: '"metadata": false leaves it out of all copies',
  },
  websiteRedirect: {
    metric: 'WebsiteRedirectsLost',
    what: 'the website redirect',
    cure: 'exclude the object',
  },
  objectLock: {
    metric: 'ObjectLocksLost',
    what: 'the retention or legal hold of Object Lock',
    cure: 'set a default retention for the destination bucket',
  },
  storageClass: {
    metric: 'StorageClassesLost',
    what: "the task's storage class",
    cure: 'remove destination.storageClass',
  },
  encryption: { metric: 'EncryptionLost', what: "the task's encryption", cure: 'remove destination.encryption' },
  checksum: { metric: 'ChecksumsLost', what: 'the stored checksum', cure: 'remove destination.checksumAlgorithm' },
} as const satisfies Record<string, { readonly metric: string; readonly what: string; readonly cure: string }>;

export type LossKind = keyof typeof lossTable;
export const lossKinds = Object.keys(lossTable) as LossKind[];

/** One thing that a copy lacks. */
export interface Loss {
  readonly kind: LossKind;
  /** the destination: its bucket, and the host of its endpoint */
  readonly store: string;
  /** what was seen; without the object's key, because logs show it */
  readonly reason: string;
}

/** The kinds in a record. Those of a later version are left out, so that this one can read what it wrote. */
export const lossKindsSchema = v.pipe(
  v.array(v.string()),
  v.transform((names) => lossKinds.filter((kind) => names.includes(kind))),
  v.readonly(),
);
