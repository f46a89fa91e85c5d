import { unknownTraits, type Store } from '../store.ts';

export const r2: Store = {
  title: 'Cloudflare R2',
  address: {
    endpoint: { is: 'https://{accountId}.r2.cloudflarestorage.com', why: 'R2: S3 API compatibility' },
    // With a jurisdiction, its name follows the account (R2: Data location).
    hosts: [/^[0-9a-f]{32}\.(?:[a-z]+\.)?r2\.cloudflarestorage\.com$/],
    regions: { is: /^(?:auto|us-east-1)$/, why: 'R2: S3 API compatibility, Bucket region' },
    exampleRegion: 'auto',
    defaultRegion: { is: 'auto', why: 'R2: S3 API compatibility, Bucket region' },
    bucketNames: { is: 'endpoint', why: 'R2: Data location (each account and jurisdiction has its own buckets)' },
    style: { is: 'either', why: 'R2: Presigned URLs and examples use both' },
  },
  traits: {
    ...unknownTraits,
    putEtag: { is: 'maybe', why: 'an MD5 in its examples; not documented, nor for customer keys' },
    multipartEtag: { is: 'maybe', why: 'R2: Multipart upload (as S3 for uploads since June 21, 2023)' },
    tags: { is: 'no', why: 'R2: S3 API compatibility, PutObject (x-amz-tagging is not implemented)' },
    tagCount: { is: 'no', why: 'no tags' },
    checksums: { is: ['CRC64NVME'], why: 'R2: S3 API compatibility, Checksum types (full object)' },
    copies: { is: 'yes', why: 'R2: S3 API compatibility, CopyObject, x-amz-copy-source-if-match' },
    partCopies: {
      is: 'no',
      why: 'R2: S3 API compatibility, UploadPartCopy (x-amz-copy-source-if-match is not implemented)',
    },
    listVersion: { is: 2, why: 'R2: S3 API compatibility, ListObjectsV2' },
    conditionalWrites: {
      is: { put: ['If-None-Match: *', 'If-Match'] },
      why: 'R2: Extensions, Conditional operations in PutObject (not in Complete)',
    },
  },
};
