import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ObjectStore, Replaces } from '../../../shared/ports/object-store.ts';
import { noAttributes } from '../../support/objects.ts';
import { md5, text, type Kit } from './kit.ts';

/** Writes and deletions that name what they replace. */
export function describeConditionalWrites(kit: Kit): void {
  const other = { etag: md5(Buffer.from('another object')) };
  const all: [string, (key: string, replaces: Replaces) => Promise<unknown>][] = [
    ['put', (key, replaces) => kit.one.put(objectKey(key), text('new'), noAttributes, replaces)],
    ['completeUpload', (key, replaces) => complete(kit.one, key, replaces)],
    ['copy', (key, replaces) => copy(kit.one, key, replaces)],
  ];
  const writes = all.filter(([name]) => name !== 'copy' || kit.can.copies);

  describe('writes that name what they replace', () => {
    if (!kit.can.conditionalWrites) {
      it('take place whatever is there', async () => {
        expect(kit.one.conditionalWrites).toBe(false);
        await kit.one.put(objectKey('any'), text('old'), noAttributes);
        for (const replaces of ['nothing', other] as const)
          await kit.one.put(objectKey('any'), text('new'), noAttributes, replaces);
        expect((await kit.read('any'))?.toString()).toBe('new');
        await kit.one.delete(objectKey('any'), other);
        expect(await kit.one.head(objectKey('any'))).toBeUndefined();
      });
      return;
    }

    it.each(writes)('%s takes place if that is what is there', async (name, write) => {
      const key = objectKey(`as expected/${name}`);
      await write(key, 'nothing');
      expect((await kit.read(key))?.toString()).toBe('new');
      await kit.one.put(key, text('old'), noAttributes);
      await write(key, { etag: (await kit.one.head(key))?.etag ?? '' });
      expect((await kit.read(key))?.toString()).toBe('new');
    });

    it.each(writes)('%s changes nothing if something else is there', async (name, write) => {
      const key = objectKey(`conflict/${name}`);
      // The status of a copy does not say which of its two conditions failed.
      const expected = name === 'copy' ? /^(SourceChanged|SourceGone|DestinationConflict)$/ : /^DestinationConflict$/;
      const failed = async (replaces: Replaces): Promise<void> => {
        const fault = await write(key, replaces).then(
          () => undefined,
          (error: unknown) => error as Error,
        );
        expect(fault?.name).toMatch(expected);
      };
      await failed(other);
      expect(await kit.one.head(key)).toBeUndefined();
      await kit.one.put(key, text('old'), noAttributes);
      await failed('nothing');
      await failed(other);
      expect((await kit.read(key))?.toString()).toBe('old');
    });

    it('keep the parts of an upload that could not be completed', async () => {
      await kit.one.put(objectKey('upload'), text('old'), noAttributes);
      const { uploadId } = await kit.one.createUpload(objectKey('upload'), noAttributes);
      const part = await kit.one.uploadPart({ key: objectKey('upload'), uploadId, number: 1 }, text('new'));
      const end = async (replaces: Replaces): Promise<unknown> =>
        kit.one.completeUpload(objectKey('upload'), uploadId, [part], { size: 3, replaces });
      await expect(end('nothing')).rejects.toMatchObject({ name: 'DestinationConflict' });
      expect(await kit.one.listParts(objectKey('upload'), uploadId)).toHaveLength(1);
      await end({ etag: (await kit.one.head(objectKey('upload')))?.etag ?? '' });
      expect((await kit.read('upload'))?.toString()).toBe('new');
    });

    it('delete only the object that they name, and find one that is gone deleted', async () => {
      const { etag } = await kit.one.put(objectKey('to delete'), text('old'), noAttributes);
      await expect(kit.one.delete(objectKey('to delete'), other)).rejects.toMatchObject({
        name: 'DestinationConflict',
      });
      expect((await kit.read('to delete'))?.toString()).toBe('old');
      await kit.one.delete(objectKey('to delete'), { etag });
      expect(await kit.one.head(objectKey('to delete'))).toBeUndefined();
      await expect(kit.one.delete(objectKey('to delete'), { etag })).resolves.toBeUndefined();
    });
  });
}

async function complete(store: ObjectStore, key: string, replaces: Replaces): Promise<unknown> {
  const { uploadId } = await store.createUpload(objectKey(key), noAttributes);
  const part = await store.uploadPart({ key: objectKey(key), uploadId, number: 1 }, text('new'));
  try {
    return await store.completeUpload(objectKey(key), uploadId, [part], { size: 3, replaces });
  } finally {
    await store.abortUpload(objectKey(key), uploadId);
  }
}

async function copy(store: ObjectStore, key: string, replaces: Replaces): Promise<unknown> {
  const { etag } = await store.put(objectKey('copied from'), text('new'), noAttributes);
  return store.copy(
    { bucket: store.bucket, key: objectKey('copied from'), etag },
    objectKey(key),
    noAttributes,
    replaces,
  );
}
