import { minPartBytes } from '../../model/limits.ts';
import { checksumAlgorithms, type ChecksumAlgorithm, type ContentHeaders } from '../../model/object.ts';
import type { CopySizes } from '../object-store.ts';

/**
 * What a store can do, and what it does instead if it cannot. The in-memory store behaves as its features say; the
 * contract suite (test/contract/object-store) holds a store to the features that it is said to have.
 */
export interface StoreFeatures {
  /** keeps what is overwritten or deleted */
  readonly versions: boolean;
  /** `ignored`: what is sent is not stored; `refused`: a write with tags fails, and there are none to read */
  readonly tags: 'kept' | 'ignored' | 'refused';
  /** the answer to a read of tags, where there are none: an empty set, or a refusal without a reason */
  readonly tagReads: 'answered' | 'refused';
  /** keeps tags that are sent with CopyObject and CreateMultipartUpload; false: ignores them */
  readonly tagsOfCopiesAndUploads: boolean;
  /** content headers that it accepts and does not keep */
  readonly ignoredHeaders: readonly (keyof ContentHeaders)[];
  /** keeps user metadata; false: accepts and ignores it */
  readonly metadata: boolean;
  /** keeps the storage class that it is asked for; false: ignores it */
  readonly storageClasses: boolean;
  /** HEAD and GET state how many tags an object has */
  readonly tagCounts: boolean;
  /** CopyObject */
  readonly copies: boolean;
  /** bytes of the largest object and of a part that are copied in one request, see `ObjectStore` */
  readonly copySizes: CopySizes;
  /** UploadPartCopy */
  readonly partCopies: boolean;
  /** reads with If-Match fail if the object is another version; false: If-Match is ignored */
  readonly pinnedReads: boolean;
  /**
   * What becomes of CRCs, and of the size that Complete states. `ignored` is what Ceph does: no fault, nothing is
   * checked, and no checksum is stored.
   */
  readonly checksums: 'checked' | 'ignored' | 'refused';
  /** algorithms of checksums that an upload can have for the whole object, where checksums are checked */
  readonly uploadChecksums: readonly ChecksumAlgorithm[];
  /**
   * HEAD with a part number states that part's size; false: the in-memory store refuses it, others ignore the number
   */
  readonly partNumbers: boolean;
  /** Complete answers with the new object's ETag; false: with an empty one */
  readonly completeEtag: boolean;
  /** Complete reports an upload that is gone as such; false: as another failure */
  readonly goneAtComplete: boolean;
  /** Complete may name only some of the parts; false: it has to name all of them */
  readonly partSubsets: boolean;
  /** Complete refuses parts that are not in ascending order; false: it sorts them (Ceph, Cloudflare R2) */
  readonly partOrder: boolean;
  /** parts may have any sizes; false: all but the last have one size, and the last is not larger (Cloudflare R2) */
  readonly unequalParts: boolean;
  /** open uploads are listed by the prefix of their keys, by the whole key alone (MinIO), or not at all */
  readonly uploadListing: 'by-prefix' | 'by-key' | 'none';
  /** ETags are MD5s; false: they look like random numbers, as with KMS */
  readonly md5Etags: boolean;
  /** answers say that ETags are no MD5s, if they are none; false: as with a gateway that encrypts what it stores */
  readonly saysOpaque: boolean;
  /** ETags are in upper case (Aliyun OSS) */
  readonly upperCaseEtags: boolean;
  /** the ETag of an object in parts is the MD5 of its parts' MD5s; false: of something else (Aliyun OSS) */
  readonly multipartMd5s: boolean;
  /** the ETag of an object in parts ends with their number; false: as with Google Cloud Storage */
  readonly countedEtags: boolean;
  /** listings state ETags */
  readonly listedEtags: boolean;
  /** writes and deletions compare what they replace; false: they take place whatever is there */
  readonly conditionalWrites: boolean;
  /** the order of listings; `utf16` is JavaScript's, which some stores have too */
  readonly order: 'utf8' | 'utf16';
  /** keys per page of a listing, at most */
  readonly pageSize: number;
  /** the size of the smallest part that may be followed by another */
  readonly minPartBytes: number;
  /** keys that cannot be written; undefined: S3 takes all */
  readonly refusedKeys: RegExp | undefined;
}

/** The features of S3, for a bucket without versioning. */
export const s3Features: StoreFeatures = {
  versions: false,
  tags: 'kept',
  tagReads: 'answered',
  tagsOfCopiesAndUploads: true,
  ignoredHeaders: [],
  metadata: true,
  storageClasses: true,
  tagCounts: true,
  copies: true,
  partCopies: true,
  // No more than the task says: the objects of tests are small.
  copySizes: { object: 0, part: 0 },
  pinnedReads: true,
  checksums: 'checked',
  uploadChecksums: checksumAlgorithms,
  partNumbers: true,
  completeEtag: true,
  goneAtComplete: true,
  partSubsets: true,
  partOrder: true,
  unequalParts: true,
  uploadListing: 'by-prefix',
  md5Etags: true,
  saysOpaque: true,
  upperCaseEtags: false,
  multipartMd5s: true,
  countedEtags: true,
  listedEtags: true,
  conditionalWrites: true,
  order: 'utf8',
  pageSize: 1000,
  minPartBytes,
  refusedKeys: undefined,
};
