import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest, test } from '@jest/globals';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { bytes, failure, plain, startServer, type Harness } from './harness.ts';

// Ends a test that hangs; far longer than a test takes, because other work may share the machine.
jest.setTimeout(120_000);

let harness: Harness;
let s3: S3Client;
const Bucket = 'objects';

beforeAll(async () => {
  harness = await startServer();
  s3 = harness.client();
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => harness.stop());

async function read(Key: string, extra: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...extra }));
  return (await Body?.transformToString('latin1')) ?? '';
}

describe('buckets', () => {
  it('are created, found, and deleted only if empty', async () => {
    await s3.send(
      new CreateBucketCommand({ Bucket: 'far', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    );
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['far', Bucket]);
    expect((await s3.send(new GetBucketLocationCommand({ Bucket: 'far' }))).LocationConstraint).toBe('eu-west-1');
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
    expect((await s3.send(new HeadBucketCommand({ Bucket: 'far' }))).BucketRegion).toBe('eu-west-1');
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined();
    expect(await failure(s3.send(new CreateBucketCommand({ Bucket: 'far' })))).toEqual({
      name: 'BucketAlreadyOwnedByYou',
      status: 409,
    });
    await s3.send(new PutObjectCommand({ Bucket: 'far', Key: 'k', Body: 'x' }));
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket: 'far' })))).toEqual({
      name: 'BucketNotEmpty',
      status: 409,
    });
    await s3.send(new DeleteObjectCommand({ Bucket: 'far', Key: 'k' }));
    await s3.send(new DeleteBucketCommand({ Bucket: 'far' }));
    expect((await failure(s3.send(new HeadBucketCommand({ Bucket: 'far' })))).status).toBe(404);
    expect((await failure(s3.send(new CreateBucketCommand({ Bucket: 'Bad_Name' })))).name).toBe('InvalidBucketName');
  });
});

describe('PutObject and GetObject', () => {
  it.each([0, 1, 4096, 65_536, 65_537, 3_000_001])('round-trip %i bytes', async (size) => {
    const Body = bytes(size);
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: `size/${size}`, Body }));
    const md5 = createHash('md5').update(Body).digest('hex');
    expect(put.ETag).toBe(`"${md5}"`);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: `size/${size}` }));
    expect(got.ContentLength).toBe(size);
    expect(got.ETag).toBe(put.ETag);
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
  });

  it('return every header that was put, and the defaults', async () => {
    const given = {
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      ContentDisposition: 'attachment; filename="x.txt"',
      CacheControl: 'max-age=5',
      Metadata: { one: '1', 'two-b': 'two words' },
      StorageClass: 'STANDARD_IA',
    } as const;
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'headers',
        Body: 'x',
        Tagging: 'a=1&b=c%20d',
        Expires: new Date(0),
        ...given,
      }),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'headers' }));
    expect(head).toMatchObject({ ...given, TagCount: 2, ServerSideEncryption: 'AES256' });
    expect(head.ExpiresString).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(Math.abs((head.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const other = harness.client(plain);
    await other.send(new PutObjectCommand({ Bucket, Key: 'bare', Body: 'x' }));
    const bare = await s3.send(new HeadObjectCommand({ Bucket, Key: 'bare' }));
    expect(bare.ContentType).toBe('application/octet-stream');
    expect(bare.StorageClass).toBeUndefined();
    const overridden = await s3.send(new GetObjectCommand({ Bucket, Key: 'bare', ResponseContentType: 'a/b' }));
    await overridden.Body?.transformToString();
    expect(overridden.ContentType).toBe('a/b');
  });

  it('refuse the same requests as S3', async () => {
    const put = (extra: object): Promise<unknown> =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'no', Body: 'x', ...extra }));
    expect((await failure(put({ Metadata: { m: 'x'.repeat(2048) } }))).name).toBe('MetadataTooLarge');
    expect((await failure(put({ StorageClass: 'NONE' }))).name).toBe('InvalidStorageClass');
    expect((await failure(put({ ACL: 'public-read' }))).name).toBe('AccessControlListNotSupported');
    expect((await failure(put({ Key: 'x'.repeat(1025) }))).name).toBe('KeyTooLongError');
    expect((await failure(put({ Bucket: 'nowhere' }))).name).toBe('NoSuchBucket');
    expect((await failure(put({ ExpectedBucketOwner: '111111111111' }))).status).toBe(403);
    await put({ ExpectedBucketOwner: '000000000000', ACL: 'bucket-owner-full-control' });
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'absent' })))).toEqual({
      name: 'NoSuchKey',
      status: 404,
    });
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'absent' })))).status).toBe(404);
  });

  it('hide the MD5 of objects under a KMS key', async () => {
    const put = await s3.send(
      new PutObjectCommand({ Bucket, Key: 'kms', Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' }),
    );
    expect(put.ETag).not.toBe(`"${createHash('md5').update('x').digest('hex')}"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'kms' }));
    expect(head).toMatchObject({ ETag: put.ETag, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' });
  });

  it('refuse to read archived objects before they are restored', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'cold', Body: 'ice', StorageClass: 'DEEP_ARCHIVE' }));
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'cold' })))).toEqual({
      name: 'InvalidObjectState',
      status: 403,
    });
    await s3.send(new RestoreObjectCommand({ Bucket, Key: 'cold', RestoreRequest: { Days: 1 } }));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'cold' }))).Restore).toContain(
      'ongoing-request="false"',
    );
    expect(await read('cold')).toBe('ice');
  });
});

describe('a range', () => {
  beforeAll(() => s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: '0123456789' })));

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-4', '6789', 'bytes 6-9/10'],
    ['bytes=-40', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
  ])('reads %s', async (Range, text, contentRange) => {
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range }));
    expect(await got.Body?.transformToString()).toBe(text);
    expect(got.ContentRange).toBe(contentRange);
    expect(got.$metadata.httpStatusCode).toBe(206);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'range', Range }));
    expect(head.ContentLength).toBe(text.length);
  });

  it.each(['bytes=0-1,3-4', 'bytes=5-2', 'lines=1-2'])('ignores %s', async (Range) => {
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range }));
    expect(await got.Body?.transformToString()).toBe('0123456789');
    expect(got.$metadata.httpStatusCode).toBe(200);
  });

  it.each(['bytes=10-', 'bytes=-0'])('answers 416 for %s', async (Range) => {
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range })))).toEqual({
      name: 'InvalidRange',
      status: 416,
    });
  });

  it('reads across the buffers of a large object', async () => {
    const Body = bytes(2_000_003);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'long', Body }));
    const slice = await read('long', { Range: 'bytes=200001-1900000' });
    expect(Buffer.from(slice, 'latin1').equals(Body.subarray(200_001, 1_900_001))).toBe(true);
  });
});

describe('a condition', () => {
  it('is checked on reads', async () => {
    const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key: 'cond', Body: 'x' }));
    const get = (extra: object): Promise<unknown> => s3.send(new GetObjectCommand({ Bucket, Key: 'cond', ...extra }));
    const past = new Date(Date.now() - 3_600_000);
    const future = new Date(Date.now() + 3_600_000);
    expect(await read('cond', { IfMatch: ETag })).toBe('x');
    expect((await failure(get({ IfMatch: '"other"' }))).status).toBe(412);
    expect((await failure(get({ IfNoneMatch: ETag }))).status).toBe(304);
    expect(await read('cond', { IfNoneMatch: '"other"' })).toBe('x');
    expect((await failure(get({ IfModifiedSince: future }))).status).toBe(304);
    expect(await read('cond', { IfModifiedSince: past })).toBe('x');
    expect((await failure(get({ IfUnmodifiedSince: past }))).status).toBe(412);
    expect(await read('cond', { IfUnmodifiedSince: past, IfMatch: ETag })).toBe('x');
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'cond', IfMatch: '"other"' })))).status).toBe(
      412,
    );
  });

  it('is checked on writes', async () => {
    const put = (Body: string, extra: object): Promise<{ ETag?: string | undefined }> =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'guarded', Body, ...extra }));
    expect(await failure(put('0', { IfMatch: '"x"' }))).toEqual({ name: 'NoSuchKey', status: 404 });
    const { ETag = '' } = await put('1', { IfNoneMatch: '*' });
    expect(await failure(put('2', { IfNoneMatch: '*' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect((await failure(put('3', { IfMatch: '"x"' }))).name).toBe('PreconditionFailed');
    expect(await read('guarded')).toBe('1');
    await put('4', { IfMatch: ETag });
    expect(await read('guarded')).toBe('4');
    expect((await failure(s3.send(new DeleteObjectCommand({ Bucket, Key: 'guarded', IfMatch: ETag })))).status).toBe(
      412,
    );
  });

  it('is checked again when the body has arrived: what another writer did in between is a conflict', async () => {
    const put = (Body: string, extra: object = {}): Promise<{ ETag?: string | undefined }> =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'contended', Body, ...extra }));
    const between = async (extra: object, act: () => Promise<unknown>): Promise<unknown> => {
      let begun = (): void => undefined;
      const acted = new Promise<void>((resolve) => (begun = resolve)).then(act);
      const body = Readable.from(
        (async function* () {
          yield Buffer.from('late');
          begun();
          await acted;
          yield Buffer.from('r');
        })(),
      );
      const command = new PutObjectCommand({ Bucket, Key: 'contended', Body: body, ContentLength: 5, ...extra });
      return failure(s3.send(command));
    };
    const remove = (): Promise<unknown> => s3.send(new DeleteObjectCommand({ Bucket, Key: 'contended' }));
    expect(await between({ IfNoneMatch: '*' }, () => put('1'))).toMatchObject({ status: 412 });
    const { ETag = '' } = await put('1');
    expect(await between({ IfMatch: ETag }, () => put('2'))).toMatchObject({ status: 412 });
    await put('1');
    expect(await between({ IfMatch: ETag }, () => put('1'))).toEqual({
      name: 'ConditionalRequestConflict',
      status: 409,
    });
    expect(await between({ IfMatch: ETag }, remove)).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  it('lets only one of many writers create an object', async () => {
    const writers = Array.from({ length: 8 }, (_, i) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body: String(i), IfNoneMatch: '*' })),
    );
    const results = await Promise.allSettled(writers);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('DeleteObject and DeleteObjects', () => {
  it('delete one object, and succeed without one', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'x' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    expect((await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'gone' })))).name).toBe('NoSuchKey');
  });

  it('delete many objects', async () => {
    const keys = ['d/1', 'd/ ', 'd/\n', 'd/&<>'];
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const Objects = [...keys, 'd/absent'].map((Key) => ({ Key }));
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors).toBeUndefined();
    expect(Deleted?.map(({ Key }) => Key)).toEqual(Objects.map(({ Key }) => Key));
    for (const Key of keys) expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key })))).status).toBe(404);
  });
});

describe('CopyObject', () => {
  it('copies metadata and tags, or replaces them', async () => {
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'src+ ü',
        Body: 'copy me',
        Metadata: { a: '1' },
        Tagging: 't=1',
        ContentType: 'a/b',
      }),
    );
    const CopySource = `${Bucket}/${encodeURIComponent('src+ ü')}`;
    const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: 'dst', CopySource }));
    expect(copy.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('copy me').digest('hex')}"`);
    expect(await read('dst')).toBe('copy me');
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'dst' }))).toMatchObject({
      Metadata: { a: '1' },
      ContentType: 'a/b',
      TagCount: 1,
    });
    await s3.send(
      new CopyObjectCommand({
        ...{ Bucket, Key: 'dst', CopySource, MetadataDirective: 'REPLACE', Metadata: { b: '2' } },
        ...{ TaggingDirective: 'REPLACE', Tagging: '', StorageClass: 'ONEZONE_IA', ChecksumAlgorithm: 'SHA256' },
      }),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'dst', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ Metadata: { b: '2' }, StorageClass: 'ONEZONE_IA' });
    expect(head.ChecksumSHA256).toBe(createHash('sha256').update('copy me').digest('base64'));
    expect(head.TagCount).toBeUndefined();
  });

  it('makes a large copy that is independent of its source', async () => {
    const Body = bytes(300_000);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body }));
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'large2', CopySource: `/${Bucket}/large` }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
    expect(Buffer.from(await read('large2'), 'latin1').equals(Body)).toBe(true);
  });

  it('checks conditions on the source', async () => {
    const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key: 'cs', Body: 'x' }));
    const copy = (extra: object): Promise<unknown> =>
      s3.send(new CopyObjectCommand({ Bucket, Key: 'cd', CopySource: `${Bucket}/cs`, ...extra }));
    await copy({ CopySourceIfMatch: ETag });
    expect((await failure(copy({ CopySourceIfMatch: '"x"' }))).status).toBe(412);
    expect((await failure(copy({ CopySourceIfNoneMatch: ETag }))).status).toBe(412);
    expect((await failure(copy({ CopySource: `${Bucket}/absent` }))).name).toBe('NoSuchKey');
    expect((await failure(copy({ Key: 'cs' }))).name).toBe('InvalidRequest');
  });
});

test('tags are set, read and removed', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'tags', Body: 'x' }));
  const TagSet = [{ Key: 'a b', Value: 'ü & <' }];
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tags', Tagging: { TagSet } }));
  expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual(TagSet);
  await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tags' }));
  expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual([]);
  const many = Array.from({ length: 11 }, (_, i) => ({ Key: String(i), Value: '' }));
  const tooMany = new PutObjectTaggingCommand({ Bucket, Key: 'tags', Tagging: { TagSet: many } });
  expect((await failure(s3.send(tooMany))).name).toBe('InvalidTag');
});
