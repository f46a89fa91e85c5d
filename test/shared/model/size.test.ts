import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatSize, parseSize } from '../../../shared/model/size.ts';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['8388608', 8388608],
    ['32 MiB', 32 * 1024 ** 2],
    [' 1.5GiB ', 1.5 * 1024 ** 3],
    ['64m', 64 * 1024 ** 2],
    ['5GB', 5e9],
    ['1t', 1024 ** 4],
    ['7 b', 7],
  ])('parseSize reads %j as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'MiB', '-1', '1.5', '0.3 k', '1e3', '5 PiB', '1 2', '99999999 TiB', 'NaN', '1.MiB'])(
    'parseSize returns undefined for %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [126 * 1024 ** 2, '126 MiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('formatSize writes %d bytes as %j', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('round-trip within the figures shown', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const read =
          Number.parseFloat(formatSize(bytes)) * (parseSize(`1${formatSize(bytes).replace(/[\d.]/g, '')}`) ?? NaN);
        expect(Math.abs(read - bytes)).toBeLessThanOrEqual(bytes * 0.051);
      }),
    );
  });
});
