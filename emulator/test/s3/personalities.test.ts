import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { personalities, type Personality, type PersonalityName } from '../../s3/index.ts';
import { aws } from '../../s3/personalities/aws.ts';
import { differsFrom, type Differences } from '../../s3/personalities/personality.ts';
import { startServer, type Harness } from './harness.ts';
import { ask, elementOf, type WireAnswer, type WireRequest } from './wire.ts';

/** Each kind of difference, as it is seen on the wire. Which store has which is in s3/personalities/. */

let server: Harness;
let serial = 0;
const byBucket = new Map<string, Personality>();

beforeAll(async () => {
  server = await startServer({
    personality: (bucket) => byBucket.get(bucket) ?? aws,
    authorize: ({ operation, bucket }) => !(operation === 'ListObjectsV2' && bucket.startsWith('unlisted')),
  });
});
afterAll(() => server.stop());

const send = (target: string, options?: WireRequest): Promise<WireAnswer> => ask(server.port, target, options);

/** A new bucket of a store that differs from S3 like this. */
async function bucketOf(differences: Omit<Differences, 'title'>, name = `bucket-${++serial}`): Promise<string> {
  byBucket.set(name, differsFrom(aws, { title: name, ...differences }));
  expect((await send(`PUT /${name}`)).status).toBe(200);
  return name;
}

const md5 = (data: string | Buffer): string => createHash('md5').update(data).digest('hex');
const complete = (...etags: (string | undefined)[]): string =>
  `<CompleteMultipartUpload>${etags
    .map((etag, i) => (etag === undefined ? '' : `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`))
    .join('')}</CompleteMultipartUpload>`;

/** Uploads parts. @returns the path of the upload, and the ETags of its parts */
async function upload(bucket: string, key: string, parts: readonly string[]): Promise<[string, string[]]> {
  const id = elementOf(await send(`POST /${bucket}/${key}?uploads`), 'UploadId') ?? '';
  const path = `/${bucket}/${key}?uploadId=${id}`;
  const etags: string[] = [];
  for (const [index, body] of parts.entries()) {
    etags.push((await send(`PUT ${path}&partNumber=${index + 1}`, { body })).headers['etag'] ?? '');
  }
  return [path, etags];
}

describe('ETags', () => {
  it.each([
    ['letters', { letters: 'upper' }, '"900150983CD24FB0D6963F7D28E17F72"', '"900150983CD24FB0D6963F7D28E17F72"'],
    ['a weak form', { header: 'weak' }, `W/"${md5('abc')}"`, `"${md5('abc')}"`],
    ['no quotes', { header: 'bare', document: 'bare' }, md5('abc'), md5('abc')],
  ] as const)(
    'have %s in headers and listings, and are recognized in conditions',
    async (_name, etags, head, listed) => {
      const bucket = await bucketOf({ etags });
      expect((await send(`PUT /${bucket}/k`, { body: 'abc' })).headers['etag']).toBe(head);
      expect((await send(`HEAD /${bucket}/k`)).headers['etag']).toBe(head);
      expect(elementOf(await send(`GET /${bucket}`), 'ETag')).toBe(listed);
      expect((await send(`GET /${bucket}/k`, { headers: { 'if-match': head } })).status).toBe(200);
      expect((await send(`GET /${bucket}/k`, { headers: { 'if-match': `"${md5('x')}"` } })).status).toBe(412);
    },
  );

  it('are no MD5s', async () => {
    const bucket = await bucketOf({ etags: { whole: 'opaque' } });
    const { headers } = await send(`PUT /${bucket}/k`, { body: 'abc' });
    expect(headers['etag']).toMatch(/^"[0-9a-f]{32}"$/);
    expect(headers['etag']).not.toBe(`"${md5('abc')}"`);
  });

  it.each([
    ['md5-of-md5s', /^"[0-9a-f]{32}-2"$/, true],
    ['own-counted', /^"[0-9a-f]{32}-2"$/, false],
    ['own', /^"-[A-Za-z0-9+/]{15}="$/, false],
  ] as const)('of objects in parts follow a rule: %s', async (parts, form, isMd5) => {
    const bucket = await bucketOf({ etags: { parts }, uploads: { minPartBytes: 1 } });
    const [path, etags] = await upload(bucket, 'k', ['a', 'b']);
    const done = await send(`POST ${path}`, { body: complete(...etags) });
    expect(elementOf(done, 'ETag')).toMatch(form);
    const ofMd5s = `"${md5(Buffer.from(md5('a') + md5('b'), 'hex'))}-2"`;
    expect(elementOf(done, 'ETag') === ofMd5s).toBe(isMd5);
  });
});

describe('listings', () => {
  async function filled(listings: Differences['listings'] & object, keys: readonly string[]): Promise<string> {
    const bucket = await bucketOf({ listings });
    for (const key of keys) await send(`PUT /${bucket}/${encodeURIComponent(key)}`, { body: 'x' });
    return bucket;
  }
  const keysIn = ({ text }: WireAnswer): string[] =>
    [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);

  it('have another size of pages, unless asked for more', async () => {
    const bucket = await filled({ defaultKeys: 1, maxKeys: 2 }, ['a', 'b', 'c']);
    expect(keysIn(await send(`GET /${bucket}?list-type=2`))).toEqual(['a']);
    expect(keysIn(await send(`GET /${bucket}?list-type=2&max-keys=1000`))).toEqual(['a', 'b']);
  });

  it('exist in the first version alone, and ignore what they do not know', async () => {
    const bucket = await filled({ secondVersion: false, maxKeys: 1 }, ['a', 'b']);
    const answer = await send(`GET /${bucket}?list-type=2&start-after=a`);
    expect(keysIn(answer)).toEqual(['a']);
    expect(elementOf(answer, 'KeyCount')).toBeUndefined();
    expect(keysIn(await send(`GET /${bucket}?marker=a`))).toEqual(['b']);
  });

  it('name no next page', async () => {
    const bucket = await filled({ nextToken: false, maxKeys: 1 }, ['a', 'b']);
    const answer = await send(`GET /${bucket}?list-type=2`);
    expect([elementOf(answer, 'IsTruncated'), elementOf(answer, 'NextContinuationToken')]).toEqual(['true', undefined]);
  });

  it('repeat the key to start after', async () => {
    const bucket = await filled({ after: 'inclusive' }, ['a', 'b']);
    expect(keysIn(await send(`GET /${bucket}?list-type=2&start-after=a`))).toEqual(['a', 'b']);
  });

  it('have the order of UTF-16', async () => {
    const keys = ['\u{ffff}', '\u{10000}', 'a'];
    const bucket = await filled({ order: 'utf16', maxKeys: 2 }, keys);
    const first = await send(`GET /${bucket}?list-type=2`);
    const token = encodeURIComponent(elementOf(first, 'NextContinuationToken') ?? '');
    const second = await send(`GET /${bucket}?list-type=2&continuation-token=${token}`);
    expect([...keysIn(first), ...keysIn(second)]).toEqual(['a', '\u{10000}', '&#xffff;']);
  });

  it.each([
    ['stated', 'a%2Bb', 'url'],
    ['silent', 'a%2Bb', undefined],
    ['ignored', 'a+b', undefined],
  ] as const)('encode keys, or not: %s', async (encoding, key, said) => {
    const bucket = await filled({ encoding, uploadEncoding: encoding }, ['a+b']);
    await send(`POST /${bucket}/a%2Bb?uploads`);
    for (const query of ['list-type=2&encoding-type=url', 'uploads&encoding-type=url']) {
      const answer = await send(`GET /${bucket}?${query}`);
      expect([keysIn(answer), elementOf(answer, 'EncodingType')]).toEqual([[key], said]);
    }
  });

  it('hide what is below an object', async () => {
    const bucket = await filled({ belowObject: 'hidden' }, ['a', 'a/b']);
    expect(keysIn(await send(`GET /${bucket}?list-type=2&prefix=a`))).toEqual(['a', 'a/b']);
    expect(keysIn(await send(`GET /${bucket}?list-type=2&prefix=a/`))).toEqual([]);
  });

  it('have no ETags', async () => {
    const bucket = await filled({ etags: false }, ['a']);
    expect((await send(`GET /${bucket}?list-type=2`)).text).not.toContain('ETag');
  });
});

describe('uploads', () => {
  const small = { minPartBytes: 1 };

  it('have another smallest part', async () => {
    const bucket = await bucketOf({ uploads: { minPartBytes: 3 } });
    for (const [first, status] of [
      ['ab', 400],
      ['abc', 200],
    ] as const) {
      const [path, etags] = await upload(bucket, 'k', [first, 'd']);
      expect((await send(`POST ${path}`, { body: complete(...etags) })).status).toBe(status);
    }
  });

  it('need parts of one size', async () => {
    const equalParts = { status: 400, code: 'InvalidPart' };
    const bucket = await bucketOf({ uploads: { ...small, equalParts } });
    for (const [sizes, code] of [
      [['ab', 'ab', 'c'], undefined],
      [['ab', 'abc'], 'InvalidPart'],
      [['ab', 'a', 'a'], 'InvalidPart'],
    ] as const) {
      const [path, etags] = await upload(bucket, 'k', sizes);
      expect((await send(`POST ${path}`, { body: complete(...etags) })).code).toBe(code);
    }
  });

  it('are refused if they leave a part out', async () => {
    const bucket = await bucketOf({ uploads: { ...small, unnamedParts: { status: 400, code: 'InvalidPart' } } });
    const [path, etags] = await upload(bucket, 'k', ['a', 'b']);
    expect((await send(`POST ${path}`, { body: complete(etags[0]) })).code).toBe('InvalidPart');
    expect((await send(`POST ${path}`, { body: complete(...etags) })).status).toBe(200);
  });

  it('complete with parts in any order, and state the ETag when asked again', async () => {
    const rules = { ...small, completeOrder: 'any', completeEtag: 'repeated' } as const;
    const bucket = await bucketOf({ uploads: rules });
    const [path, etags] = await upload(bucket, 'k', ['a', 'b']);
    const body = complete(...etags).replace(/(<Part>.*?<\/Part>)(<Part>.*?<\/Part>)/, '$2$1');
    expect(elementOf(await send(`POST ${path}`, { body }), 'ETag')).toBeUndefined();
    expect(elementOf(await send(`POST ${path}`, { body }), 'ETag')).toMatch(/-2"$/);
    expect((await send(`GET /${bucket}/k`)).text).toBe('ab');
  });

  it('need numbers without gaps, and send spaces first', async () => {
    const bucket = await bucketOf({
      uploads: { ...small, numberGaps: { status: 400, code: 'InvalidPart' }, completeSpaces: true },
    });
    const [path, etags] = await upload(bucket, 'k', ['a', 'b']);
    expect((await send(`POST ${path}`, { body: complete(undefined, etags[1]) })).code).toBe('InvalidPart');
    expect((await send(`POST ${path}`, { body: complete(...etags) })).text).toMatch(/\?> {100}\s*<Complete/);
  });

  it('have a checksum of the whole by some algorithms', async () => {
    const bucket = await bucketOf({ uploads: { fullObjectChecksums: ['CRC64NVME'] } });
    for (const [algorithm, status] of [
      ['CRC32', 400],
      ['CRC64NVME', 200],
    ] as const) {
      const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT' };
      expect((await send(`POST /${bucket}/k?uploads`, { headers })).status).toBe(status);
    }
  });

  it('are listed by a whole key, with spaces as %20 and the markers of a next page that there is not', async () => {
    const bucket = await bucketOf({
      listings: { uploadPrefix: 'whole-key', encodedSpace: '%20', lastUploadMarkers: true, uploadEncoding: 'silent' },
    });
    for (const key of ['a', 'a%20b']) await send(`POST /${bucket}/${key}?uploads`);
    const keys = async (query: string): Promise<string[]> =>
      [...(await send(`GET /${bucket}?uploads&${query}`)).text.matchAll(/<Key>([^<]*)/g)].map(([, key = '']) => key);
    expect(await keys('prefix=a')).toEqual(['a']);
    expect(await keys('prefix=a%20')).toEqual([]);
    expect(await keys('encoding-type=url')).toEqual(['a', 'a%20b']);
    expect(elementOf(await send(`GET /${bucket}?uploads&encoding-type=url`), 'NextKeyMarker')).toBe('a b');
  });

  it.each(['initiated', 'completed'] as const)('give the object the date when they were %s', async (modified) => {
    const bucket = await bucketOf({ uploads: { modified } });
    const [path, etags] = await upload(bucket, 'k', ['a']);
    const started = Date.now();
    // Dates have whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1001 - (started % 1000)));
    await send(`POST ${path}`, { body: complete(...etags) });
    const date = Date.parse((await send(`HEAD /${bucket}/k`)).headers['last-modified'] ?? '');
    expect(date > started).toBe(modified === 'completed');
  });

  it('complete once, without an ETag', async () => {
    const bucket = await bucketOf({ uploads: { repeatable: false, completeEtag: 'never' } });
    const [path, etags] = await upload(bucket, 'k', ['a']);
    const done = await send(`POST ${path}`, { body: complete(...etags) });
    expect([done.status, elementOf(done, 'ETag')]).toEqual([200, undefined]);
    expect((await send(`POST ${path}`, { body: complete(...etags) })).code).toBe('NoSuchUpload');
  });
});

describe('objects', () => {
  it('without tags have no tag set, and a number is not stated', async () => {
    const bucket = await bucketOf({ tags: { none: { status: 404, code: 'NoSuchTagSet' }, count: false } });
    await send(`PUT /${bucket}/none`);
    expect(await send(`GET /${bucket}/none?tagging`)).toMatchObject({ status: 404, code: 'NoSuchTagSet' });
    await send(`PUT /${bucket}/one`, { headers: { 'x-amz-tagging': 'a=1' } });
    expect((await send(`GET /${bucket}/one?tagging`)).status).toBe(200);
    expect((await send(`HEAD /${bucket}/one`)).headers).not.toHaveProperty('x-amz-tagging-count');
  });

  it('of copies and uploads lose the tags that they are sent with', async () => {
    const bucket = await bucketOf({ tags: { ofCopiesAndUploads: 'blanked' } });
    const tagged = { 'x-amz-tagging': 'a=1' };
    await send(`PUT /${bucket}/k`, { headers: tagged });
    const copy = { ...tagged, 'x-amz-copy-source': `${bucket}/k`, 'x-amz-tagging-directive': 'REPLACE' };
    await send(`PUT /${bucket}/new`, { headers: { ...copy, 'x-amz-metadata-directive': 'REPLACE' } });
    expect(await send(`GET /${bucket}/new?tagging`)).toMatchObject({ status: 200, text: '' });
    expect((await send(`HEAD /${bucket}/new`)).headers['x-amz-tagging-count']).toBe('0');
    await send(`PUT /${bucket}/kept`, { headers: copy });
    expect((await send(`GET /${bucket}/kept?tagging`)).text).toContain('<Key>a</Key>');
  });

  it('have no checksum and no encryption, and take more metadata', async () => {
    const bucket = await bucketOf({
      objects: { defaultChecksum: false, statesEncryption: false, maxMetadataBytes: 9000 },
    });
    const headers = { 'x-amz-meta-a': 'x'.repeat(8000) };
    expect((await send(`PUT /${bucket}/k`, { headers })).headers).not.toHaveProperty('x-amz-server-side-encryption');
    const read = await send(`GET /${bucket}/k`, { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect(Object.keys(read.headers).filter((name) => name.startsWith('x-amz-checksum'))).toEqual([]);
  });

  it('are unzipped on the way, without a length and without ranges, unless gzip is accepted', async () => {
    const bucket = await bucketOf({ objects: { gzip: 'undone' } });
    const zipped = gzipSync('abc'.repeat(100_000));
    await send(`PUT /${bucket}/k`, { body: zipped, headers: { 'content-encoding': 'gzip' } });
    const plain = await send(`GET /${bucket}/k`, { headers: { range: 'bytes=0-4' } });
    expect(plain.status).toBe(200);
    expect(plain.headers).not.toHaveProperty('content-length');
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(plain.text).toBe('abc'.repeat(100_000));
    const head = await send(`HEAD /${bucket}/k`);
    expect([head.status, head.headers['content-length'], head.headers['content-encoding']]).toEqual([
      200,
      undefined,
      undefined,
    ]);
    const stored = await send(`GET /${bucket}/k`, { headers: { range: 'bytes=0-4', 'accept-encoding': 'gzip' } });
    expect([stored.status, stored.headers['content-length'], stored.headers['content-encoding']]).toEqual([
      206,
      '5',
      'gzip',
    ]);
  });

  it('that are not zipped, but say so, end the connection', async () => {
    const bucket = await bucketOf({ objects: { gzip: 'undone' } });
    await send(`PUT /${bucket}/k`, { body: 'abc', headers: { 'content-encoding': 'gzip' } });
    await expect(send(`GET /${bucket}/k`)).rejects.toThrow();
  });

  it('that do not exist are not deleted, are hidden or shown, and some keys cannot exist', async () => {
    const answer = { status: 400, code: 'InvalidObjectName' };
    const deleteMissing = { status: 404, code: 'NoSuchKey' };
    const bucket = await bucketOf({ objects: { deleteMissing, refusedKeys: [{ keys: /\/\//, answer }] } });
    expect(await send(`DELETE /${bucket}/k`)).toMatchObject(deleteMissing);
    expect(await send(`PUT /${bucket}/a//b`)).toMatchObject(answer);
    expect((await send(`PUT /${bucket}/a/b`)).status).toBe(200);
    const hidden = await bucketOf({}, 'unlisted-hidden');
    const shown = await bucketOf({ objects: { missingUnlisted: 'shown' } }, 'unlisted-shown');
    expect((await send(`GET /${hidden}/k`)).code).toBe('AccessDenied');
    expect((await send(`GET /${shown}/k`)).code).toBe('NoSuchKey');
  });
});

describe('requests', () => {
  it('of operations that are lacking, or with headers that are refused, are refused', async () => {
    const lack = { status: 501, code: 'NotImplemented' };
    const answer = { status: 400, code: 'InvalidArgument', message: 'no tags here' };
    const bucket = await bucketOf({
      requests: {
        lacks: { GetObjectTagging: lack },
        refusedHeaders: [
          { names: ['x-amz-tagging'], on: ['PutObject'], answer },
          { names: ['x-amz-storage-class'], value: /GLACIER/, answer },
        ],
      },
    });
    expect(await send(`GET /${bucket}/k?tagging`)).toMatchObject(lack);
    const refused = await send(`PUT /${bucket}/k`, { headers: { 'x-amz-tagging': 'a=1' } });
    expect(refused).toMatchObject({ status: 400, code: 'InvalidArgument' });
    expect(elementOf(refused, 'Message')).toBe('no tags here');
    expect((await send(`POST /${bucket}/k?uploads`, { headers: { 'x-amz-tagging': 'a=1' } })).status).toBe(200);
    expect((await send(`PUT /${bucket}/k`, { headers: { 'x-amz-storage-class': 'GLACIER' } })).status).toBe(400);
    expect((await send(`PUT /${bucket}/k`, { headers: { 'x-amz-storage-class': 'STANDARD' } })).status).toBe(200);
  });

  it('have headers and parameters that are ignored, in all operations or in some', async () => {
    const bucket = await bucketOf({
      requests: {
        ignoredHeaders: [
          { names: ['if-none-match', 'x-amz-checksum-*'] },
          { names: ['x-amz-tagging'], on: ['PutObject'] },
        ],
        ignoredParameters: [{ names: ['partNumber'], on: ['HeadObject'] }],
      },
    });
    const headers = { 'if-none-match': '*', 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-tagging': 'a=1' };
    for (const body of ['abc', 'abd']) expect((await send(`PUT /${bucket}/k`, { body, headers })).status).toBe(200);
    expect((await send(`GET /${bucket}/k?tagging`)).text).not.toContain('<Tag>');
    expect((await send(`HEAD /${bucket}/k?partNumber=7`)).status).toBe(200);
    expect((await send(`GET /${bucket}/k?partNumber=7`)).status).toBe(416);
  });

  it.each([
    ['malformed', 400, 'AuthorizationHeaderMalformed'],
    ['permanent-redirect', 301, 'PermanentRedirect'],
    ['temporary-redirect', 307, 'TemporaryRedirect'],
  ] as const)('that are signed for another region: %s', async (otherRegion, status, code) => {
    const bucket = await bucketOf({ requests: { otherRegion } });
    const { HeadBucketCommand, ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const client = server.client({ region: 'eu-west-1', followRegionRedirects: false });
    const list = client.send(new ListObjectsV2Command({ Bucket: bucket }));
    await expect(list).rejects.toMatchObject({
      name: code,
      $metadata: { httpStatusCode: status },
      Region: 'us-east-1',
    });
    await expect(client.send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({
      $response: { headers: { 'x-amz-bucket-region': 'us-east-1' } },
    });
    await server.client().send(new HeadBucketCommand({ Bucket: bucket }));
  });
});

it('answers lack headers of S3, have others, and report errors in another way', async () => {
  const answer = { status: 400, code: 'InvalidPart' };
  const bucket = await bucketOf({
    answers: {
      omits: [
        { names: ['x-amz-id-2'] },
        { names: ['etag'], status: 304 },
        { names: ['accept-ranges'], on: ['HeadObject'] },
      ],
      adds: [
        { headers: { 'x-store': 'mine' }, to: 'successes' },
        { headers: { 'x-wrong': 'yes' }, on: ['GetObject'], to: 'errors' },
      ],
      errors: [{ code: 'NoSuchUpload', on: ['CompleteMultipartUpload'], answer }],
    },
  });
  await send(`PUT /${bucket}/k`);
  const { headers } = await send(`HEAD /${bucket}/k`);
  expect(headers).toMatchObject({ 'x-store': 'mine' });
  expect([headers['x-amz-id-2'], headers['accept-ranges']]).toEqual([undefined, undefined]);
  expect((await send(`GET /${bucket}/k`)).headers['accept-ranges']).toBe('bytes');
  expect((await send(`GET /${bucket}/none`)).headers).toMatchObject({ 'x-wrong': 'yes' });
  expect(await send(`POST /${bucket}/k?uploadId=1`, { body: complete(md5('a')) })).toMatchObject(answer);
  expect((await send(`GET /${bucket}/k?uploadId=1`)).code).toBe('NoSuchUpload');
});

it('a server has one personality, or one for each bucket', async () => {
  const oss = await startServer({ personality: personalities['aliyun-oss'], authorize: () => true });
  await ask(oss.port, 'PUT /bucket');
  const { headers } = await ask(oss.port, 'PUT /bucket/k', { body: 'abc' });
  await oss.stop();
  expect(headers['etag']).toBe(`"${md5('abc').toUpperCase()}"`);
});

it.each(Object.keys(personalities) as PersonalityName[])('%s: an object is stored and read', async (name) => {
  byBucket.set(`store-${name}`, personalities[name]);
  await send(`PUT /store-${name}`);
  expect((await send(`PUT /store-${name}/k`, { body: 'abc' })).status).toBe(200);
  expect((await send(`GET /store-${name}/k`)).text).toBe('abc');
});
