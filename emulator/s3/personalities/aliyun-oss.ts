import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins, writeConditions } from './rules.ts';

const lack = { status: 501, code: 'NotImplemented' } as const;
const tagHeaders = ['x-amz-tagging', 'x-amz-tagging-directive'] as const;

/** Alibaba Cloud OSS over its S3 API. Sources are pages of the "Object Storage Service" documentation. */
export const aliyunOss = differsFrom(aws, {
  title: 'Aliyun OSS',
  etags: {
    // cyberduck issue 10879, GitLab charts issue 1564.
    letters: 'upper',
    // "CompleteMultipartUpload", "ETag": by rules of its own, not the MD5. The form is assumed.
    parts: 'own-counted',
  },
  listings: {
    // "ListObjectsV2 (GetBucketV2)", max-keys: 100 unless stated, at most 1,000.
    defaultKeys: 100,
  },
  uploads: {
    // "CompleteMultipartUpload", "Part size": at least 100 KB.
    minPartBytes: 100 * 1024,
    // Not documented for parts; assumed.
    modified: 'completed',
    // "CompleteMultipartUpload", "UploadId": invalid once the upload is complete.
    repeatable: false,
  },
  objects: {
    // milvus-storage pull request 500: x-amz-checksum-* is ignored, only Content-MD5 counts.
    defaultChecksum: false,
    // Not documented; assumed.
    statesEncryption: false,
    // "PutObject", "Request headers", x-oss-meta-*: 8 KB.
    maxMetadataBytes: 8192,
    // "Object overview", "Naming conventions": no slash or backslash at the start.
    refusedKeys: [{ keys: /^[/\\]/, answer: { status: 400, code: 'InvalidObjectName' } }],
  },
  requests: {
    // "S3 API on OSS: supported operations and limitations", "Compatible S3 API operations": neither tags nor
    // ListMultipartUploads. The status is assumed.
    lacks: {
      GetObjectTagging: lack,
      PutObjectTagging: lack,
      DeleteObjectTagging: lack,
      ListMultipartUploads: lack,
    },
    ignoredHeaders: [
      checksumHeaders,
      // "S3 API on OSS": no tags. That their header is ignored is assumed.
      { names: tagHeaders },
      // "CopyObject" and "UploadPartCopy" have x-oss-copy-source-if-match; S3's header is not documented.
      copyPins,
      // "PutObject" has x-oss-forbid-overwrite; S3's headers are not documented.
      writeConditions,
    ],
    // Not documented; assumed.
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
    // "Accessing OSS with the AWS SDK"; apache/polaris issue 3346, supabase/storage issue 809.
    refusedHeaders: [
      {
        names: ['x-amz-content-sha256'],
        value: /^STREAMING-/,
        answer: {
          status: 400,
          code: 'InvalidArgument',
          message: 'aws-chunked encoding is not supported with the specified x-amz-content-sha256 value.',
        },
      },
    ],
  },
  answers: { omits: [{ names: ['x-amz-id-2'] }] },
});
