import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { forEachConcurrently } from '../../../shared/flow/concurrently.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { StoredPart } from '../../../shared/model/part-plan.ts';
import { many, md5, part, text, type Kit } from './kit.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** Uploads in parts. */
export function describeUploads(kit: Kit): void {
  describe('uploads in parts', () => {
    it('show nothing before Complete, and then all of it', async () => {
      const attributes = kit.accepted({ headers: { contentType: 'a/b' }, metadata: { m: '1' }, tags: { t: 'a b' } });
      const { uploadId, opaqueEtag } = await kit.one.createUpload(objectKey('parts'), attributes);
      expect(opaqueEtag).toBe(!kit.can.md5Etags && kit.can.saysOpaque);
      const all = [bytesOf(part, 1), bytesOf(part, 2), bytesOf(77, 3)];
      // Out of order, and one of them twice.
      for (const number of [3, 1, 2, 2]) {
        const data = all[number - 1]!;
        const stored = await kit.one.uploadPart(
          { key: objectKey('parts'), uploadId, number },
          { data, size: data.length, md5: md5(data, 'base64') },
        );
        expect(stored).toMatchObject({ number, size: data.length });
        if (kit.can.md5Etags) expect(stored.etag.toLowerCase()).toBe(md5(data));
      }
      expect(await kit.one.head(objectKey('parts'))).toBeUndefined();
      const listed = await kit.one.listParts(objectKey('parts'), uploadId);
      expect(listed.map(({ number, size }) => [number, size])).toEqual([
        [1, part],
        [2, part],
        [3, 77],
      ]);
      // Whole seconds of some clock near this one, or of a clock that a test moves: all of one time.
      for (const { modified } of listed) {
        expect(modified).toBeGreaterThan(0);
        expect(Math.abs(modified - (listed[0]?.modified ?? 0))).toBeLessThan(600_000);
      }
      const stored = await kit.one.completeUpload(objectKey('parts'), uploadId, listed, { size: 2 * part + 77 });
      const head = await kit.one.head(objectKey('parts'));
      expect(head?.etag).toMatch(kit.can.countedEtags ? /^[0-9a-f]{32}-3$/i : /^-/);
      expect(stored.etag).toBe(kit.can.completeEtag ? head?.etag : '');
      if (kit.can.md5Etags && kit.can.multipartMd5s) {
        const hash = createHash('md5');
        for (const bytes of all) hash.update(Buffer.from(md5(bytes), 'hex'));
        expect(head?.etag.toLowerCase()).toBe(`${hash.digest('hex')}-3`);
      }
      expect(head).toMatchObject({ size: 2 * part + 77, headers: { contentType: 'a/b' }, metadata: { m: '1' } });
      await kit.expectTags(kit.one, 'parts', kit.keptTags({ t: 'a b' }, 'other'));
      expect((await kit.read('parts'))?.equals(Buffer.concat(all))).toBe(true);
      for (const [number, size] of [
        [1, part],
        [3, 77],
      ] as const) {
        const look = await kit.one.head(objectKey('parts'), { partNumber: number });
        expect(look).toMatchObject({ size: kit.can.partNumbers ? size : 2 * part + 77, etag: head?.etag });
      }
    });

    it('give objects of different bytes different ETags', async () => {
      const etags: (string | undefined)[] = [];
      for (const size of [1000, 1001]) {
        const [uploadId, parts] = await kit.upload('again', [size]);
        await kit.one.completeUpload(objectKey('again'), uploadId, parts, { size });
        etags.push((await kit.one.head(objectKey('again')))?.etag);
      }
      expect(new Set(etags).size).toBe(2);
    });

    it('are gone after Complete and after an abort, which may be repeated', async () => {
      const [completed, parts] = await kit.upload('gone', [1000]);
      await kit.one.completeUpload(objectKey('gone'), completed, parts, { size: 1000 });
      await expect(kit.one.listParts(objectKey('gone'), completed)).rejects.toMatchObject({ name: 'UploadGone' });
      const [aborted] = await kit.upload('never', [1000]);
      await kit.one.abortUpload(objectKey('never'), aborted);
      await expect(kit.one.abortUpload(objectKey('never'), aborted)).resolves.toBeUndefined();
      await expect(kit.one.listParts(objectKey('never'), aborted)).rejects.toMatchObject({ name: 'UploadGone' });
      await expect(
        kit.one.uploadPart({ key: objectKey('never'), uploadId: aborted, number: 1 }, text('x')),
      ).rejects.toMatchObject({
        name: 'UploadGone',
      });
      const late = kit.one.completeUpload(objectKey('never'), aborted, parts, { size: 1000 });
      const other = expect.stringMatching(/^(DestinationConflict|Unavailable)$/) as unknown;
      await expect(late).rejects.toMatchObject({ name: kit.can.goneAtComplete ? 'UploadGone' : other });
      expect((await kit.read('gone'))?.equals(bytesOf(1000, 1))).toBe(true);
    });

    it('leave the old object until Complete', async () => {
      await kit.one.put(objectKey('kept'), text('old'), noAttributes);
      const [uploadId, parts] = await kit.upload('kept', [2000]);
      expect((await kit.read('kept'))?.toString()).toBe('old');
      await kit.one.completeUpload(objectKey('kept'), uploadId, parts, { size: 2000 });
      expect((await kit.one.head(objectKey('kept')))?.size).toBe(2000);
    });

    it('of two callers for the same key are independent', async () => {
      const [first] = await kit.upload('both', [1000]);
      const [second, parts] = await kit.upload('both', [2000]);
      expect(first).not.toBe(second);
      expect((await kit.one.listParts(objectKey('both'), first)).map(({ size }) => size)).toEqual([1000]);
      await kit.one.completeUpload(objectKey('both'), second, parts, { size: 2000 });
      expect(await kit.one.listParts(objectKey('both'), first)).toHaveLength(1);
      await kit.one.abortUpload(objectKey('both'), first);
      expect((await kit.one.head(objectKey('both')))?.size).toBe(2000);
    });

    it('refuse parts that are too small, out of order, or unknown, and stay open', async () => {
      const [uploadId, parts] = await kit.upload('refused', [1000, part, 1000]);
      const [small, whole, last] = parts as [StoredPart, StoredPart, StoredPart];
      const lists: StoredPart[][] = [
        [small, whole, last],
        ...(kit.can.partOrder ? [[last, whole]] : []),
        [{ ...whole, etag: md5(Buffer.from('x')) }, last],
      ];
      for (const list of lists) {
        const size = list.reduce((sum, { size }) => sum + size, 0);
        await expect(kit.one.completeUpload(objectKey('refused'), uploadId, list, { size })).rejects.toThrow();
        expect(await kit.one.head(objectKey('refused'))).toBeUndefined();
      }
      const some = kit.one.completeUpload(objectKey('refused'), uploadId, [whole, last], { size: part + 1000 });
      if (kit.can.partSubsets) await some;
      else await expect(some).rejects.toThrow();
      expect((await kit.one.head(objectKey('refused')))?.size).toBe(kit.can.partSubsets ? part + 1000 : undefined);
      if (!kit.can.partSubsets) expect(await kit.one.listParts(objectKey('refused'), uploadId)).toHaveLength(3);
      await kit.one.abortUpload(objectKey('refused'), uploadId);
    });

    it('refuse a part with a wrong MD5', async () => {
      const { uploadId } = await kit.one.createUpload(objectKey('bad-part'), noAttributes);
      const address = { key: objectKey('bad-part'), uploadId, number: 1 };
      const body = { data: bytesOf(1000), size: 1000, md5: md5(Buffer.from('other'), 'base64') };
      await expect(kit.one.uploadPart(address, body)).rejects.toMatchObject({ name: 'VerificationFailed' });
      expect(await kit.one.listParts(objectKey('bad-part'), uploadId)).toEqual([]);
      await kit.one.abortUpload(objectKey('bad-part'), uploadId);
    });

    if (!kit.longLists) return;
    it('may have more parts than one page lists', async () => {
      const { uploadId } = await kit.one.createUpload(objectKey('many'), noAttributes);
      const numbers = Array.from({ length: many }, (_, index) => index + 1);
      await forEachConcurrently(numbers, 20, async (number) => {
        await kit.one.uploadPart({ key: objectKey('many'), uploadId, number }, text(String(number)));
      });
      const listed = await kit.one.listParts(objectKey('many'), uploadId);
      expect(listed.map(({ number }) => number)).toEqual(numbers);
      const last = numbers.length;
      for (const within of [
        [1, 2],
        [2, last - 1],
        [last - 3, last],
        [last + 1, last + 9],
      ] as const) {
        const some = await kit.one.listParts(objectKey('many'), uploadId, within);
        expect(some.map(({ number }) => number)).toEqual(numbers.filter((n) => n >= within[0] && n <= within[1]));
      }
      await kit.one.abortUpload(objectKey('many'), uploadId);
    });
  });
}
