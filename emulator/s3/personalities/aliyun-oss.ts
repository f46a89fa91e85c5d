import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders } from './without-checksums.ts';

const missing = { status: 501, code: 'NotImplemented' } as const;

/** Alibaba Cloud OSS over its S3 API. Sources are pages of the "Object Storage Service" documentation. */
export const aliyunOss = differsFrom(aws, {
  title: 'Alibaba Cloud OSS',
  etags: {
    // "S3 API on OSS: supported operations and limitations", "ETag"; GitLab charts issue 1564.
    letters: 'upper',
    // "CompleteMultipartUpload": the ETag is a unique value that is generated based on specific rules, not an MD5.
    parts: 'own-counted',
  },
  listings: {
    // "ListObjectsV2 (GetBucketV2)", max-keys: 100 unless specified, at most 1,000.
    defaultKeys: 100,
  },
  uploads: {
    // "CompleteMultipartUpload", "Usage notes": at least 100 KB.
    minPartBytes: 100 * 1024,
    // Assumed: OSS documents Last-Modified as the time of the last modification.
    modified: 'completed',
    // "CompleteMultipartUpload", "UploadId": the ID is invalid afterwards.
    repeatable: false,
  },
  objects: {
    // milvus-storage pull request 500: x-amz-checksum-* is ignored, only Content-MD5 is honored.
    defaultChecksum: false,
    // Assumed: OSS answers x-oss-server-side-encryption.
    statesEncryption: false,
    // "PutObject", "Request headers", x-oss-meta-*: 8 KB.
    maxMetadataBytes: 8192,
  },
  requests: {
    // "S3 API on OSS: supported operations and limitations", "Compatible S3 API operations": no tagging, and no
    // ListMultipartUploads. The status is assumed.
    lacks: {
      GetObjectTagging: missing,
      PutObjectTagging: missing,
      DeleteObjectTagging: missing,
      ListMultipartUploads: missing,
    },
    ignoredHeaders: [checksumHeaders, { names: ['x-amz-tagging', 'x-amz-tagging-directive'] }],
    // apache/polaris issue 3346, supabase/storage issue 809.
    refusedHeaders: [
      {
        names: ['x-amz-content-sha256'],
        value: /^STREAMING-.*-TRAILER$/,
        answer: {
          status: 400,
          code: 'InvalidArgument',
          message: 'aws-chunked encoding is not supported with the specified x-amz-content-sha256 value.',
        },
      },
    ],
  },
});
