import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { Side } from '../../../../shared/model/config/task.ts';
import type { ObjectInfo } from '../../../../shared/model/object.ts';
import { attributesDigest } from '../../../../shared/transfer/decide/version.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { noAttributes } from '../../../support/objects.ts';

describe("an object's website redirect", () => {
  let server: LocalS3;
  let store: S3ObjectStore;
  const redirecting = { ...noAttributes, headers: { contentType: 'text/html', websiteRedirect: '/elsewhere?a=b' } };
  const body = { data: Buffer.from('x'), size: 1 };

  beforeAll(async () => {
    server = await startLocalS3();
    server.createBucket('bucket');
    const side: Side = {
      bucket: 'bucket',
      prefix: '',
      requestPayer: false,
      endpoint: server.endpoint,
      forcePathStyle: true,
      region: 'us-east-1',
    };
    store = new S3ObjectStore(createS3Client(side, localKeys), side);
  });

  afterAll(() => server.close());

  const redirectOf = async (key: string): Promise<unknown> =>
    (await store.head(objectKey(key)))?.headers.websiteRedirect;

  it('is written with the object, and read by HEAD and GET', async () => {
    await store.put(objectKey('put'), body, redirecting);
    expect((await store.head(objectKey('put')))?.headers).toEqual(redirecting.headers);
    const opened = await store.get(objectKey('put'));
    opened?.body.destroy();
    expect(opened?.info.headers).toEqual(redirecting.headers);
  });

  it('is stated for a copy inside the store and for a multipart upload', async () => {
    const { etag } = await store.put(objectKey('from'), body, redirecting);
    // No directive copies it: it is stated too if everything else is the source's own.
    for (const whole of [false, true]) {
      await store.copy({ bucket: 'bucket', key: objectKey('from'), etag, whole }, objectKey('copy'), redirecting);
      expect(await redirectOf('copy')).toBe('/elsewhere?a=b');
      await store.copy({ bucket: 'bucket', key: objectKey('from'), etag, whole }, objectKey('without'), noAttributes);
      expect(await redirectOf('without')).toBeUndefined();
    }
    const { uploadId } = await store.createUpload(objectKey('parts'), redirecting);
    const part = await store.uploadPart({ key: objectKey('parts'), uploadId, number: 1 }, body);
    await store.completeUpload(objectKey('parts'), uploadId, [part], { size: 1 });
    expect(await redirectOf('parts')).toBe('/elsewhere?a=b');
  });

  it('makes another version of an object, and leaves the digests of objects without one as they were', () => {
    const info = {
      headers: { contentType: 'a/b', expires: '0' },
      metadata: { b: '1', a: '2' },
    } as unknown as ObjectInfo;
    // Digests are in the ledger and in uploads under way.
    expect(attributesDigest({ metadata: true }, info)).toBe('ab47816412fc179edd8118df011669f3');
    const redirected = { ...info, headers: { ...info.headers, websiteRedirect: '/' } };
    expect(attributesDigest({ metadata: true }, redirected)).not.toBe('ab47816412fc179edd8118df011669f3');
  });
});
