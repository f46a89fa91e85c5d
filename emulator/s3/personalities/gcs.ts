import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, writeConditions } from './rules.ts';

const noTags = { status: 400, code: 'InvalidArgument', message: 'Invalid argument.' } as const;

/** Google Cloud Storage: its XML API with HMAC keys. Sources are pages of the "Cloud Storage" documentation. */
export const gcs = differsFrom(aws, {
  title: 'Google Cloud Storage',
  etags: {
    // "Complete a multipart upload": the ETag is not based on an MD5. The form is assumed.
    parts: 'own',
  },
  uploads: {
    // Not documented; assumed.
    modified: 'completed',
    repeatable: false,
  },
  objects: {
    // "HTTP headers and query string parameters for XML API": x-goog-hash, none of S3's checksum headers.
    defaultChecksum: false,
    statesEncryption: false,
    // "Quotas and limits", "Objects": 8 KiB of custom metadata.
    maxMetadataBytes: 8192,
    // "Transcoding of gzip-compressed files".
    gzip: 'undone',
    // "DELETE Object": 404 for an object that does not exist.
    deleteMissing: { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' },
    // "About Cloud Storage objects", "Object name requirements": no line ends; neither `.` nor `..`.
    refusedKeys: [{ keys: /[\r\n]|^\.\.?$/, answer: { status: 400, code: 'InvalidObjectName' } }],
  },
  requests: {
    lacks: {
      // taskcluster issue 4748: no tags. The answer is assumed.
      GetObjectTagging: noTags,
      PutObjectTagging: noTags,
      DeleteObjectTagging: noTags,
      // Google issue tracker 323465186. The answer is assumed.
      UploadPartCopy: { status: 501, code: 'NotImplemented' },
    },
    ignoredHeaders: [
      // "Simple migration from Amazon S3": x-amz-* headers count only if they have an x-goog-* equivalent.
      checksumHeaders,
      { names: ['x-amz-tagging', 'x-amz-tagging-directive', 'x-amz-website-redirect-location'] },
      // aws-sdk-java-v2 pull request 6055; "Request preconditions": writes compare generations.
      writeConditions,
    ],
    // "HTTP headers and query string parameters for XML API": partNumber is for uploads alone.
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
    // milvus-storage pull request 500: trailers are not understood. The answer is assumed.
    refusedHeaders: [
      {
        names: ['x-amz-content-sha256'],
        value: /^STREAMING-.*TRAILER$/,
        answer: { status: 400, code: 'InvalidArgument' },
      },
    ],
  },
  answers: { omits: [{ names: ['x-amz-id-2', 'x-amz-request-id'] }] },
});
