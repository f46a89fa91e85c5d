import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';

const lack = { status: 501, code: 'NotImplemented' } as const;

/** Cloudflare R2. Sources are pages of the "R2" documentation. */
export const r2 = differsFrom(aws, {
  title: 'Cloudflare R2',
  uploads: {
    // "Multipart upload": at least 5 MiB; all but the last of one size, and the last not larger.
    equalParts: {
      status: 400,
      code: 'InvalidPart',
      message: 'All non-trailing parts must have the same length.',
    },
    // "S3 API compatibility", "Checksum types".
    fullObjectChecksums: ['CRC64NVME'],
    // "Changelog", 2024-01-26: Complete sorts the parts.
    completeOrder: 'any',
    // Not documented; assumed.
    modified: 'completed',
    // "Multipart upload": the upload does not exist afterwards; assumed.
    repeatable: false,
  },
  objects: {
    // Not documented; assumed.
    defaultChecksum: false,
    statesEncryption: false,
    // "Limits": 8,192 bytes of metadata.
    maxMetadataBytes: 8192,
  },
  requests: {
    // "S3 API compatibility", "Object-level operations"; yopass issue 3657.
    lacks: { GetObjectTagging: lack, PutObjectTagging: lack, DeleteObjectTagging: lack },
    // "Extensions", "Conditional operations in PutObject": in that call alone.
    ignoredHeaders: [
      { names: ['if-match', 'if-none-match'], on: ['CopyObject', 'CompleteMultipartUpload', 'DeleteObject'] },
    ],
    refusedHeaders: [
      // The same table; yopass issue 3657 and openreplay issue 2018: the answer for tags; the others are assumed.
      {
        names: [
          ...['x-amz-tagging', 'x-amz-tagging-directive', 'x-amz-acl', 'x-amz-server-side-encryption*'],
          ...['x-amz-website-redirect-location', 'x-amz-request-payer', 'x-amz-expected-bucket-owner'],
        ],
        answer: lack,
      },
      // The same table, UploadPartCopy; cloudflare-docs pull request 32458.
      { names: ['x-amz-copy-source-if-*'], on: ['UploadPartCopy'], answer: lack },
    ],
  },
});
