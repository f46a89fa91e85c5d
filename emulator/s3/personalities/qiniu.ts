import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins, writeConditions } from './rules.ts';

/** Qiniu Kodo over its S3 API. Sources are pages of "AWS S3 compatibility" in the Kodo documentation. */
export const qiniu = differsFrom(aws, {
  title: 'Qiniu Kodo',
  etags: {
    // rclone, Qiniu: use_multipart_etag is false. The form is assumed.
    parts: 'own',
  },
  listings: {
    // "GET Bucket (List Objects) Version 2": without encoding-type.
    encoding: 'ignored',
    // Not documented; assumed.
    uploadEncoding: 'ignored',
  },
  uploads: {
    // Not documented; assumed.
    modified: 'completed',
    repeatable: false,
  },
  tags: {
    // "GET Object": x-amz-tagging-count is not supported.
    count: false,
  },
  // Not documented; assumed, also what is ignored.
  objects: { defaultChecksum: false, statesEncryption: false },
  requests: {
    ignoredHeaders: [checksumHeaders, copyPins, writeConditions],
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
  },
  answers: { omits: [{ names: ['x-amz-id-2'] }] },
});
