import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins } from './rules.ts';

/**
 * Ceph's object gateway in version 16, as Debian 12 has it. Its source is that gateway: `npm run test:s3` sends the
 * same requests to both and compares the answers. UploadPartCopy may end the gateway; here it copies.
 */
export const ceph = differsFrom(aws, {
  title: 'Ceph Object Gateway 16',
  etags: { written: 'bare' },
  listings: { uploadEncoding: 'silent', encodedSpace: '%20', lastUploadMarkers: true },
  uploads: {
    unnamedParts: { status: 400, code: 'InvalidPart' },
    modified: 'completed',
    completeEtag: 'repeated',
    completeOrder: 'any',
  },
  tags: { ofCopiesAndUploads: 'blanked' },
  objects: { defaultChecksum: false, statesEncryption: false },
  requests: {
    ignoredHeaders: [
      checksumHeaders,
      copyPins,
      { names: ['x-amz-expected-bucket-owner'] },
      { names: ['if-match', 'if-none-match'], on: ['CopyObject', 'CompleteMultipartUpload', 'DeleteObject'] },
    ],
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
  },
  answers: {
    omits: [
      { names: ['x-amz-id-2', 'x-amz-bucket-region'] },
      { names: ['etag', 'last-modified'], status: 304 },
      { names: ['content-range'], status: 416 },
    ],
    adds: [
      { headers: { 'accept-ranges': 'bytes' }, to: 'errors' },
      { headers: { 'accept-ranges': 'bytes' }, on: ['PutObject', 'UploadPart'], to: 'successes' },
      { headers: { 'x-rgw-object-type': 'Normal' }, on: ['GetObject', 'HeadObject'], to: 'successes' },
    ],
    errors: [
      { code: 'NoSuchUpload', on: ['CompleteMultipartUpload'], answer: { status: 500, code: 'InternalError' } },
      { code: 'NoSuchUpload', on: ['ListParts'], answer: { status: 404, code: 'NoSuchKey' } },
    ],
  },
});
