import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { encodeKey } from '../../s3/http/uri.ts';
import { afterPrefix, compareKeys } from '../../s3/store/keys.ts';
import { failure, startServer, type Harness } from './harness.ts';

const zoo = [
  ...[
    'plain',
    'a//b',
    'a/',
    'a/b',
    '/leading',
    '//two',
    'trailing/',
    '..',
    '.',
    '../up',
    'a/../b',
    './here',
    ' ',
    '  ',
  ],
  ...['a b', 'a+b', 'a%2Fb', '%2F', '%', 'a%20b', '%zz', 'q?x=1&y', 'hash#tag', 'semi;colon', "quote'", 'double"quote'],
  ...[
    'amp&lt;',
    '<xml>',
    '\n',
    'line\nbreak',
    'cr\r\nlf',
    '\t',
    '\u0001',
    'del\u007f',
    'nbsp\u00a0',
    'é',
    'e\u0301',
    'ü/ß',
  ],
  ...[
    '\ufffe',
    '\uffff',
    '\ufffd',
    '\ue000',
    '\u{1f600}',
    '\u{10ffff}',
    '中文/文件',
    '~tilde',
    '*star',
    "(!')",
    '\\back',
    '{}|^`',
  ],
  ...['x'.repeat(1024), 'é'.repeat(512), '\u{1f600}'.repeat(256), 'constructor', '__proto__', '-', '_'],
];

/** Undoes `encoding-type=url`. */
const decode = (key: string | undefined): string => decodeURIComponent((key ?? '').replaceAll('+', ' '));

// Ends a test that hangs; far longer than a test takes, because other work may share the machine.
jest.setTimeout(120_000);

let harness: Harness;
let s3: S3Client;

beforeAll(async () => {
  harness = await startServer();
  s3 = harness.client();
  for (const Bucket of ['zoo', 'tree']) await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => harness.stop());

async function listAll(
  input: ListObjectsV2CommandInput,
): Promise<{ keys: string[]; prefixes: string[]; pages: number }> {
  const found = { keys: [] as string[], prefixes: [] as string[], pages: 0 };
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ EncodingType: 'url', ...input, ContinuationToken }));
    found.keys.push(...(page.Contents ?? []).map(({ Key }) => decode(Key)));
    found.prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix)));
    found.pages++;
    expect(page.KeyCount).toBe((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0));
    ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
  return found;
}

describe('every legal key', () => {
  it('is stored exactly and listed in UTF-8 byte order', async () => {
    for (const Key of zoo) await s3.send(new PutObjectCommand({ Bucket: 'zoo', Key, Body: `<${Key}>` }));
    for (const Key of zoo) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'zoo', Key }));
      expect(await Body?.transformToString()).toBe(`<${Key}>`);
    }
    const sorted = zoo.toSorted(compareKeys);
    expect((await listAll({ Bucket: 'zoo' })).keys).toEqual(sorted);
    expect((await listAll({ Bucket: 'zoo', MaxKeys: 7 })).keys).toEqual(sorted);
    for (const StartAfter of sorted) {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: 'zoo', StartAfter, MaxKeys: 1, EncodingType: 'url' }),
      );
      expect((page.Contents ?? []).map(({ Key }) => decode(Key))).toEqual(
        sorted.slice(sorted.indexOf(StartAfter)).slice(1, 2),
      );
    }
  });

  it('is listed unencoded if XML allows its characters', async () => {
    // The SDK's own XML reader drops text that is only a line end.
    const speakable = zoo.filter((key) => !/[\ufffe\uffff]|^\n$/.test(key));
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'zoo' }));
    const listed = new Set(Contents?.map(({ Key }) => Key));
    expect(speakable.filter((key) => !listed.has(key))).toEqual([]);
  });

  it('is refused if longer than 1,024 bytes', async () => {
    const put = new PutObjectCommand({ Bucket: 'zoo', Key: `${'é'.repeat(512)}x`, Body: 'x' });
    expect((await failure(s3.send(put))).name).toBe('KeyTooLongError');
  });
});

describe('a listing', () => {
  const keys = ['a', 'a/1', 'a/2/x', 'a/2/y', 'a/3', 'b/1', 'b/2', 'c', 'd//e', 'd/f', '\u{1f600}/1', '\ufffe/1'];

  beforeAll(async () => {
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: 'tree', Key, Body: Key }));
  });

  it.each([1, 2, 3, 1000])('groups by delimiter in pages of %i', async (MaxKeys) => {
    const top = await listAll({ Bucket: 'tree', Delimiter: '/', MaxKeys });
    expect(top.keys).toEqual(['a', 'c']);
    expect(top.prefixes).toEqual(['a/', 'b/', 'd/', '\ufffe/', '\u{1f600}/']);
    expect(top.pages).toBe(Math.ceil(7 / MaxKeys));
    const inner = await listAll({ Bucket: 'tree', Delimiter: '/', Prefix: 'a/', MaxKeys });
    expect(inner).toMatchObject({ keys: ['a/1', 'a/3'], prefixes: ['a/2/'] });
    const doubled = await listAll({ Bucket: 'tree', Delimiter: '/', Prefix: 'd/', MaxKeys });
    expect(doubled).toMatchObject({ keys: ['d/f'], prefixes: ['d//'] });
    expect((await listAll({ Bucket: 'tree', Prefix: 'a/2', MaxKeys })).keys).toEqual(['a/2/x', 'a/2/y']);
    expect((await listAll({ Bucket: 'tree', Delimiter: '2/', MaxKeys })).prefixes).toEqual(['a/2/']);
  });

  it('starts after a key', async () => {
    expect((await listAll({ Bucket: 'tree', StartAfter: 'b/1', Delimiter: '/' })).prefixes[0]).toBe('b/');
    expect((await listAll({ Bucket: 'tree', StartAfter: 'a/3', Prefix: 'a/' })).keys).toEqual([]);
    expect((await listAll({ Bucket: 'tree', StartAfter: 'A', Prefix: 'b' })).keys).toEqual(['b/1', 'b/2']);
  });

  it('shows ETag, size, date and class', async () => {
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'tree', MaxKeys: 1, FetchOwner: true }));
    expect(Contents?.[0]).toMatchObject({ Key: 'a', Size: 1, StorageClass: 'STANDARD', ChecksumType: 'FULL_OBJECT' });
    expect(Contents?.[0]?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it('checks max-keys', async () => {
    const none = await s3.send(new ListObjectsV2Command({ Bucket: 'tree', MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
    expect((await failure(s3.send(new ListObjectsV2Command({ Bucket: 'tree', MaxKeys: -1 })))).name).toBe(
      'InvalidArgument',
    );
    const bad = new ListObjectsV2Command({ Bucket: 'tree', ContinuationToken: 'junk' });
    expect((await failure(s3.send(bad))).name).toBe('InvalidArgument');
  });

  it('returns pages by marker in version 1', async () => {
    const seen: string[] = [];
    let Marker: string | undefined;
    for (;;) {
      const input = { Bucket: 'tree', Delimiter: '/', MaxKeys: 1, EncodingType: 'url', Marker } as const;
      const page = await s3.send(new ListObjectsCommand(input));
      seen.push(
        ...[...(page.Contents ?? []).map((o) => o.Key), ...(page.CommonPrefixes ?? []).map((p) => p.Prefix)].map(
          decode,
        ),
      );
      if (!page.IsTruncated) break;
      Marker = decode(page.NextMarker);
    }
    expect(seen).toEqual(['a', 'a/', 'b/', 'c', 'd/', '\ufffe/', '\u{1f600}/']);
  });
});

describe('afterPrefix', () => {
  it.each([
    ['a/', 'a0'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', undefined],
    ['', undefined],
  ])('for %j returns %j', (prefix, after) => {
    expect(afterPrefix(prefix)).toBe(after);
  });
});

describe('encodeKey', () => {
  it('encodes as S3 does in listings and events', () => {
    expect(encodeKey("a b+c/d~e*(f)'é%")).toBe('a+b%2Bc/d%7Ee*%28f%29%27%C3%A9%25');
  });
});
