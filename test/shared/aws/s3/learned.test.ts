import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { LearnedStore } from '../../../../shared/model/stores/learned.ts';
import type { StoreName } from '../../../../shared/model/stores/stores.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { noAttributes } from '../../../support/objects.ts';
import { errorXml, HostileStore, listingXml, type Asked } from '../../../support/hostile-store.ts';
import { localKeys } from '../../../support/local-s3.ts';

/** What a process learns of a store: once, and only what is not known. */

const part = { key: objectKey('copy'), uploadId: 'upload', number: 1 };
const etag = 'd41d8cd98f00b204e9800998ecf8427e';
const source = { bucket: 'bucket', key: objectKey('original'), etag };
const found = { etag: `"${etag}"`, 'content-length': '1' };
const changed = { status: 412, body: errorXml('PreconditionFailed', 'it is another version') };

let hostile: HostileStore;
let learned: LearnedStore[];
const clients: ReturnType<typeof createS3Client>[] = [];
beforeEach(async () => {
  hostile = await HostileStore.open();
  learned = [];
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await hostile.close();
});

function storeAt(store?: StoreName): S3ObjectStore {
  const { endpoint } = hostile;
  const side = {
    bucket: 'bucket',
    prefix: '',
    region: 'us-east-1',
    endpoint,
    requestPayer: false,
    ...(store && { store }),
  };
  const client = createS3Client(side, localKeys);
  clients.push(client);
  return new S3ObjectStore(client, side, undefined, (one) => learned.push(one));
}

const traits = (): unknown => learned.map((one) => one.traits);

/** A store that compares the version of a copy, and answers to both versions of ListObjects. */
function answerAll({ query, headers }: Asked): { body?: string; status?: number } {
  const pin = headers['x-amz-copy-source-if-match'];
  if (pin !== undefined && pin !== `"${etag}"`) return changed;
  if (query.has('partNumber')) return { body: `<CopyPartResult><ETag>"${etag}"</ETag></CopyPartResult>` };
  if (pin !== undefined) return { body: `<CopyObjectResult><ETag>"${etag}"</ETag></CopyObjectResult>` };
  return { body: listingXml([{ key: 'k' }], '<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>') };
}

async function useAll(store: S3ObjectStore): Promise<void> {
  for (let times = 1; times <= 2; times++) {
    await store.firstPage({ prefix: '' });
    await store.copy(source, objectKey('copy'), noAttributes);
    await store.copyPart(part, source, 0, 5000);
  }
}

describe('what is learned of a store', () => {
  it('is reported once, with what was learned before', async () => {
    hostile.answer = answerAll;
    await useAll(storeAt());
    expect(learned).toHaveLength(3);
    expect(learned[2]).toEqual({
      bucket: 'bucket',
      store: 's3-compatible',
      host: '127.0.0.1',
      traits: { listVersion: 2, copies: 'yes', partCopies: 'yes' },
    });
    expect(traits()).toEqual([
      { listVersion: 2 },
      { listVersion: 2, copies: 'yes' },
      { listVersion: 2, copies: 'yes', partCopies: 'yes' },
    ]);
  });

  it('is no news where it is known', async () => {
    hostile.answer = answerAll;
    await useAll(storeAt('aws'));
    expect(learned).toEqual([]);
    // Nothing was asked about versions.
    expect(hostile.asked.filter(({ headers }) => headers['x-amz-copy-source-if-match'] !== `"${etag}"`)).toHaveLength(
      2,
    );
  });

  it('is that copies ignore the version, and that only the first version of ListObjects exists', async () => {
    hostile.answer = ({ query, headers }) => {
      if (headers['x-amz-copy-source'] !== undefined) {
        return { body: `<CopyObjectResult><ETag>"${etag}"</ETag></CopyObjectResult>` };
      }
      if (query.has('list-type')) return { status: 501, body: errorXml('NotImplemented', 'no such version') };
      return { body: listingXml([{ key: 'k' }], '<IsTruncated>false</IsTruncated>') };
    };
    const store = storeAt();
    await store.firstPage({ prefix: '' });
    await expect(store.copy(source, objectKey('copy'), noAttributes)).rejects.toMatchObject({ name: 'NotSupported' });
    expect(traits()).toEqual([{ listVersion: 1 }, { listVersion: 1, copies: 'no' }]);
  });

  it('is that numbers of tags are stated: then no number means no tags', async () => {
    let count: Record<string, string> = {};
    hostile.answer = ({ query }) =>
      query.has('tagging')
        ? { body: '<Tagging><TagSet></TagSet></Tagging>' }
        : { headers: { ...found, ...count }, body: 'x' };
    const store = storeAt();
    const tagCount = async (): Promise<number | undefined> => {
      const opened = await store.get(objectKey('k'));
      opened?.body.destroy();
      return opened?.info.tagCount;
    };
    expect(await tagCount()).toBeUndefined();
    await store.tags(objectKey('k'));
    expect(await tagCount()).toBeUndefined();
    count = { 'x-amz-tagging-count': '2' };
    expect(await tagCount()).toBe(2);
    count = {};
    expect(await tagCount()).toBe(0);
    expect(traits()).toEqual([{ tagCount: 'yes' }]);
  });

  it('is that there are no tags', async () => {
    hostile.answer = ({ query }) =>
      query.has('tagging')
        ? { status: 501, body: errorXml('NotImplemented', 'no tags') }
        : { headers: found, body: 'x' };
    const store = storeAt();
    expect(await store.tags(objectKey('k'))).toEqual({});
    const opened = await store.get(objectKey('k'));
    opened?.body.destroy();
    expect(opened?.info.tagCount).toBe(0);
    expect(traits()).toEqual([{ tags: 'no' }]);
  });
});
