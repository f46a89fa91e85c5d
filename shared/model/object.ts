import type { LossKind } from './losses.ts';
import type { ObjectKey } from './object-key.ts';

/** What a store reports about an object, as plain data. ETags have no quotes anywhere in the core. */

/** The content headers that travel with an object, exactly as they were sent. */
export interface ContentHeaders {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly contentDisposition?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  /** where a website of the bucket redirects requests of the object to */
  readonly websiteRedirect?: string;
}

export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME'] as const;
/** Algorithms with a full-object value on multipart uploads, so that a destination can be checked against a source. */
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** A stored full-object checksum, base64 as in the API. */
export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/** A line of a listing. */
export interface ListedObject {
  readonly key: ObjectKey;
  /** bytes */
  readonly size: number;
  readonly etag: string;
  /** milliseconds since the epoch; 0 if the store does not say */
  readonly modified: number;
  /**
   * The listing names an archive class: `yes` if it also says that there is no restored copy, `maybe` if it says
   * nothing about that. `unseen` for S3 Intelligent-Tiering, whose archive tiers no listing shows. Absent for
   * everything else.
   */
  readonly archived?: 'yes' | 'maybe' | 'unseen';
}

/** Whether an ETag can be compared with an MD5. */
export interface EtagForm {
  /** true if encryption (KMS, customer keys) makes the ETag something other than an MD5 */
  readonly opaqueEtag: boolean;
}

/** What HEAD and GET return about an object. */
export interface ObjectInfo extends ListedObject, EtagForm {
  readonly versionId?: string;
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  /** how many tags the object has; undefined if the store (or a missing permission) does not say */
  readonly tagCount?: number;
  /** false for an archived object without a restored copy */
  readonly readable: boolean;
  readonly checksum?: ObjectChecksum;
  /** as the store names it; absent if it names none, as S3 does for STANDARD */
  readonly storageClass?: string;
  /** the encryption that the store states, such as `AES256` or `aws:kms` */
  readonly encryption?: string;
  /** what the object has and no copy of it can carry, as far as the store shows; absent for nothing */
  readonly uncarried?: readonly LossKind[];
}

/** What an object is created with at the destination besides its bytes. */
export interface ObjectAttributes {
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** What S3 and most other stores use as ETags: an MD5 in hexadecimal, or the MD5 of parts' MD5s and their number. */
const digestForm = /^[0-9a-f]{32}(-[1-9][0-9]{0,4})?$/i;

/**
 * Are two ETags the same? Hexadecimal digits count without their case: Aliyun OSS writes them in upper case (its
 * PutObject page: "ignore the case"). An absent ETag (empty) equals only another. Requests that are pinned to an ETag
 * carry it as the store wrote it.
 */
export function sameEtag(one: string, other: string): boolean {
  return one === other || (digestForm.test(one) && one.toLowerCase() === other.toLowerCase());
}

/** The part count in a multipart ETag (12 in `"...-12"`), or undefined for any other ETag. */
export function etagPartCount(etag: string): number | undefined {
  const match = /^[0-9a-f]{32}-([1-9][0-9]{0,4})$/i.exec(etag);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/**
 * Has the ETag the form of an MD5, and does the object's encryption allow it to be one? At S3 it then is the MD5 of the
 * bytes; at another store it may be another digest of the same form (shared/transfer/decide/etag-trust.ts).
 */
export function etagIsMd5(info: EtagForm & { readonly etag: string }): boolean {
  return !info.opaqueEtag && /^[0-9a-f]{32}$/i.test(info.etag);
}
