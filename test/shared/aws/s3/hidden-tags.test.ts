import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { ObjectStore } from '../../../../shared/ports/object-store.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../../support/context.ts';
import { failureOf } from '../../../support/failure.ts';
import { errorXml, HostileStore, type Asked, type Reply } from '../../../support/hostile-store.ts';
import { taskOf } from '../../../support/tasks.ts';

const etag = '"900150983cd24fb0d6963f7d28e17f72"';

/** S3 states the number of tags of an object only to callers who may read them, and to others nothing at all. */
describe('S3, with credentials that may not read tags', () => {
  let source: HostileStore;
  let destination: HostileStore;
  let mayReadTags: boolean;

  beforeEach(async () => {
    mayReadTags = false;
    source = await HostileStore.open();
    destination = await HostileStore.open();
    source.answer = ({ method, query }: Asked): Reply => {
      if (query.has('tagging')) {
        if (!mayReadTags) return { status: 403, body: errorXml('AccessDenied', 'Access Denied') };
        return { body: '<Tagging><TagSet></TagSet></Tagging>' };
      }
      return { headers: { etag, 'content-length': '3' }, ...(method === 'GET' && { body: 'abc' }) };
    };
    destination.answer = ({ method }) => (method === 'HEAD' ? { status: 404 } : { headers: { etag } });
  });

  afterEach(async () => {
    await source.close();
    await destination.close();
  });

  /** The store as S3 itself: without an endpoint in its side. */
  function s3(): S3ObjectStore {
    const side = { bucket: 'source', prefix: '', region: 'us-east-1', forcePathStyle: true, requestPayer: false };
    const client = createS3Client({ ...side, endpoint: source.endpoint }, { accessKeyId: 'a', secretAccessKey: 's' });
    return new S3ObjectStore(client, side);
  }

  const reads = (): number => source.asked.filter(({ query }) => query.has('tagging')).length;
  const copy = (store: S3ObjectStore, settings = {}) =>
    transferObject(contextOf(taskOf(settings), store, destination.store()), {
      task: 'test',
      key: objectKey('k'),
      action: 'copy',
      size: 3,
    });

  it('copies nothing, for tags might be lost, and names the permission', async () => {
    const failure = await failureOf(copy(s3()));
    expect(failure).toMatchObject({ name: 'AccessDenied' });
    expect(failure.message).toContain('copying tags needs s3:GetObjectTagging, or "tags": false in the task');
    expect(destination.writes).toEqual([]);
  });

  it('copies objects of tasks that copy no tags', async () => {
    expect(await copy(s3(), { tags: false })).toMatchObject({ route: 'put' });
    expect(reads()).toBe(0);
  });

  it('is asked once by a process whose credentials may, and then believed', async () => {
    mayReadTags = true;
    const store = s3();
    for (let object = 0; object < 3; object++) await copy(store);
    expect(reads()).toBe(1);
  });
});

/** Qiniu's answers do not state the number of tags (Kodo: GET Object). */
describe('a store with an endpoint', () => {
  let host: HostileStore;
  let stated: string | undefined;
  let tagging: Reply;

  beforeEach(async () => {
    stated = undefined;
    tagging = { body: '<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>' };
    host = await HostileStore.open(({ method, query }) => {
      if (query.has('tagging')) return tagging;
      const headers = { etag, 'content-length': '3', ...(stated !== undefined && { 'x-amz-tagging-count': stated }) };
      return { headers, ...(method === 'GET' && { body: 'abc' }) };
    });
  });
  afterEach(() => host.close());

  const countIn = async (store: ObjectStore): Promise<number | undefined> => {
    const opened = await store.get(objectKey('k'));
    opened?.body.destroy();
    return opened?.info.tagCount;
  };

  it('that never states the number of tags is asked for them', async () => {
    const store = host.store();
    expect(await countIn(store)).toBeUndefined();
    expect(await store.tags(objectKey('k'))).toEqual({ a: '1' });
    expect(await countIn(store)).toBeUndefined();
  });

  it.each(['get', 'head'] as const)('that has stated a number by %s has no tags where it states none', async (call) => {
    const store = host.store();
    stated = '1';
    const shown = call === 'head' ? (await store.head(objectKey('k')))?.tagCount : await countIn(store);
    expect(shown).toBe(1);
    stated = undefined;
    expect(await countIn(store)).toBe(0);
  });

  it('that does not implement tags is asked once', async () => {
    const store = host.store();
    tagging = { status: 501, body: errorXml('NotImplemented', 'x') };
    expect(await store.tags(objectKey('k'))).toEqual({});
    expect(await countIn(store)).toBe(0);
  });
});
