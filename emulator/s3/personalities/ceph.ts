import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins } from './rules.ts';

/**
 * Ceph's object gateway in version 16, as Debian 12 has it. Its source is that gateway: test/real-store holds both to
 * the same requests.
 */
export const ceph = differsFrom(aws, {
  title: 'Ceph Object Gateway 16',
  listings: { uploadEncoding: 'silent' },
  uploads: {
    unnamedParts: { status: 400, code: 'InvalidPart' },
    modified: 'completed',
    repeatable: false,
    completeEtag: false,
  },
  objects: { defaultChecksum: false, statesEncryption: false },
  requests: {
    ignoredHeaders: [
      checksumHeaders,
      { names: ['x-amz-tagging', 'x-amz-tagging-directive'], on: ['CopyObject', 'CreateMultipartUpload'] },
      copyPins,
    ],
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
  },
  answers: {
    errors: [{ code: 'NoSuchUpload', on: ['CompleteMultipartUpload'], answer: { status: 400, code: 'InvalidPart' } }],
  },
});
