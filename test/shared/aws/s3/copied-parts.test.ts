import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { noAttributes } from '../../../support/objects.ts';
import { errorXml, HostileStore, type Asked } from '../../../support/hostile-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';

const pinned = '"d41d8cd98f00b204e9800998ecf8427e"';
const part = { key: objectKey('copy'), uploadId: 'upload', number: 1 };
const source = { bucket: 'bucket', key: objectKey('original'), etag: 'd41d8cd98f00b204e9800998ecf8427e' };
const copied = { body: '<CopyPartResult><ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag></CopyPartResult>' };
const changed = { status: 412, body: errorXml('PreconditionFailed', 'At least one of the preconditions did not hold') };

let hostile: HostileStore;
beforeEach(async () => {
  hostile = await HostileStore.open();
});
afterEach(() => hostile.close());

const pinOf = ({ headers }: Asked): unknown => headers['x-amz-copy-source-if-match'];
const rangeOf = ({ headers }: Asked): unknown => headers['x-amz-copy-source-range'];

describe('copyPart', () => {
  it('refuses before any whole part is copied if the store ignores the version that a copy is pinned to', async () => {
    hostile.answer = () => copied;
    const store = hostile.store();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await expect(store.copyPart(part, source, 0, 5000)).rejects.toMatchObject({
        name: 'NotSupported',
        message: expect.stringContaining('ignores the version'),
      });
    }
    // One byte, so that ListParts does not show a part of the planned size; and the store is asked once.
    expect(hostile.asked.map(rangeOf)).toEqual(['bytes=0-0']);
    expect(hostile.asked.map(pinOf)).not.toContain(pinned);
  });

  it('copies parts if the store compares the version, and asks about that once', async () => {
    hostile.answer = (asked) => (pinOf(asked) === pinned ? copied : changed);
    const store = hostile.store();
    const parts = [0, 5000, 10_000].map((start, index) =>
      store.copyPart({ ...part, number: index + 1 }, source, start, start + 5000),
    );
    expect((await Promise.all(parts)).map(({ size }) => size)).toEqual([5000, 5000, 5000]);
    expect(hostile.asked.map(rangeOf).sort()).toEqual(
      ['bytes=0-0', 'bytes=0-4999', 'bytes=10000-14999', 'bytes=5000-9999'].sort(),
    );
  });

  it('asks again after an answer that says nothing about it', async () => {
    hostile.answer = () => ({ status: 403, body: errorXml('AccessDenied', 'Access Denied') });
    const store = hostile.store();
    await expect(store.copyPart(part, source, 0, 5000)).rejects.toMatchObject({ name: 'AccessDenied' });
    hostile.answer = (asked) => (pinOf(asked) === pinned ? copied : changed);
    expect(await store.copyPart(part, source, 0, 5000)).toMatchObject({ number: 1, size: 5000 });
  });

  it('refuses a part of one byte while the question is open, because its answer would be taken for the part', async () => {
    hostile.answer = (asked) => (pinOf(asked) === pinned ? copied : changed);
    await expect(hostile.store().copyPart(part, source, 7, 8)).rejects.toMatchObject({ name: 'NotSupported' });
    expect(hostile.asked).toEqual([]);
  });
});

describe('the owner of the source bucket', () => {
  it('is named with each copy, if it is known', async () => {
    hostile.answer = (asked) => {
      if (pinOf(asked) !== pinned) return changed;
      return asked.query.has('partNumber') ? copied : { body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' };
    };
    const store = hostile.store();
    const ownerOf = ({ headers }: Asked): unknown => headers['x-amz-source-expected-bucket-owner'];
    for (const owner of ['111122223333', undefined]) {
      hostile.asked.length = 0;
      const from = { ...source, ...(owner !== undefined && { owner }) };
      await store.copyPart(part, from, 0, 5000);
      await store.copy(from, objectKey('copy'), noAttributes);
      expect(new Set(hostile.asked.map(ownerOf))).toEqual(new Set([owner]));
    }
  });
});
