import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { part, text, type Kit } from './kit.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

/** Server-side copies, whole and in parts. */
export function describeCopies(kit: Kit): void {
  describe('copies inside the store', () => {
    if (!kit.can.copies) {
      it('fail with NotSupported', async () => {
        const { etag } = await kit.one.put(objectKey('from'), text('abc'), noAttributes);
        const source = { bucket: kit.one.bucket, key: objectKey('from'), etag };
        await expect(kit.one.copy(source, objectKey('x'), noAttributes)).rejects.toMatchObject({
          name: 'NotSupported',
        });
      });
      return;
    }

    it('have the bytes of the pinned version and the given attributes', async () => {
      const key = objectKey('from/ü +%2F?versionId=1&x');
      const bytes = bytesOf(3000);
      const { etag } = await kit.one.put(
        key,
        { data: bytes, size: 3000 },
        kit.accepted({ ...noAttributes, metadata: { old: '1' }, tags: { old: '1' } }),
      );
      const two = kit.subject.bucket('two');
      const attributes = kit.accepted({ headers: { contentType: 'a/b' }, metadata: { new: '1' }, tags: { new: '1' } });
      const stored = await two.copy({ bucket: kit.one.bucket, key: objectKey(key), etag }, objectKey('to'), attributes);
      if (kit.can.md5Etags) expect(stored.etag).toBe(etag);
      expect(await two.head(objectKey('to'))).toMatchObject({
        headers: attributes.headers,
        metadata: attributes.metadata,
      });
      await kit.expectTags(two, 'to', kit.keptTags(attributes.tags, 'other'));
      expect((await buffer((await two.get(objectKey('to')))!.body)).equals(bytes)).toBe(true);
      await kit.one.put(key, text('changed'), noAttributes);
      const late = two.copy({ bucket: kit.one.bucket, key: objectKey(key), etag }, objectKey('to'), attributes);
      await expect(late).rejects.toMatchObject({ name: 'SourceChanged' });
      await kit.one.delete(key);
      const tooLate = two.copy({ bucket: kit.one.bucket, key: objectKey(key), etag }, objectKey('to'), attributes);
      await expect(tooLate).rejects.toMatchObject({ name: 'SourceGone' });
      expect((await two.head(objectKey('to')))?.size).toBe(3000);
    });
  });

  describe('whole copies inside the store', () => {
    if (!kit.can.copies) return;
    it('have the headers, metadata and tags of the pinned version, whatever is given', async () => {
      const attributes = kit.accepted({
        headers: { contentType: 'a/b', cacheControl: 'no-store', expires: 'Thu, 01 Dec 2033 16:00:00 GMT' },
        metadata: { old: '1' },
        tags: { old: '1' },
      });
      const { etag } = await kit.one.put(objectKey('whole from'), text('abc'), attributes);
      const two = kit.subject.bucket('two');
      const source = { bucket: kit.one.bucket, key: objectKey('whole from'), etag, whole: true };
      const given = kit.accepted({ headers: { contentType: 'c/d' }, metadata: { new: '1' }, tags: { new: '1' } });
      await two.copy(source, objectKey('whole to'), given);
      expect(await two.head(objectKey('whole to'))).toMatchObject({
        headers: attributes.headers,
        metadata: attributes.metadata,
      });
      await kit.expectTags(two, 'whole to', kit.keptTags(attributes.tags, 'other'));
    });
  });

  describe('parts that are copied inside the store', () => {
    it(kit.can.partCopies ? 'have the bytes of the pinned version' : 'fail with NotSupported', async () => {
      const bytes = bytesOf(part + 5000);
      const { etag } = await kit.one.put(objectKey('p from'), { data: bytes, size: bytes.length }, noAttributes);
      const two = kit.subject.bucket('two');
      const { uploadId } = await two.createUpload(objectKey('p-to'), noAttributes);
      const source = { bucket: kit.one.bucket, key: objectKey('p from'), etag };
      if (!kit.can.partCopies) {
        const refused = two.copyPart({ key: objectKey('p-to'), uploadId, number: 1 }, source, 0, part);
        await expect(refused).rejects.toMatchObject({ name: 'NotSupported' });
        await two.abortUpload(objectKey('p-to'), uploadId);
        return;
      }
      const copied = [
        await two.copyPart({ key: objectKey('p-to'), uploadId, number: 1 }, source, 0, part),
        await two.copyPart({ key: objectKey('p-to'), uploadId, number: 2 }, source, part, part + 5000),
      ];
      expect(copied.map(({ number, size }) => [number, size])).toEqual([
        [1, part],
        [2, 5000],
      ]);
      await two.completeUpload(objectKey('p-to'), uploadId, copied, { size: bytes.length });
      expect((await buffer((await two.get(objectKey('p-to')))!.body)).equals(bytes)).toBe(true);
      await kit.one.put(objectKey('p from'), text('changed'), noAttributes);
      const again = await two.createUpload(objectKey('p-to'), noAttributes);
      const late = two.copyPart({ key: objectKey('p-to'), uploadId: again.uploadId, number: 1 }, source, 0, 5);
      await expect(late).rejects.toMatchObject({ name: 'SourceChanged' });
      await two.abortUpload(objectKey('p-to'), again.uploadId);
    });
  });
}
