import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CompleteMultipartUploadCommandInput,
  type CompleteMultipartUploadCommandOutput,
  type CreateMultipartUploadCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { combineChecksums } from '../../s3/digest/combine.ts';
import { digestOf } from '../../s3/digest/hashers.ts';
import { bytes, failure, plain, startServer, type Harness } from './harness.ts';

const mebibyte = 1024 * 1024;
const Bucket = 'multipart';
const first = bytes(5 * mebibyte, 7);
const second = bytes(5 * mebibyte + 3, 8);
const last = bytes(10, 9);
const whole = Buffer.concat([first, second, last]);
const md5 = (data: Buffer): Buffer => createHash('md5').update(data).digest();
const etagOf = (parts: Buffer[]): string => `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`;

// Ends a test that hangs; far longer than a test takes, because other work may share the machine.
jest.setTimeout(120_000);

let harness: Harness;
let s3: S3Client;

beforeAll(async () => {
  harness = await startServer();
  s3 = harness.client(plain);
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => harness.stop());

async function create(Key: string, extra: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> {
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...extra }));
  return UploadId;
}

async function send(
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  extra: object = {},
): Promise<CompletedPart> {
  const { ETag, ...sums } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...extra }));
  const checksums = Object.fromEntries(Object.entries(sums).filter(([name]) => /^Checksum(?!Type)/.test(name)));
  return { PartNumber, ETag, ...checksums };
}

async function complete(
  Key: string,
  UploadId: string,
  Parts: CompletedPart[],
  extra: Partial<CompleteMultipartUploadCommandInput> = {},
): Promise<CompleteMultipartUploadCommandOutput> {
  return s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...extra }));
}

async function read(Key: string, extra: object = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...extra }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

it('an object in parts has the time when its upload was initiated, as S3 states it', async () => {
  const initiated = Math.floor(Date.now() / 1000) * 1000;
  let now = initiated;
  const other = await startServer({ now: () => now });
  try {
    const client = other.client(plain);
    await client.send(new CreateBucketCommand({ Bucket }));
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'late' }));
    now += 60_000;
    const { ETag } = await client.send(
      new UploadPartCommand({ Bucket, Key: 'late', UploadId, PartNumber: 1, Body: last }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'late', UploadId, MultipartUpload }));
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'late' }));
    expect(head.LastModified?.getTime()).toBe(initiated);
  } finally {
    await other.stop();
  }
});

describe('a multipart upload', () => {
  it('accepts parts in any order and repeated, and creates the object that S3 would', async () => {
    const Key = 'whole';
    const id = await create(Key, {
      Metadata: { m: '1' },
      Tagging: 'a=b',
      ContentType: 'a/b',
      StorageClass: 'STANDARD_IA',
    });
    const c = await send(Key, id, 3, last);
    await send(Key, id, 1, last);
    const b = await send(Key, id, 2, second);
    const a = await send(Key, id, 1, first);
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key })))).status).toBe(404);
    const done = await complete(Key, id, [a, b, c], { MpuObjectSize: whole.length });
    expect(done.ETag).toBe(etagOf([first, second, last]));
    expect(done).toMatchObject({ Bucket, Key, ChecksumType: 'FULL_OBJECT' });
    expect(done.ChecksumCRC64NVME).toBe((await digestOf('CRC64NVME', whole)).toString('base64'));
    expect((await read(Key)).equals(whole)).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({
      ...{ ETag: done.ETag, ContentLength: whole.length, Metadata: { m: '1' }, TagCount: 1 },
      ...{ ContentType: 'a/b', StorageClass: 'STANDARD_IA' },
    });
    const across = await read(Key, { Range: `bytes=${5 * mebibyte - 2}-${10 * mebibyte + 4}` });
    expect(across.equals(whole.subarray(5 * mebibyte - 2, 10 * mebibyte + 5))).toBe(true);

    // A client that lost the answer asks again.
    expect((await complete(Key, id, [a, b, c])).ETag).toBe(done.ETag);
    expect((await failure(s3.send(new ListPartsCommand({ Bucket, Key, UploadId: id })))).name).toBe('NoSuchUpload');
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'new' }));
    expect((await failure(complete(Key, id, [a, b, c]))).name).toBe('NoSuchUpload');
  });

  it('makes an object that is readable by part number', async () => {
    const Key = 'layout';
    const id = await create(Key);
    const parts = [await send(Key, id, 2, first), await send(Key, id, 5, second), await send(Key, id, 9, last)];
    await complete(Key, id, parts);
    const sizes: (number | undefined)[] = [];
    for (const PartNumber of [1, 2, 3]) {
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber }));
      expect(head.PartsCount).toBe(3);
      sizes.push(head.ContentLength);
    }
    expect(sizes).toEqual([first.length, second.length, last.length]);
    expect((await read(Key, { PartNumber: 3 })).equals(last)).toBe(true);
    expect((await failure(s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 4 })))).status).toBe(416);
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key }))).PartsCount).toBeUndefined();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'single', Body: 'abc' }));
    const single = await s3.send(new HeadObjectCommand({ Bucket, Key: 'single', PartNumber: 1 }));
    expect(single).toMatchObject({ ContentLength: 3 });
    expect(single.PartsCount).toBeUndefined();
  });

  it('refuses the same requests as S3', async () => {
    const Key = 'refused';
    const id = await create(Key);
    const a = await send(Key, id, 1, last);
    const b = await send(Key, id, 2, last);
    expect((await failure(complete(Key, id, [a, b]))).name).toBe('EntityTooSmall');
    expect((await failure(complete(Key, id, [b, a]))).name).toBe('InvalidPartOrder');
    expect((await failure(complete(Key, id, [a, a]))).name).toBe('InvalidPartOrder');
    expect((await failure(complete(Key, id, [{ PartNumber: 1, ETag: '"x"' }]))).name).toBe('InvalidPart');
    expect((await failure(complete(Key, id, [{ PartNumber: 7, ETag: a.ETag }]))).name).toBe('InvalidPart');
    expect((await failure(complete(Key, id, []))).name).toBe('MalformedXML');
    expect((await failure(complete(Key, id, [a], { MpuObjectSize: 11 }))).name).toBe('InvalidRequest');
    expect((await failure(send(Key, id, 0, last))).name).toBe('InvalidArgument');
    expect((await failure(send(Key, id, 10_001, last))).name).toBe('InvalidArgument');
    expect((await failure(send('other', id, 1, last))).name).toBe('NoSuchUpload');
    await complete(Key, id, [a]);
    expect((await read(Key)).equals(last)).toBe(true);
  });

  it('is completed only if its conditions hold', async () => {
    const Key = 'conditions';
    const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
    const id = await create(Key);
    const part = await send(Key, id, 1, last);
    expect(await failure(complete(Key, id, [part], { IfNoneMatch: '*' }))).toEqual({
      name: 'PreconditionFailed',
      status: 412,
    });
    expect((await failure(complete(Key, id, [part], { IfMatch: '"x"' }))).status).toBe(412);
    await complete(Key, id, [part], { IfMatch: ETag });
    expect((await read(Key)).equals(last)).toBe(true);
  });

  it('does not exist after it was aborted', async () => {
    const id = await create('aborted');
    await send('aborted', id, 1, last);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId: id }));
    expect((await failure(send('aborted', id, 2, last))).name).toBe('NoSuchUpload');
    const again = new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId: id });
    expect((await failure(s3.send(again))).name).toBe('NoSuchUpload');
  });
});

describe('a listing', () => {
  it('returns parts in pages', async () => {
    const Key = 'pages';
    const id = await create(Key);
    for (const number of [1, 2, 3, 500, 10_000]) await send(Key, id, number, last);
    const seen: (number | undefined)[] = [];
    let PartNumberMarker: string | undefined;
    for (;;) {
      const input = { Bucket, Key, UploadId: id, MaxParts: 2, PartNumberMarker };
      const page = await s3.send(new ListPartsCommand(input));
      expect(page.Parts?.every((part) => part.Size === 10 && part.ETag === `"${md5(last).toString('hex')}"`)).toBe(
        true,
      );
      seen.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber));
      if (!page.IsTruncated) break;
      PartNumberMarker = page.NextPartNumberMarker;
    }
    expect(seen).toEqual([1, 2, 3, 500, 10_000]);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
  });

  it('returns uploads by key and time, in pages', async () => {
    const ids: [string, string][] = [];
    for (const key of ['l/b', 'l/a', 'l/a', 'l/\u{1f600}', 'l/\ufffd', 'm']) ids.push([key, await create(key)]);
    const [b, a1, a2, emoji, replacement] = ids.map(([, id]) => id);
    const a = [a1, a2].toSorted();
    const seen: (string | undefined)[] = [];
    let markers = {};
    for (;;) {
      const page = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'l/', MaxUploads: 2, ...markers }));
      seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
      if (!page.IsTruncated) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(seen).toEqual([...a, b, replacement, emoji]);
    const after = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'l/', KeyMarker: 'l/a' }));
    expect(after.Uploads?.map(({ UploadId }) => UploadId)).toEqual([b, replacement, emoji]);
  });
});

describe('UploadPartCopy', () => {
  it('copies all or a range of an unchanged source', async () => {
    const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: whole }));
    const Key = 'assembled';
    const UploadId = await create(Key);
    const copy = async (PartNumber: number, extra: object): Promise<CompletedPart> => {
      const input = { Bucket, Key, UploadId, PartNumber, CopySource: `${Bucket}/source`, ...extra };
      const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(input));
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const a = await copy(1, { CopySourceRange: `bytes=3-${6 * mebibyte}`, CopySourceIfMatch: ETag });
    const b = await copy(2, {});
    expect(b.ETag).toBe(ETag);
    expect((await failure(copy(3, { CopySourceIfMatch: '"x"' }))).status).toBe(412);
    expect((await failure(copy(3, { CopySourceRange: `bytes=0-${whole.length}` }))).name).toBe('InvalidArgument');
    const done = await complete(Key, UploadId, [a, b]);
    const expected = [whole.subarray(3, 6 * mebibyte + 1), whole];
    expect(done.ETag).toBe(etagOf(expected));
    expect((await read(Key)).equals(Buffer.concat(expected))).toBe(true);
  });

  it('reproduces the ETag of a multipart object from its parts', async () => {
    const id = await create('laid');
    const parts = [await send('laid', id, 1, first), await send('laid', id, 2, last)];
    const { ETag } = await complete('laid', id, parts);
    const UploadId = await create('same');
    const copied: CompletedPart[] = [];
    for (const [PartNumber, range] of [
      [1, `bytes=0-${5 * mebibyte - 1}`],
      [2, `bytes=${5 * mebibyte}-${5 * mebibyte + 9}`],
    ] as const) {
      const input = { Bucket, Key: 'same', UploadId, PartNumber, CopySource: `${Bucket}/laid`, CopySourceRange: range };
      copied.push({ PartNumber, ETag: (await s3.send(new UploadPartCopyCommand(input))).CopyPartResult?.ETag });
    }
    expect((await complete('same', UploadId, copied)).ETag).toBe(ETag);
    expect((await read('same')).equals(Buffer.concat([first, last]))).toBe(true);
  });
});

describe('the checksum of a multipart object', () => {
  const crcOf = (data: Buffer): string => {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(crc32(data));
    return value.toString('base64');
  };

  it('is combined from the parts and verified, as FULL_OBJECT', async () => {
    const Key = 'full';
    const kind = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const id = await create(Key, kind);
    expect((await failure(send(Key, id, 1, first))).name).toBe('InvalidRequest');
    expect((await failure(send(Key, id, 1, first, { ChecksumAlgorithm: 'SHA1' }))).name).toBe('InvalidRequest');
    const a = await send(Key, id, 1, first, { ChecksumCRC32: crcOf(first) });
    const b = await send(Key, id, 2, last, { ChecksumAlgorithm: 'CRC32' });
    const object = Buffer.concat([first, last]);
    const wrong = { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: crcOf(first) } as const;
    expect((await failure(complete(Key, id, [a, b], wrong))).name).toBe('BadDigest');
    const composite = { ChecksumType: 'COMPOSITE' } as const;
    expect((await failure(complete(Key, id, [a, b], composite))).name).toBe('InvalidRequest');
    const right = { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: crcOf(object) } as const;
    const done = await complete(Key, id, [a, b], right);
    expect(done).toMatchObject({ ChecksumCRC32: crcOf(object), ChecksumType: 'FULL_OBJECT' });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ChecksumCRC32: crcOf(object), ChecksumType: 'FULL_OBJECT' });
    const validating = harness.client();
    const got = await validating.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect((await got.Body?.transformToByteArray())?.length).toBe(object.length);
  });

  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    'is computed over the checksums of the parts, as COMPOSITE %s',
    async (algorithm) => {
      const Key = `composite-${algorithm}`;
      const id = await create(Key, { ChecksumAlgorithm: algorithm });
      const a = await send(Key, id, 1, first, { ChecksumAlgorithm: algorithm });
      const b = await send(Key, id, 2, last, { ChecksumAlgorithm: algorithm });
      const bare = [a, b].map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
      expect((await failure(complete(Key, id, bare))).name).toBe('InvalidRequest');
      const done = await complete(Key, id, [a, b]);
      const sums = await Promise.all([first, last].map((data) => digestOf(algorithm, data)));
      const expected = `${(await digestOf(algorithm, Buffer.concat(sums))).toString('base64')}-2`;
      expect(done).toMatchObject({ [`Checksum${algorithm}`]: expected, ChecksumType: 'COMPOSITE' });
    },
  );

  it('is that of a default SDK client', async () => {
    const Key = 'sdk-default';
    const client = harness.client();
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const Parts: CompletedPart[] = [];
    for (const [i, Body] of [first, last].entries()) {
      const input = { Bucket, Key, UploadId, PartNumber: i + 1, Body };
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(input));
      Parts.push({ PartNumber: i + 1, ETag, ChecksumCRC32 });
    }
    const input = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    expect((await client.send(new CompleteMultipartUploadCommand(input))).ETag).toBe(etagOf([first, last]));
  });

  it('is refused for a pair of algorithm and type that S3 does not support', async () => {
    expect((await failure(create('no', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }))).name).toBe(
      'InvalidRequest',
    );
    expect((await failure(create('no', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }))).name).toBe(
      'InvalidRequest',
    );
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    '%s combined from pieces equals that of the whole',
    async (algorithm) => {
      for (const cuts of [[0], [1], [5, 5], [1, 8, 9, 4096], [5 * mebibyte, 6 * mebibyte]]) {
        const edges = [0, ...cuts, whole.length];
        const pieces = edges.slice(1).map((end, i) => whole.subarray(edges[i], end));
        const parts = await Promise.all(
          pieces.map(async (piece) => ({
            value: (await digestOf(algorithm, piece)).toString('base64'),
            size: piece.length,
          })),
        );
        const { value } = await combineChecksums(algorithm, 'FULL_OBJECT', parts);
        expect(value).toBe((await digestOf(algorithm, whole)).toString('base64'));
      }
      const check = { CRC32: 'cbf43926', CRC32C: 'e3069283', CRC64NVME: 'ae8b14860a799888' }[algorithm];
      expect((await digestOf(algorithm, Buffer.from('123456789'))).toString('hex')).toBe(check);
    },
  );
});
