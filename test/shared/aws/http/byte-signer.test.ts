import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../../support/context.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { noAttributes } from '../../../support/objects.ts';
import { hostsOfEachTest } from '../../../support/store-calls.ts';
import { taskBetweenEndpoints } from '../../../support/tasks.ts';

/** Header bytes go through as they came: the emulator checks the signature over the bytes that arrive. */

let s3: LocalS3;
let store: S3ObjectStore;
const body = { data: Buffer.from('abc'), size: 3 };

beforeAll(async () => {
  s3 = await startLocalS3();
  s3.createBucket('bucket');
  const { endpoint } = s3;
  const side = {
    bucket: 'bucket',
    prefix: '',
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    requestPayer: false,
  };
  store = new S3ObjectStore(createS3Client(side, localKeys), side);
});

afterAll(() => s3.close());

/** Bytes that a header may have, as Node shows them: one character each. DEL is in no header that Node accepts. */
const byte = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
const value = fc.array(byte, { maxLength: 60 }).map((codes) => Buffer.from(codes).toString('latin1'));

/** Spaces and tabs around a value are not part of it. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

describe('header bytes', () => {
  it('from 0x20 to 0xff arrive as they were sent, with a valid signature', async () => {
    await fc.assert(
      fc.asyncProperty(value, value, async (first, second) => {
        const headers = { contentDisposition: `attachment; ${first}` };
        await store.put(objectKey('k'), body, { headers, metadata: { first, second }, tags: {} });
        const object = await store.head(objectKey('k'));
        expect(object?.metadata).toEqual({ first: trimmed(first), second: trimmed(second) });
        expect(object?.headers.contentDisposition).toBe(trimmed(`attachment; ${first}`));
        const open = await store.get(objectKey('k'));
        open?.body.destroy();
        expect(open?.info).toMatchObject({ metadata: object?.metadata, headers: object?.headers });
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    [
      'every byte',
      Buffer.from(Array.from({ length: 0xe0 }, (_, index) => 0x20 + index).filter((code) => code !== 0x7f)),
    ],
    ['UTF-8', Buffer.from('Größe, 船, ⛴️')],
    ['no-break spaces at the ends, in UTF-8', Buffer.from('\u00a0a\u00a0\u00a0b\u00a0')],
    ['no-break spaces in latin1', Buffer.from([0xa0, 0x61, 0xa0, 0xa0, 0x62, 0xa0])],
    ['latin1', Buffer.from('Größe', 'latin1')],
    ['broken UTF-8', Buffer.from([0xe8, 0x88, 0x20, 0xc3])],
  ])('(%s) are the same in an upload in parts and in a copy', async (_name, bytes) => {
    const text = bytes.toString('latin1');
    const attributes = { ...noAttributes, metadata: { text } };
    const { etag } = await store.put(objectKey('k'), body, attributes);
    await store.copy({ bucket: 'bucket', key: objectKey('k'), etag }, objectKey('copy'), attributes);
    const { uploadId } = await store.createUpload(objectKey('parts'), attributes);
    const part = await store.uploadPart({ key: objectKey('parts'), uploadId, number: 1 }, body);
    await store.completeUpload(objectKey('parts'), uploadId, [part], { size: 3 });
    for (const key of ['k', 'copy', 'parts'])
      expect((await store.head(objectKey(key)))?.metadata).toEqual({ text: trimmed(text) });
  });
});

describe('an object of a store that keeps raw bytes', () => {
  const hosts = hostsOfEachTest();

  it.each([Buffer.from('Größe 船'), Buffer.from('Größe', 'latin1')])('is copied with them (%j)', async (bytes) => {
    const raw = bytes.toString('latin1');
    const object = { 'content-length': '3', etag: '"900150983cd24fb0d6963f7d28e17f72"', 'x-amz-meta-a': raw };
    // Written to the socket: Node would change the bytes of Content-Disposition.
    const head = Object.entries({ ...object, 'content-disposition': `inline; ${raw}` })
      .map(([name, text]) => `${name}: ${text}\r\n`)
      .join('');
    hosts.hostile.answer = ({ method }) => ({
      raw: (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${method === 'HEAD' ? '' : 'abc'}`, 'latin1'),
    });
    const task = taskBetweenEndpoints({ tags: false, serverSideCopy: 'never' });
    const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), store);
    await transferObject(context, { task: 'hostile', key: objectKey('in/raw'), action: 'copy' });
    const copy = await store.head(objectKey('out/raw'));
    expect(Buffer.from(copy?.metadata['a'] ?? '', 'latin1')).toEqual(bytes);
    expect(copy?.headers.contentDisposition).toBe(`inline; ${raw}`);
  });
});
