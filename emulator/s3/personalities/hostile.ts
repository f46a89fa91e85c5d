import { aws } from './aws.ts';
import { differsFrom } from './personality.ts';
import { checksumHeaders, copyPins, writeConditions } from './rules.ts';

/** No store: at one place everything that some store does, and that a client has to survive. */
export const hostile = differsFrom(aws, {
  title: 'a store with every difference',
  etags: { letters: 'upper', header: 'weak', document: 'bare', written: 'bare', whole: 'opaque', parts: 'own' },
  listings: {
    defaultKeys: 1,
    maxKeys: 3,
    nextToken: false,
    order: 'utf16',
    encoding: 'ignored',
    uploadEncoding: 'silent',
    after: 'inclusive',
    etags: false,
  },
  uploads: {
    unnamedParts: { status: 400, code: 'InvalidPart' },
    numberGaps: { status: 400, code: 'InvalidPart' },
    modified: 'completed',
    repeatable: false,
    completeEtag: 'never',
    completeSpaces: true,
  },
  tags: { none: { status: 404, code: 'NoSuchTagSet' }, count: false },
  objects: {
    defaultChecksum: false,
    statesEncryption: false,
    // Undone gzip is not here: with weak ETags it cannot be distinguished from a proxy that compresses.
    deleteMissing: { status: 404, code: 'NoSuchKey' },
  },
  requests: {
    ignoredHeaders: [checksumHeaders, copyPins, writeConditions],
    ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject', 'GetObject'] }],
    refusedHeaders: [
      {
        names: ['x-amz-content-sha256'],
        value: /^STREAMING-/,
        answer: { status: 400, code: 'InvalidArgument' },
      },
    ],
  },
  answers: {
    omits: [{ names: ['x-amz-id-2', 'x-amz-request-id', 'accept-ranges'] }],
    errors: [{ code: 'NoSuchUpload', on: ['CompleteMultipartUpload'], answer: { status: 400, code: 'InvalidPart' } }],
  },
});
