import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '../../shared/model/faults.ts';
import { MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { keyZoo } from '../support/key-zoo.ts';
import { keyArbitrary } from '../support/keys.ts';
import { contextOf } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { noAttributes } from '../support/objects.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { errorXml, HostileStore, type Asked, type Reply } from '../support/hostile-store.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { unchecked } from '../support/keys.ts';

/** Keys that climb, look like URLs, queries or sub-resources, or like what JavaScript has already. */
const hostileKeys: readonly string[] = [
  ...keyZoo,
  '../../../other-bucket/x',
  '../bucket2/..',
  './.',
  '%2e%2e/%2e%2e/x',
  '..%2Fx',
  '%2F%2Fevil.example/x',
  '/evil.example/x',
  '//evil.example/x',
  'http://evil.example/x',
  '@evil.example',
  '..\\..\\x',
  '\0',
  'a\0b',
  '\r\nHost: evil.example\r\n\r\n',
  ' HTTP/1.1\r\nX: y',
  '?uploads',
  '?acl',
  'x?x-id=DeleteObject',
  'x&uploadId=1',
  '#fragment',
  ';param',
  '__proto__',
  'constructor',
  'toString',
  '\u001b[2J\u009b31m',
  '\u202egpj.exe',
  '\ufffe\uffff',
].filter((key) => Buffer.byteLength(`out/${key}`) <= 1024);

const data = 'abc';
const md5 = '900150983cd24fb0d6963f7d28e17f72';
const object = {
  'content-length': '3',
  etag: `"${md5}"`,
  'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
  'x-amz-tagging-count': '0',
};

/** The path of a key as it has to be on the wire: every byte of it, percent-encoded, nothing resolved. */
function pathOf(key: string): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `/bucket/${key.split('/').map(encode).join('/')}`;
}

const gone = ({ method }: Asked): Reply =>
  method === 'HEAD' || method === 'GET' ? { status: 404 } : { status: 200, headers: { etag: `"${md5}"` } };

describe('a key between source and destination', () => {
  let source: HostileStore;
  let destination: HostileStore;
  let sides: [ObjectStore, ObjectStore];

  beforeAll(async () => {
    source = await HostileStore.open();
    destination = await HostileStore.open();
    sides = [source.store({ bucket: 'source' }), destination.store()];
  });

  beforeEach(() => {
    source.answer = () => ({ headers: object, body: data });
    destination.answer = gone;
    source.asked.length = 0;
    destination.asked.length = 0;
  });

  afterAll(async () => {
    await source.close();
    await destination.close();
  });

  const settings = { events: 'none', deletes: true };
  const transfer = (key: string, action: 'copy' | 'delete' = 'copy', more = {}) => {
    const context = contextOf(taskBetweenEndpoints({ ...settings, ...more }), ...sides);
    return transferObject(context, { task: 'hostile', key: unchecked(key), action, size: 3 });
  };

  it.each(hostileKeys)('%j is written under the prefix and nowhere else', async (rest) => {
    await transfer(`in/${rest}`);
    expect(destination.writes).toEqual([`PUT ${pathOf(`out/${rest}`)}?x-id=PutObject`]);
  });

  it.each(hostileKeys)('%j is deleted under the prefix and nowhere else', async (rest) => {
    source.answer = () => ({ status: 404 });
    destination.answer = ({ method }) => (method === 'HEAD' ? { headers: object } : { status: 204 });
    await transfer(`in/${rest}`, 'delete');
    expect(destination.writes).toEqual([`DELETE ${pathOf(`out/${rest}`)}?x-id=DeleteObject`]);
  });

  it.each(hostileKeys)('%j is uploaded in parts under the prefix and nowhere else', async (rest) => {
    const etag = `"${'0'.repeat(32)}-1"`;
    source.answer = ({ headers }) =>
      headers.range === undefined
        ? { headers: { ...object, etag } }
        : { status: 206, headers: { ...object, etag, 'content-range': 'bytes 0-2/3' }, body: data };
    const parts = `<Part><PartNumber>1</PartNumber><ETag>${md5}</ETag><Size>3</Size></Part>`;
    const listed = { body: `<ListPartsResult>${parts}</ListPartsResult>` };
    const created = {
      body: '<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>',
    };
    const completed = {
      body: `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    };
    let isComplete = false;
    destination.answer = ({ method, query }) => {
      if (method === 'HEAD') return isComplete ? { headers: { ...object, etag } } : { status: 404 };
      if (method === 'PUT') return { headers: { etag: md5 } };
      if (method === 'GET') return listed;
      isComplete = method === 'POST' && query.has('uploadId');
      return isComplete ? completed : created;
    };
    await transfer(`in/${rest}`, 'copy', { tags: false });
    const path = pathOf(`out/${rest}`);
    expect(destination.writes).toEqual([
      `POST ${path}?uploads=`,
      `PUT ${path}?partNumber=1&uploadId=U&x-id=UploadPart`,
      `POST ${path}?uploadId=U`,
    ]);
  });

  it('arrives byte for byte, for random keys', async () => {
    await fc.assert(
      fc.asyncProperty(keyArbitrary, async (rest) => {
        destination.asked.length = 0;
        await transfer(`in/${rest}`);
        expect(destination.writes).toEqual([`PUT ${pathOf(`out/${rest}`)}?x-id=PutObject`]);
        const [path = ''] = (destination.asked.at(-1)?.target ?? '').split('?');
        expect(decodeURIComponent(path)).toBe(`/bucket/out/${rest}`);
      }),
      { numRuns: 100 },
    );
  });

  it('is copied inside a store from exactly the source key', async () => {
    const one = await HostileStore.open(({ method, target, headers }) => {
      const isPinned = headers['x-amz-copy-source-if-match'] !== `"${'0'.repeat(32)}"`;
      if (method === 'PUT' && !isPinned) return { status: 412, body: errorXml('PreconditionFailed', 'changed') };
      if (method === 'PUT') return { body: `<CopyObjectResult><ETag>${md5}</ETag></CopyObjectResult>` };
      return target.startsWith('/source/') ? { headers: object } : { status: 404 };
    });
    try {
      const side = { endpoint: one.endpoint };
      const task = taskBetweenEndpoints({ source: side, destination: side, tags: false });
      const context = contextOf(task, one.store({ bucket: 'source' }), one.store());
      // The first copy also asks the store whether it compares the version.
      await context.destination.copy(
        { bucket: 'source', key: objectKey('k'), etag: 'e' },
        objectKey('k'),
        noAttributes,
      );
      for (const rest of hostileKeys) {
        one.asked.length = 0;
        await transferObject(context, { task: 'hostile', key: objectKey(`in/${rest}`), action: 'copy', size: 3 });
        expect(one.writes).toEqual([`PUT ${pathOf(`out/${rest}`)}?x-id=CopyObject`]);
        const copied = one.asked.find(({ method }) => method === 'PUT')?.headers['x-amz-copy-source'];
        expect(decodeURIComponent(String(copied))).toBe(`source/in/${rest}`);
        expect(copied).toMatch(/^[\x21-\x7e]+$/);
        expect(String(copied)).not.toContain('?');
      }
    } finally {
      await one.close();
    }
  });

  it.each(['', 'i', 'in', 'out/x', '../in/x', 'IN/x', '/in/x', 'in\u0000/x'])(
    '%j, outside the source prefix, causes no request',
    async (key) => {
      const failure = await failureOf(transfer(key));
      expect(isFault(failure, 'InvalidInput')).toBe(true);
      expect(destination.asked).toEqual([]);
    },
  );

  it('is refused if it is too long under the destination prefix', async () => {
    const failure = await failureOf(transfer(`in/${'x'.repeat(1021)}`));
    expect(failure.message).toContain('has 1025 bytes, S3 allows 1024');
    expect(destination.asked).toEqual([]);
  });

  it('of a large object that is streamed is written under the prefix and nowhere else', async () => {
    source.answer = ({ method }) => ({
      headers: { ...object, 'content-length': String(65 * MiB) },
      ...(method === 'GET' && { body: Buffer.alloc(65 * MiB) }),
    });
    // Its ETag proves nothing at a foreign store, so it goes in parts, whose digests the store confirms.
    const failure = await failureOf(transfer('in/../..', 'copy', { largeObjectThreshold: 128 * MiB }));
    expect(failure.message).toContain('CreateMultipartUpload bucket: "out/../.."');
    expect(new Set(destination.writes)).toEqual(new Set(['POST /bucket/out/../..?uploads=']));
  });
});
