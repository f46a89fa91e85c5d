import { unknownTraits, type Store } from '../store.ts';

/** Its XML API with HMAC keys. */
export const gcs: Store = {
  title: 'Google Cloud Storage',
  address: {
    endpoint: { is: 'https://storage.googleapis.com', why: 'Cloud Storage: Interoperability, XML API' },
    hosts: [/^storage\.googleapis\.com$/],
    exampleRegion: 'auto',
    defaultRegion: { is: 'auto', why: 'Cloud Storage: Signatures, credential scope (a location, or auto)' },
    bucketNames: { is: 'store', why: 'Cloud Storage: About buckets, Bucket names' },
    style: { is: 'either', why: 'Cloud Storage: Request endpoints, XML API' },
  },
  traits: {
    ...unknownTraits,
    putEtag: { is: 'maybe', why: 'Cloud Storage: Hashes and ETags (an MD5 unless composed or encrypted by own keys)' },
    multipartEtag: { is: 'other', why: 'Cloud Storage: Complete a multipart upload (the ETag is not based on an MD5)' },
    tags: { is: 'no', why: 'Cloud Storage: HTTP headers and query string parameters for XML API (none for tags)' },
    tagCount: { is: 'no', why: 'no tags' },
    checksums: { is: [], why: "Cloud Storage: HTTP headers (x-goog-hash; none of S3's checksum headers)" },
    copies: {
      is: 'unknown',
      why: "Cloud Storage: HTTP headers, x-goog-copy-source-if-match; whether S3's header is one is not said; asked once",
    },
    partCopies: { is: 'no', why: 'Google issue tracker 323465186 (no UploadPartCopy); the bytes are sent instead' },
    listVersion: { is: 2, why: 'Cloud Storage: HTTP headers and query string parameters, list-type' },
    conditionalWrites: {
      is: {},
      why: 'Cloud Storage: Request preconditions (If-Match is for reads; writes compare generations)',
    },
    operationIds: {
      is: 'no',
      why: 'rclone, GCS: use_x_id is false; s3-orchestrator pull request 229 (the signature does not match)',
    },
    awsChunked: { is: 'no', why: 'milvus-storage pull request 500 (trailers are not understood)' },
  },
};
