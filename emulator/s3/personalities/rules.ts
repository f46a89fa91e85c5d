import type { Rule } from './personality.ts';

/** Headers of checksums other than Content-MD5, and of the size that Complete states. */
export const checksumHeaders: Rule = {
  names: ['x-amz-checksum-*', 'x-amz-sdk-checksum-algorithm', 'x-amz-trailer', 'x-amz-mp-object-size'],
};

/** What copies are pinned to. */
export const copyPins: Rule = {
  names: ['x-amz-copy-source-if-match'],
  on: ['CopyObject', 'UploadPartCopy'],
};

/** The conditions of writes. */
export const writeConditions: Rule = {
  names: ['if-match', 'if-none-match'],
  on: ['PutObject', 'CopyObject', 'CompleteMultipartUpload', 'DeleteObject'],
};
