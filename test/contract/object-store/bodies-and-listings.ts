import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../shared/model/object-key.ts';
import { checksumAlgorithms } from '../../../shared/model/object.ts';
import { checksumOf, md5, text, type Kit } from './kit.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** Bodies and their checks; listings. */
export function describeBodiesAndListings(kit: Kit): void {
  describe('bodies', () => {
    it.each(['bytes', 'a stream'])('with a wrong MD5 are refused, and nothing is stored: %s', async (form) => {
      const bytes = bytesOf(100_000);
      const body = (): Buffer | Readable =>
        form === 'bytes' ? bytes : Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]);
      const wrong = { data: body(), size: bytes.length, md5: md5(Buffer.from('other'), 'base64') };
      await expect(kit.one.put(objectKey('md5'), wrong, noAttributes)).rejects.toMatchObject({
        name: 'VerificationFailed',
      });
      expect(await kit.one.head(objectKey('md5'))).toBeUndefined();
      await kit.one.put(objectKey('md5'), { ...wrong, data: body(), md5: md5(bytes, 'base64') }, noAttributes);
      expect((await kit.read('md5'))?.equals(bytes)).toBe(true);
      await kit.one.delete(objectKey('md5'));
    });

    it.each(checksumAlgorithms)(
      `with a wrong %s are ${kit.hasChecksums ? 'refused' : 'accepted, because checksums are ignored'}`,
      async (algorithm) => {
        const bytes = bytesOf(1000);
        const value = await checksumOf(algorithm, Buffer.from('other'));
        const put = kit.one.put(
          objectKey('crc'),
          { data: bytes, size: bytes.length, checksum: { algorithm, value } },
          noAttributes,
        );
        if (kit.hasChecksums) await expect(put).rejects.toMatchObject({ name: 'VerificationFailed' });
        else await expect(put).resolves.toHaveProperty('etag');
        expect((await kit.one.head(objectKey('crc'))) === undefined).toBe(kit.hasChecksums);
        await kit.one.delete(objectKey('crc'));
      },
    );

    it('store a checksum, which HEAD and GET of the whole return on request', async () => {
      const bytes = bytesOf(1000);
      const checksum = { algorithm: 'CRC32C' as const, value: await checksumOf('CRC32C', bytes) };
      const digests = { md5: md5(bytes, 'base64'), checksum };
      await kit.one.put(objectKey('stored'), { data: bytes, size: bytes.length, ...digests }, noAttributes);
      for (const asked of [true, false]) {
        const opened = await kit.one.get(objectKey('stored'), { checksum: asked });
        expect(opened?.info.checksum).toEqual(asked && kit.hasChecksums ? checksum : undefined);
        expect((await buffer(opened!.body)).equals(bytes)).toBe(true);
      }
      expect(await kit.one.head(objectKey('stored'))).not.toHaveProperty('checksum');
      expect((await kit.one.head(objectKey('stored'), { checksum: true }))?.checksum).toEqual(
        kit.hasChecksums ? checksum : undefined,
      );
    });
  });

  describe('listings', () => {
    const keys = ['l/', 'l/a', 'l/a/b', 'l/b', 'l/b ', 'l/\u{e000}', 'l/\u{ffff}', 'l/\u{10000}', 'l/😀'];
    const list = async (options: { prefix: string; after?: string; pageSize?: number }): Promise<string[][]> => {
      const pages: string[][] = [];
      for await (const page of kit.one.list(options)) pages.push(page.map(({ key }) => key));
      return pages;
    };

    it('return keys in one order, in pages, starting after any key', async () => {
      for (const key of [...keys, 'k', 'm']) await kit.one.put(objectKey(key), text(key), noAttributes);
      const sorted = kit.sorted(keys);
      for (const pageSize of [2, 4, 1000]) {
        const pages = await list({ prefix: 'l/', pageSize });
        expect(pages.flat()).toEqual(sorted);
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(pageSize);
        for (const [index, after] of sorted.entries()) {
          expect((await list({ prefix: 'l/', after, pageSize })).flat()).toEqual(sorted.slice(index + 1));
        }
      }
      const first = await kit.one.firstPage({ prefix: 'l/', pageSize: 2 });
      expect([first.objects.map(({ key }) => key), first.more]).toEqual([sorted.slice(0, 2), true]);
      const { objects, more } = await kit.one.firstPage({ prefix: 'l/', after: sorted.at(-2) ?? '', pageSize: 2 });
      expect([objects.map(({ key }) => key), more]).toEqual([sorted.slice(-1), false]);
      const behind = keys.filter((key) => kit.sorted([key, 'l/a/'])[0] === 'l/a/');
      expect((await list({ prefix: 'l/', after: 'l/a/' })).flat()).toEqual(kit.sorted(behind));
      expect((await list({ prefix: 'l/', after: 'z' })).flat()).toEqual([]);
      expect((await list({ prefix: 'nothing' })).flat()).toEqual([]);
    });

    it('return the same as HEAD', async () => {
      await kit.one.put(objectKey('seen'), text('abc'), noAttributes);
      const head = await kit.one.head(objectKey('seen'));
      for await (const page of kit.one.list({ prefix: 'seen' })) {
        const etag = kit.can.listedEtags ? head?.etag : '';
        expect(page).toEqual([{ key: 'seen', size: 3, etag, modified: expect.any(Number) }]);
        expect(Math.abs((page[0]?.modified ?? 0) - (head?.modified ?? 0))).toBeLessThan(1000);
      }
    });
  });
}
