import { describe, expect, it } from '@jest/globals';
import { etagIsMd5, etagPartCount } from '../../../shared/model/object.ts';

describe('ETags', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
  it.each([
    [md5, undefined, true],
    [`${md5}-12`, 12, false],
    [`${md5}-10000`, 10000, false],
    [`${md5}-0`, undefined, false],
    [`${md5}-1x`, undefined, false],
    ['', undefined, false],
    [`x${md5}`, undefined, false],
  ])('%j: part count and MD5', (etag, parts, isMd5) => {
    expect(etagPartCount(etag)).toBe(parts);
    expect(etagIsMd5({ etag, opaqueEtag: false })).toBe(isMd5);
    expect(etagIsMd5({ etag, opaqueEtag: true })).toBe(false);
  });
});
