import { describe, expect, it } from '@jest/globals';
import { forEachConcurrently } from '../../../shared/flow/concurrently.ts';
import { many, pagesOf, type Kit } from './kit.ts';
import { noAttributes } from '../../support/objects.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

/** Listings of open uploads. */
export function describeUploadListings(kit: Kit): void {
  describe('open uploads', () => {
    if (kit.can.uploadListing === 'none') {
      it('are not listed: NotSupported', async () => {
        await expect(pagesOf(kit.one.listUploads(''))).rejects.toMatchObject({ name: 'NotSupported' });
      });
      return;
    }

    it('are listed by key while they are open, for any key', async () => {
      const before = Date.now();
      const keys = ['listed/a b+c/%41', 'listed/é😀', 'listed/z', 'listed/z', 'other'];
      const made: { key: string; uploadId: string }[] = [];
      for (const key of keys)
        made.push({ key, uploadId: (await kit.one.createUpload(objectKey(key), noAttributes)).uploadId });
      const listed = async (prefix: string) => (await pagesOf(kit.one.listUploads(prefix))).flat();
      const found = await listed('listed/');
      const order = (some: { key: string; uploadId: string }[]) =>
        some.map(({ key, uploadId }) => `${key} ${uploadId}`).sort();
      const byPrefix = kit.can.uploadListing === 'by-prefix';
      expect(order(found)).toEqual(order(byPrefix ? made.slice(0, 4) : []));
      expect(order(await listed('listed/z'))).toEqual(order(made.slice(2, 4)));
      // Whole seconds, and the clock of another machine.
      for (const { initiated } of await listed('')) expect(Math.abs(initiated - before)).toBeLessThan(15 * 60_000);
      expect(order(await listed('')).filter((one) => order(made).includes(one))).toEqual(order(made));
      expect(await listed('listed/none')).toEqual([]);
      for (const { key, uploadId } of made) await kit.one.abortUpload(objectKey(key), uploadId);
      expect(await listed('listed/')).toEqual([]);
      await expect(pagesOf(kit.subject.bucket('missing').listUploads(''))).rejects.toMatchObject({
        name: 'BucketNotFound',
      });
    });

    if (!kit.longLists) return;
    it('may be more than one page lists', async () => {
      const names = Array.from({ length: many }, (_, index) => `crowd/${index % 7}/${index}`);
      const made: { key: string; uploadId: string }[] = [];
      await forEachConcurrently(names, 20, async (key) => {
        made.push({ key, uploadId: (await kit.one.createUpload(objectKey(key), noAttributes)).uploadId });
      });
      const pages = await pagesOf(kit.one.listUploads(kit.can.uploadListing === 'by-prefix' ? 'crowd/' : ''));
      expect(pages.length).toBeGreaterThan(1);
      const ids = pages.flat().map(({ uploadId }) => uploadId);
      expect(ids.sort()).toEqual(made.map(({ uploadId }) => uploadId).sort());
      await forEachConcurrently(made, 20, ({ key, uploadId }) => kit.one.abortUpload(objectKey(key), uploadId));
    });
  });
}
