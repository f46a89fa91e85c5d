import type { ChecksumAlgorithm } from '../object.ts';

/**
 * What is known of a kind of store: where it is, and how it differs from S3. Each vendor has a file in vendors/, and
 * stores.ts finds the one of a side. A fact comes with its source; "not documented" says that none was found, and then
 * the value is the careful one.
 */
export interface Store {
  /** for messages and documents */
  readonly title: string;
  readonly address: StoreAddress;
  readonly traits: StoreTraits;
}

/** A fact, and why it is believed: the vendor's document and its section, an issue, or a measurement. */
export interface Fact<Value> {
  readonly is: Value;
  readonly why: string;
}

/** How a store is reached. */
export interface StoreAddress {
  /** the endpoint, made of `{region}` and `{accountId}`; none if the store is wherever its owner runs it */
  readonly endpoint?: Fact<string>;
  /** its host names, with the group `region` where they have one; the first that matches counts */
  readonly hosts: readonly RegExp[];
  /** how its vendor writes regions; absent if any name may be one */
  readonly regions?: Fact<RegExp>;
  /** a region, for messages */
  readonly exampleRegion?: string;
  /** what some of its documents put before a region's name */
  readonly regionPrefix?: string;
  /** the region that requests are signed for if none is given */
  readonly defaultRegion?: Fact<string>;
  /** where no two buckets have one name: at one endpoint, or in the whole store, whatever its endpoint */
  readonly bucketNames: Fact<'endpoint' | 'store'>;
  /** how a bucket is named in a URL: in the path only, in the host only, or either way */
  readonly style: Fact<'path' | 'host' | 'either'>;
}

/** `unknown` means that it has to be found out, or that the careful way is taken. */
export type Answer = 'yes' | 'no' | 'unknown';

export type ConditionalCall = 'put' | 'complete' | 'copy' | 'delete';
export type Condition = 'If-None-Match: *' | 'If-Match';

/** How a store differs from S3, as far as S3 Ferry acts on it. */
export interface StoreTraits {
  /**
   * The ETag of an object that was written by one PUT and looks like an MD5. `md5`: it is that of its bytes, unless the
   * answer names an encryption that forbids it; `maybe`: most often; `other`: it is something else.
   */
  readonly putEtag: Fact<'md5' | 'maybe' | 'other'>;
  /** The ETag of an object in parts. `s3`: the MD5 of the parts' MD5s, and "-N"; `maybe`: most often; `other`. */
  readonly multipartEtag: Fact<'s3' | 'maybe' | 'other'>;
  /** Do objects have tags? */
  readonly tags: Fact<Answer>;
  /** Do GET and HEAD state how many tags an object has (`x-amz-tagging-count`), if it has some? */
  readonly tagCount: Fact<Answer>;
  /** Checksums of whole objects that the store verifies when they are written, keeps, and states. */
  readonly checksums: Fact<readonly ChecksumAlgorithm[]>;
  /** Is there a CopyObject that compares the version that a copy is pinned to? `unknown`: the store is asked. */
  readonly copies: Fact<Answer>;
  /** The same of UploadPartCopy. */
  readonly partCopies: Fact<Answer>;
  /** The version of ListObjects that works; 1 is tried where it is unknown. */
  readonly listVersion: Fact<1 | 2 | 'unknown'>;
  /** Do listings say whether an archived object is restored (`x-amz-optional-object-attributes`)? */
  readonly listsRestores: Fact<Answer>;
  /** The calls that compare what they replace, and the conditions that may be relied on. */
  readonly conditionalWrites: Fact<Readonly<Partial<Record<ConditionalCall, readonly Condition[]>>>>;
  /** May a request name its operation in the query (`x-id`), as AWS's SDK does? */
  readonly operationIds: Fact<Answer>;
  /** May the checksum of a streamed body follow it in a trailer (`aws-chunked`)? */
  readonly awsChunked: Fact<Answer>;
}

/** Nothing is documented: the values that are safe with any store. */
export const unknownTraits: StoreTraits = {
  putEtag: { is: 'maybe', why: 'not documented; a different MD5 is a doubt until another proof is found' },
  multipartEtag: { is: 'maybe', why: 'not documented; not compared' },
  tags: { is: 'unknown', why: 'not documented; asked for, and copied if the store has them' },
  tagCount: { is: 'unknown', why: 'not documented; each object is asked until the store has stated a number' },
  checksums: { is: [], why: 'not documented; Content-MD5 is sent instead' },
  copies: { is: 'unknown', why: 'not documented; asked once in each process' },
  partCopies: { is: 'unknown', why: 'not documented; asked once in each process' },
  listVersion: { is: 'unknown', why: 'not documented; version 2 is tried, then version 1' },
  listsRestores: { is: 'unknown', why: 'not documented; not asked for' },
  conditionalWrites: { is: {}, why: 'not documented; not relied on' },
  operationIds: { is: 'unknown', why: 'not documented; sent, as the SDK does' },
  awsChunked: { is: 'unknown', why: 'not documented; used only with a configured checksumAlgorithm' },
};
