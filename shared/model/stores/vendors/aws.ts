import type { Store } from '../store.ts';

/** S3 itself, in every partition, also through its dual-stack, FIPS and interface endpoints. */
export const aws: Store = {
  title: 'Amazon S3',
  address: {
    hosts: [
      // Also with "s3.dualstack", "s3-fips" and the endpoints of a VPC (S3 user guide: Endpoints, PrivateLink).
      /[.-](?<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/,
      /\.amazonaws\.com(?:\.cn)?$/,
    ],
    bucketNames: { is: 'store', why: 'S3 user guide: General purpose bucket naming rules (in a partition)' },
    style: { is: 'either', why: 'S3 user guide: Virtual hosting of buckets' },
  },
  traits: {
    putEtag: { is: 'md5', why: 'S3 API reference: Object, ETag (plaintext and SSE-S3)' },
    multipartEtag: { is: 's3', why: 'S3 user guide: Checking object integrity, part-level checksums' },
    tags: { is: 'yes', why: 'S3 user guide: Categorizing your objects using tags' },
    tagCount: { is: 'yes', why: 'S3 API reference: GetObject, x-amz-tagging-count (to callers who may read tags)' },
    checksums: { is: ['CRC32', 'CRC32C', 'CRC64NVME'], why: 'S3 user guide: Checking object integrity, full object' },
    copies: { is: 'yes', why: 'S3 API reference: CopyObject, x-amz-copy-source-if-match' },
    partCopies: { is: 'yes', why: 'S3 API reference: UploadPartCopy, x-amz-copy-source-if-match' },
    listVersion: { is: 2, why: 'S3 API reference: ListObjectsV2' },
    listsRestores: { is: 'yes', why: 'S3 API reference: ListObjectsV2, x-amz-optional-object-attributes' },
    conditionalWrites: {
      is: {
        put: ['If-None-Match: *', 'If-Match'],
        complete: ['If-None-Match: *', 'If-Match'],
        copy: ['If-None-Match: *', 'If-Match'],
        delete: ['If-Match'],
      },
      why: 'S3 user guide: Conditional writes, Conditional deletes',
    },
    operationIds: { is: 'yes', why: "AWS's SDKs send it" },
    awsChunked: { is: 'yes', why: 'S3 API reference: Signature calculations with trailing headers' },
  },
};
