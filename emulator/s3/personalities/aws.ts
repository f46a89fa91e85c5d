import type { Personality } from './personality.ts';

/** Amazon S3, general purpose buckets. Sources are pages of "Amazon S3 API Reference" and "Amazon S3 User Guide". */
export const aws: Personality = {
  title: 'Amazon S3',
  etags: {
    // API Reference, "Object", ETag.
    letters: 'lower',
    header: 'quoted',
    document: 'quoted',
    written: 'quoted',
    whole: 'md5',
    // User Guide, "Checking object integrity", "Using part-level checksums": the MD5 of the parts' MD5s, and "-N".
    parts: 'md5-of-md5s',
  },
  listings: {
    // API Reference, ListObjectsV2: up to 1,000 keys, in UTF-8 binary order, NextContinuationToken, EncodingType.
    secondVersion: true,
    defaultKeys: 1000,
    maxKeys: 1000,
    nextToken: true,
    order: 'utf8',
    encoding: 'stated',
    // API Reference, ListMultipartUploads, EncodingType.
    uploadEncoding: 'stated',
    encodedSpace: '+',
    lastUploadMarkers: false,
    // API Reference, ListObjectsV2, StartAfter.
    after: 'exclusive',
    etags: true,
    belowObject: 'listed',
    // API Reference, ListMultipartUploads, Prefix.
    uploadPrefix: 'of-keys',
  },
  uploads: {
    // User Guide, "Amazon S3 multipart upload limits".
    minPartBytes: 5 * 1024 ** 2,
    maxParts: 10_000,
    equalParts: undefined,
    // API Reference, CompleteMultipartUpload: the parts that the request names are assembled.
    unnamedParts: 'dropped',
    numberGaps: 'allowed',
    // User Guide, "Working with object metadata", Last-Modified.
    modified: 'initiated',
    // API Reference, CompleteMultipartUpload: the call is idempotent for a time.
    repeatable: true,
    completeEtag: 'always',
    completeOrder: 'ascending',
    // API Reference, CompleteMultipartUpload: only while it takes long, which it never does here.
    completeSpaces: false,
    // User Guide, "Checking object integrity", "Full object and composite checksum types".
    fullObjectChecksums: ['CRC64NVME', 'CRC32', 'CRC32C'],
  },
  tags: {
    // API Reference, GetObjectTagging: an empty tag set.
    none: 'empty',
    // API Reference, CopyObject and CreateMultipartUpload, x-amz-tagging.
    ofCopiesAndUploads: 'kept',
    // API Reference, HeadObject and GetObject, x-amz-tagging-count.
    count: true,
  },
  objects: {
    // User Guide, "Checking object integrity": CRC64NVME is the default.
    defaultChecksum: true,
    // User Guide, "Setting default server-side encryption behavior".
    statesEncryption: true,
    // User Guide, "Working with object metadata": 2 KB.
    maxMetadataBytes: 2048,
    gzip: 'stored',
    // API Reference, DeleteObject.
    deleteMissing: 'done',
    // API Reference, HeadObject and GetObject, "Permissions": 403 without s3:ListBucket.
    missingUnlisted: 'hidden',
    refusedKeys: [],
  },
  requests: {
    lacks: {},
    ignoredHeaders: [],
    ignoredParameters: [],
    refusedHeaders: [],
    // S3 answers AuthorizationHeaderMalformed. This server accepts every region unless a personality says otherwise:
    // one server is all regions.
    otherRegion: 'accepted',
  },
  answers: { omits: [], adds: [], errors: [] },
};
