import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins, writeConditions } from './rules.ts';

/** Tencent Cloud Object Storage over its S3 API. Sources are pages of the "Cloud Object Storage" documentation. */
export const tencentCos = differsFrom(aws, {
  title: 'Tencent COS',
  etags: {
    // "MD5 verification": an ETag is not necessarily an MD5; rclone, TencentCOS: use_multipart_etag is false.
    parts: 'own-counted',
  },
  listings: {
    // rclone, TencentCOS: list_version is 1. That the second version is ignored is assumed.
    secondVersion: false,
  },
  uploads: {
    // "Complete Multipart Upload", "Overview": at least 1 MB, else EntityTooSmall; numbers without gaps, else
    // InvalidPart; spaces keep the connection open.
    minPartBytes: 1024 ** 2,
    numberGaps: { status: 400, code: 'InvalidPart' },
    completeSpaces: true,
    // Not documented; assumed.
    modified: 'completed',
    repeatable: false,
  },
  tags: {
    // Not documented; assumed.
    count: false,
  },
  objects: {
    // "CRC64 verification": x-cos-hash-crc64ecma instead; milvus-storage pull request 500.
    defaultChecksum: false,
    statesEncryption: false,
  },
  requests: {
    ignoredHeaders: [
      // milvus-storage pull request 500: x-amz-checksum-* is ignored, only Content-MD5 counts.
      checksumHeaders,
      // "PUT Object - Copy" and "Upload Part - Copy" have x-cos-copy-source-If-Match; S3's header is not documented.
      copyPins,
      // "PUT Object" has x-cos-forbid-overwrite; S3's headers are not documented.
      writeConditions,
    ],
    // Not documented; assumed.
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
    // rclone, TencentCOS: use_data_integrity_protections is false. The answer is assumed.
    refusedHeaders: [
      {
        names: ['x-amz-content-sha256'],
        value: /^STREAMING-.*TRAILER$/,
        answer: { status: 400, code: 'InvalidArgument' },
      },
    ],
  },
  answers: { omits: [{ names: ['x-amz-id-2'] }] },
});
