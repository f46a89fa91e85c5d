import type { ChecksumAlgorithm } from '../digest/checksum.ts';
import type { Operation } from '../http/route.ts';

/**
 * How a store differs from S3. Each field is one kind of difference, and `aws.ts` holds what S3 does. A personality
 * states where it differs (`differsFrom`), and each difference names its source: the vendor's document and section, or
 * an issue. "Assumed" marks what no document says.
 *
 * A personality is data. request.ts, answer.ts and etag.ts apply it; operations read the fields that decide what is
 * stored.
 */
export interface Personality {
  /** The name of the store, for people. */
  readonly title: string;
  readonly etags: EtagRules;
  readonly listings: ListingRules;
  readonly uploads: UploadRules;
  readonly tags: TagRules;
  readonly objects: ObjectRules;
  readonly requests: RequestRules;
  readonly answers: AnswerRules;
}

/** An error instead of what S3 would answer. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
}

export interface EtagRules {
  readonly letters: 'lower' | 'upper';
  /** In headers: `"x"`, `W/"x"` or `x`. */
  readonly header: 'quoted' | 'weak' | 'bare';
  /** In documents: `"x"` or `x`. */
  readonly document: 'quoted' | 'bare';
  /** In the documents that answer a write: of CopyObject, UploadPartCopy and CompleteMultipartUpload. */
  readonly written: 'quoted' | 'bare';
  /** Of an object or part that was sent in one request: its MD5, or a value that looks like one. */
  readonly whole: 'md5' | 'opaque';
  /**
   * Of an object that was sent in parts. `md5-of-md5s`: the MD5 of the parts' MD5s and `-N`, as on S3. `own-counted`:
   * another value with `-N`. `own`: another value without `-N`, which is not in hex.
   */
  readonly parts: 'md5-of-md5s' | 'own-counted' | 'own';
}

export interface ListingRules {
  /** Whether ListObjectsV2 exists; if not, `list-type=2` is ignored, and the first version answers. */
  readonly secondVersion: boolean;
  /** Objects per page if the request does not say how many. */
  readonly defaultKeys: number;
  /** Objects per page at most. */
  readonly maxKeys: number;
  /** Whether ListObjectsV2 names the next page; if not, the client has to go on after the last key. */
  readonly nextToken: boolean;
  /** `utf16`: the order of JavaScript strings, in which U+10000 comes before U+FFFF. */
  readonly order: 'utf8' | 'utf16';
  /** `encoding-type=url` of ListObjects: done and stated, done and not stated, or ignored. */
  readonly encoding: 'stated' | 'silent' | 'ignored';
  /** The same of ListMultipartUploads. */
  readonly uploadEncoding: 'stated' | 'silent' | 'ignored';
  /** How a space is encoded. */
  readonly encodedSpace: '+' | '%20';
  /** Whether ListMultipartUploads names where the next page begins also on the last page. */
  readonly lastUploadMarkers: boolean;
  /** Whether the object to start after is left out. */
  readonly after: 'exclusive' | 'inclusive';
  /** Whether an object's ETag is listed. */
  readonly etags: boolean;
  /** `hidden`: with a prefix `a/`, nothing is listed if there is an object `a`. */
  readonly belowObject: 'listed' | 'hidden';
  /** The prefix of ListMultipartUploads: of keys, or a whole key. */
  readonly uploadPrefix: 'of-keys' | 'whole-key';
}

export interface UploadRules {
  /** The size of the smallest part that another may follow. */
  readonly minPartBytes: number;
  /** Parts per upload. */
  readonly maxParts: number;
  /** Whether all parts but the last must have one size. */
  readonly equalParts: Refusal | undefined;
  /** Whether Complete may name only some of the parts; otherwise, it is refused. */
  readonly unnamedParts: 'dropped' | Refusal;
  /** What Complete answers if part numbers are left out. */
  readonly numberGaps: 'allowed' | Refusal;
  /** Last-Modified of the object: when its upload was initiated, or when it was completed. */
  readonly modified: 'initiated' | 'completed';
  /** Whether a repeated Complete gets the first one's answer. */
  readonly repeatable: boolean;
  /** Whether Complete answers with the ETag; `repeated`: only if the upload is complete already. */
  readonly completeEtag: 'always' | 'repeated' | 'never';
  /** Whether Complete has to name the parts in ascending order; otherwise, they are sorted. */
  readonly completeOrder: 'ascending' | 'any';
  /** Whether Complete sends spaces, which keep the connection open, before it sends its answer. */
  readonly completeSpaces: boolean;
  /** Algorithms of checksums that an upload can have for the whole object. */
  readonly fullObjectChecksums: readonly ChecksumAlgorithm[];
}

export interface TagRules {
  /** What GetObjectTagging answers for an object without tags. */
  readonly none: 'empty' | Refusal;
  /**
   * What becomes of tags that are sent with CopyObject and CreateMultipartUpload. `blanked`: none are kept, the object
   * is said to have 0, and GetObjectTagging answers without a document; a copy keeps its source's tags if it keeps the
   * metadata.
   */
  readonly ofCopiesAndUploads: 'kept' | 'blanked';
  /** Whether GET and HEAD state how many tags there are. */
  readonly count: boolean;
}

export interface ObjectRules {
  /** Whether a checksum is computed for bytes that arrive without one. */
  readonly defaultChecksum: boolean;
  /** Whether answers state an encryption that was not asked for. */
  readonly statesEncryption: boolean;
  /** Bytes of user metadata. */
  readonly maxMetadataBytes: number;
  /**
   * Objects with `Content-Encoding: gzip` for a client that does not accept it. `undone`: unzipped on the way, without
   * a length; ranges are ignored.
   */
  readonly gzip: 'stored' | 'undone';
  /** What DELETE answers for an object that does not exist. */
  readonly deleteMissing: 'done' | Refusal;
  /** What HEAD and GET answer for a missing object to a caller who may not list the bucket. */
  readonly missingUnlisted: 'hidden' | 'shown';
  /** Keys that cannot be written. */
  readonly refusedKeys: readonly { readonly keys: RegExp; readonly answer: Refusal }[];
}

/** A name, or with `*` at its end all names that begin so; in lower case. */
export type NamePattern = string;

export interface Rule {
  readonly names: readonly NamePattern[];
  /** Only for these operations. */
  readonly on?: readonly Operation[];
}

export interface RequestRules {
  /** Operations that the store lacks. */
  readonly lacks: Partial<Readonly<Record<Operation, Refusal>>>;
  /** Headers that the store does not know. */
  readonly ignoredHeaders: readonly Rule[];
  /** Query parameters that the store does not know. */
  readonly ignoredParameters: readonly Rule[];
  /** Headers that the store knows and refuses, whatever their value, or if it matches. */
  readonly refusedHeaders: readonly (Rule & { readonly value?: RegExp; readonly answer: Refusal })[];
  /** A signature for a region other than the bucket's. The redirects name the bucket's region. */
  readonly otherRegion: 'accepted' | 'malformed' | 'permanent-redirect' | 'temporary-redirect';
}

export interface AddedHeaders {
  readonly headers: Readonly<Record<string, string>>;
  /** Only for these operations. */
  readonly on?: readonly Operation[];
  /** To which answers. */
  readonly to: 'all' | 'successes' | 'errors';
}

export interface AnswerRules {
  /** Headers that S3 sends and the store does not, in all answers or in those with a status. */
  readonly omits: readonly (Rule & { readonly status?: number })[];
  /** Headers that the store sends and S3 does not. */
  readonly adds: readonly AddedHeaders[];
  /** Errors of S3 that the store reports as others, by S3's code. */
  readonly errors: readonly { readonly code: string; readonly on?: readonly Operation[]; readonly answer: Refusal }[];
}

/** What a personality states about itself: only where it differs. */
export type Differences = { readonly title: string } & {
  readonly [Group in Exclude<keyof Personality, 'title'>]?: Partial<Personality[Group]>;
};

/** A personality that is another one with differences. */
export function differsFrom(base: Personality, differences: Differences): Personality {
  return {
    title: differences.title,
    etags: { ...base.etags, ...differences.etags },
    listings: { ...base.listings, ...differences.listings },
    uploads: { ...base.uploads, ...differences.uploads },
    tags: { ...base.tags, ...differences.tags },
    objects: { ...base.objects, ...differences.objects },
    requests: { ...base.requests, ...differences.requests },
    answers: { ...base.answers, ...differences.answers },
  };
}
