import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { Side } from '../../../../shared/model/config/task.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { noAttributes } from '../../../support/objects.ts';

const body = { data: Buffer.from('abc'), size: 3 };
const etag = '900150983cd24fb0d6963f7d28e17f72';
const old = { etag: 'e'.repeat(32) };

describe('the conditions of writes', () => {
  let server: LocalS3;
  let sent: { operation: string; headers: IncomingHttpHeaders }[];

  beforeAll(async () => {
    server = await startLocalS3();
    server.createBucket('bucket');
  });
  beforeEach(() => {
    sent = [];
    answer(() => undefined);
  });
  afterAll(() => server.close());

  function answer(fault: LocalS3['fault']): void {
    server.fault = (request) => {
      sent.push({ operation: request.operation, headers: request.req.headers });
      return fault(request);
    };
  }

  /** @param itself is it S3 itself, without an endpoint in its side? */
  function open(itself: boolean): S3ObjectStore {
    const side: Side = { bucket: 'bucket', prefix: '', requestPayer: false, forcePathStyle: true, region: 'us-east-1' };
    const reached = { ...side, endpoint: server.endpoint };
    return new S3ObjectStore(createS3Client(reached, localKeys), itself ? side : reached);
  }

  const conditions = (): unknown[] =>
    sent
      .filter(({ operation }) => /^(PutObject|CopyObject|CompleteMultipartUpload|DeleteObject)$/.test(operation))
      .map(({ headers }) => headers['if-none-match'] ?? headers['if-match']);

  async function writeAll(store: S3ObjectStore): Promise<void> {
    await store.put(objectKey('k'), body, noAttributes, 'nothing');
    await store.copy({ bucket: 'bucket', key: objectKey('k'), etag }, objectKey('k2'), noAttributes, 'nothing');
    const { uploadId } = await store.createUpload(objectKey('k'), noAttributes);
    const part = await store.uploadPart({ key: objectKey('k'), uploadId, number: 1 }, body);
    const { etag: completed } = await store.completeUpload(objectKey('k'), uploadId, [part], {
      size: 3,
      replaces: { etag },
    });
    await store.delete(objectKey('k'), { etag: completed });
    await store.delete(objectKey('k2'));
  }

  it('are sent to S3 itself', async () => {
    await writeAll(open(true));
    expect(conditions()).toEqual(['*', '*', `"${etag}"`, expect.stringMatching(/^"[0-9a-f]{32}-1"$/), undefined]);
  });

  it('are not sent to a store with an endpoint, of which it is not known what it does with them', async () => {
    await writeAll(open(false));
    // The first copy is the question whether copies are pinned.
    expect(conditions()).toEqual(Array(6).fill(undefined));
  });

  it.each([
    ['PutObject', 409, 'ConditionalRequestConflict', 'DestinationConflict'],
    ['PutObject', 412, 'PreconditionFailed', 'DestinationConflict'],
    ['PutObject', 404, 'NoSuchKey', 'DestinationConflict'],
    ['PutObject', 404, 'NoSuchBucket', 'BucketNotFound'],
    ['DeleteObject', 409, 'ConditionalRequestConflict', 'DestinationConflict'],
    ['DeleteObject', 412, 'PreconditionFailed', 'DestinationConflict'],
    // The upload has to be begun again.
    ['CompleteMultipartUpload', 409, 'ConditionalRequestConflict', 'UploadGone'],
    ['CompleteMultipartUpload', 412, 'PreconditionFailed', 'DestinationConflict'],
    ['CompleteMultipartUpload', 404, 'NoSuchKey', 'DestinationConflict'],
    ['CompleteMultipartUpload', 404, 'NoSuchUpload', 'UploadGone'],
  ])('%s answers %d %s: %s', async (operation, status, code, name) => {
    const store = open(true);
    const { uploadId } = await store.createUpload(objectKey('c'), noAttributes);
    const part = await store.uploadPart({ key: objectKey('c'), uploadId, number: 1 }, body);
    answer((request) => (request.operation === operation ? { kind: 'status', status, code } : undefined));
    const calls: Record<string, () => Promise<unknown>> = {
      PutObject: () => store.put(objectKey('c'), body, noAttributes, old),
      DeleteObject: () => store.delete(objectKey('c'), old),
      CompleteMultipartUpload: () => store.completeUpload(objectKey('c'), uploadId, [part], { size: 3, replaces: old }),
    };
    await expect(calls[operation]?.()).rejects.toMatchObject({ name });
  });

  it('are left out of copies, from then on, if S3 says that it does not implement them there', async () => {
    const store = open(true);
    await store.put(objectKey('from'), body, noAttributes);
    sent = [];
    answer(({ operation, req }) =>
      operation === 'CopyObject' && req.headers['if-none-match'] !== undefined
        ? { kind: 'status', status: 501, code: 'NotImplemented' }
        : undefined,
    );
    const from = { bucket: 'bucket', key: objectKey('from'), etag };
    for (const key of ['one', 'two']) await store.copy(from, objectKey(key), noAttributes, 'nothing');
    expect(conditions()).toEqual(['*', undefined, undefined]);
    expect((await store.head(objectKey('two')))?.etag).toBe(etag);
  });

  it('understands a PUT that the client sent again after its answer was lost as a conflict', async () => {
    let times = 1;
    answer(({ operation }) => (operation === 'PutObject' && times-- > 0 ? { kind: 'lose-answer' } : undefined));
    const store = open(true);
    await expect(store.put(objectKey('again'), body, noAttributes, 'nothing')).rejects.toMatchObject({
      name: 'DestinationConflict',
    });
    expect(await store.head(objectKey('again'))).toMatchObject({ etag });
  });
});
