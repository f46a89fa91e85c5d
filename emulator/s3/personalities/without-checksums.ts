import type { Rule } from './personality.ts';

/** Headers of checksums other than Content-MD5, and of the size that Complete states. */
export const checksumHeaders: Rule = {
  names: ['x-amz-checksum-*', 'x-amz-sdk-checksum-algorithm', 'x-amz-trailer', 'x-amz-mp-object-size'],
};
