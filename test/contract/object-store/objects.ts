import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { forEachConcurrently } from '../../../shared/flow/concurrently.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ObjectAttributes } from '../../../shared/model/object.ts';
import { md5, text, type Kit } from './kit.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/** Keys that are easily confused, changed or refused. */
const oddKeys = [
  'a b',
  'a+b',
  'a%2Fb',
  'a%b',
  'quote\'"',
  'new\nline',
  'tab\t',
  'a//b',
  '/a',
  'a/../b',
  './a',
  '..',
  'a/',
  'ü',
  'u\u0308',
  '😀',
  '\u{fffd}',
  '\u{fffe}',
  '\u{e000}',
  '<&>;=?#@:,!*()[]{}|\\^`~$',
  'a\r',
  '\u007f',
  'x'.repeat(1024 - 4),
  'é'.repeat(510),
];

/** Objects, read and written whole. */
export function describeObjects(kit: Kit): void {
  describe('buckets and keys that are not there', () => {
    it('a missing bucket is BucketNotFound for every call', async () => {
      await expect(kit.one.checkBucket()).resolves.toBeUndefined();
      const missing = kit.subject.bucket('missing');
      const calls: [string, () => Promise<unknown>][] = [
        ['checkBucket', () => missing.checkBucket()],
        ['head', () => missing.head(objectKey('k'))],
        ['get', () => missing.get(objectKey('k'))],
        ['get pinned', () => missing.get(objectKey('k'), { ifMatch: 'e' })],
        ['list', () => missing.list({ prefix: '' })[Symbol.asyncIterator]().next()],
        ['put', () => missing.put(objectKey('k'), text('x'), noAttributes)],
        ['createUpload', () => missing.createUpload(objectKey('k'), noAttributes)],
      ];
      for (const [call, work] of calls) {
        const end = await work().then(
          () => 'no fault',
          (error: unknown) => (error as Error).name,
        );
        expect([call, end]).toEqual([call, 'BucketNotFound']);
      }
    });

    it('a missing key is undefined, or SourceGone if the read is pinned, and is deleted without a fault', async () => {
      expect(await kit.one.head(objectKey('nothing/here'))).toBeUndefined();
      expect(await kit.one.get(objectKey('nothing/here'))).toBeUndefined();
      await expect(kit.one.get(objectKey('nothing/here'), { ifMatch: md5(Buffer.alloc(0)) })).rejects.toMatchObject({
        name: 'SourceGone',
        message: expect.stringContaining('nothing/here'),
      });
      await expect(kit.one.delete(objectKey('nothing/here'))).resolves.toBeUndefined();
    });
  });

  describe('objects', () => {
    const attributes: ObjectAttributes = {
      headers: {
        contentType: 'text/x-test; charset=utf-8',
        contentEncoding: 'gzip',
        contentLanguage: 'de',
        contentDisposition: 'attachment; filename="a b.txt"',
        cacheControl: 'max-age=60',
        expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      },
      metadata: { colour: 'blue', 'with-dash': 'a b' },
      tags: { kind: 'a b', 'p+q': '1/2=3' },
    };

    it('are read with all of their attributes', async () => {
      const bytes = bytesOf(70_000);
      const stored = await kit.one.put(
        objectKey('whole'),
        { data: bytes, size: bytes.length, md5: md5(bytes, 'base64') },
        kit.accepted(attributes),
      );
      expect(stored.etag).toMatch(kit.can.upperCaseEtags ? /^[0-9A-F]{32}$/ : /^[0-9a-f]{32}$/);
      expect(stored.opaqueEtag).toBe(!kit.can.md5Etags && kit.can.saysOpaque);
      if (kit.can.md5Etags) expect(stored.etag.toLowerCase()).toBe(md5(bytes));
      const head = await kit.one.head(objectKey('whole'));
      const expected = {
        key: 'whole',
        size: 70_000,
        etag: stored.etag,
        headers: attributes.headers,
        metadata: attributes.metadata,
        readable: true,
        opaqueEtag: !kit.can.md5Etags && kit.can.saysOpaque,
      };
      expect(head).toMatchObject(expected);
      const tags = kit.keptTags(attributes.tags);
      const count = Object.keys(tags).length;
      // A number that is not stated is unknown, and never 0 if there are tags.
      const counts = count === 0 ? [0, undefined] : [kit.can.tagCounts ? count : undefined];
      expect(counts).toContain(head?.tagCount);
      expect(Math.abs(Date.now() - (head?.modified ?? 0))).toBeLessThan(2 ** 40);
      const opened = await kit.one.get(objectKey('whole'));
      expect(opened?.info).toMatchObject(expected);
      expect(counts).toContain(opened?.info.tagCount);
      expect((await buffer(opened!.body)).equals(bytes)).toBe(true);
      await kit.expectTags(kit.one, 'whole', tags);
    });

    if (kit.can.tags === 'refused') {
      it('with tags are refused with NotSupported', async () => {
        await expect(kit.one.put(objectKey('tagged'), text('abc'), attributes)).rejects.toMatchObject({
          name: 'NotSupported',
        });
        await expect(kit.one.createUpload(objectKey('tagged'), attributes)).rejects.toMatchObject({
          name: 'NotSupported',
        });
      });
    }

    it('may be empty: no byte, no header, no tag', async () => {
      await kit.one.put(objectKey('empty'), { data: Buffer.alloc(0), size: 0 }, noAttributes);
      expect(await kit.read('empty')).toHaveLength(0);
      expect(await kit.one.head(objectKey('empty'))).toMatchObject({ size: 0, metadata: {} });
      expect((await kit.one.get(objectKey('empty')))?.info.tagCount ?? 0).toBe(0);
      await kit.expectTags(kit.one, 'empty', {});
    });

    it('are replaced whole, including their attributes', async () => {
      await kit.one.put(objectKey('twice'), text('first'), kit.accepted(attributes));
      await kit.one.put(objectKey('twice'), text('second!'), noAttributes);
      expect((await kit.read('twice'))?.toString()).toBe('second!');
      expect((await kit.one.head(objectKey('twice')))?.metadata).toEqual({});
      await kit.expectTags(kit.one, 'twice', {});
      await kit.one.delete(objectKey('twice'));
      expect(await kit.one.head(objectKey('twice'))).toBeUndefined();
    });

    it('are read in ranges, and each range states the size of the whole', async () => {
      const bytes = bytesOf(10_000);
      const { etag } = await kit.one.put(objectKey('ranges'), { data: bytes, size: bytes.length }, noAttributes);
      for (const [start, end] of [
        [0, 1],
        [0, 10_000],
        [9_999, 10_000],
        [1000, 2345],
      ] as const) {
        const opened = await kit.one.get(objectKey('ranges'), { ifMatch: etag, range: { start, end } });
        expect(opened?.info.size).toBe(10_000);
        expect((await buffer(opened!.body)).equals(bytes.subarray(start, end))).toBe(true);
      }
    });

    it('that changed are not read if an earlier version is pinned', async () => {
      const { etag } = await kit.one.put(objectKey('pinned'), text('before'), noAttributes);
      expect((await kit.read('pinned', { ifMatch: etag }))?.toString()).toBe('before');
      await kit.one.put(objectKey('pinned'), text('after'), noAttributes);
      await expect(kit.one.get(objectKey('pinned'), { ifMatch: etag })).rejects.toMatchObject({
        name: 'SourceChanged',
      });
      const range = { start: 0, end: 2 };
      await expect(kit.one.get(objectKey('pinned'), { ifMatch: etag, range })).rejects.toMatchObject({
        name: 'SourceChanged',
      });
      // Shorter than the range, for stores that look at the range first.
      const beyond = { start: 1000, end: 2000 };
      await expect(kit.one.get(objectKey('pinned'), { ifMatch: etag, range: beyond })).rejects.toMatchObject({
        name: 'SourceChanged',
      });
    });

    it('may have any key, and keys that look alike are different objects', async () => {
      const key = (odd: string): string => `odd/${odd}`.slice(0, 1024);
      const taken = oddKeys.filter((odd) => kit.takes(key(odd)));
      await forEachConcurrently(oddKeys, 8, async (odd) => {
        const put = kit.one.put(objectKey(key(odd)), text(`content of ${odd}`), noAttributes);
        if (kit.takes(key(odd))) await put;
        else await expect(put).rejects.toMatchObject({ name: 'Refused' });
      });
      await forEachConcurrently(taken, 8, async (odd) => {
        expect((await kit.one.head(objectKey(key(odd))))?.size).toBe(Buffer.byteLength(`content of ${odd}`));
        expect((await kit.read(key(odd)))?.toString()).toBe(`content of ${odd}`);
      });
      const pages: string[][] = [];
      for await (const page of kit.one.list({ prefix: 'odd/', pageSize: 5 }))
        pages.push(page.map((object) => object.key));
      expect(pages.flat()).toEqual(kit.sorted(taken.map(key)));
      await forEachConcurrently(oddKeys, 8, (odd) => kit.one.delete(objectKey(key(odd))));
      const left = await kit.one.list({ prefix: 'odd/' })[Symbol.asyncIterator]().next();
      expect(left.value ?? []).toEqual([]);
    });
  });
}
