import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
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
      key: 'k',
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
