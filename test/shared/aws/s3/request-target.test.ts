import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { targetFault } from '../../../../shared/aws/s3/request-target.ts';
import type { SdkRequest } from '../../../../shared/aws/http/request.ts';
import { objectKey, type ObjectKey } from '../../../../shared/model/object-key.ts';
import type { CopySource, ObjectStore, PartAddress } from '../../../../shared/ports/object-store.ts';
import { MemoryObjectStore } from '../../../../shared/ports/memory/object-store.ts';
import { MemoryStorage } from '../../../../shared/ports/memory/storage.ts';
import { failureOf } from '../../../support/failure.ts';
import { HostileStore } from '../../../support/hostile-store.ts';
import { keyArbitrary, unchecked } from '../../../support/keys.ts';
import { keyZoo } from '../../../support/key-zoo.ts';
import { noAttributes } from '../../../support/objects.ts';

const k = objectKey('k');
const three = { data: Buffer.from('abc'), size: 3 };

type KeyCall = (store: ObjectStore, key: ObjectKey) => Promise<unknown>;

/** Every call about an object, with the method and the query that make it this call. */
const calls: readonly (readonly [name: string, method: string, query: RegExp, call: KeyCall])[] = [
  ['HeadObject', 'HEAD', /^$/, (store, key) => store.head(key)],
  ['GetObject', 'GET', /^x-id=GetObject$/, (store, key) => store.get(key, { ifMatch: 'e' })],
  ['GetObjectTagging', 'GET', /^tagging(=|$)/, (store, key) => store.tags(key)],
  ['PutObject', 'PUT', /^x-id=PutObject$/, (store, key) => store.put(key, three, noAttributes)],
  ['DeleteObject', 'DELETE', /^x-id=DeleteObject$/, (store, key) => store.delete(key)],
  ['CopyObject', 'PUT', /^x-id=CopyObject$/, (store, key) => store.copy(from(k), key, noAttributes)],
  ['CreateMultipartUpload', 'POST', /^uploads(=|$)/, (store, key) => store.createUpload(key, noAttributes)],
  ['UploadPart', 'PUT', /^partNumber=1&uploadId=U/, (store, key) => store.uploadPart(part(key), three)],
  ['UploadPartCopy', 'PUT', /^partNumber=1&uploadId=U/, (store, key) => store.copyPart(part(key), from(k), 0, 3)],
  ['ListParts', 'GET', /&uploadId=U/, (store, key) => store.listParts(key, 'U')],
  ['CompleteMultipartUpload', 'POST', /^uploadId=U/, (store, key) => store.completeUpload(key, 'U', [], { size: 3 })],
  ['AbortMultipartUpload', 'DELETE', /^uploadId=U/, (store, key) => store.abortUpload(key, 'U')],
];

function from(key: ObjectKey): CopySource {
  return { bucket: 'source', key, etag: 'e' };
}

function part(key: ObjectKey): PartAddress {
  return { key, uploadId: 'U', number: 1 };
}

const noKeys = ['', 'x'.repeat(1025), '\ud800'] as const;

describe('an object call on the wire', () => {
  let server: HostileStore;
  beforeEach(async () => (server = await HostileStore.open(() => ({ status: 418 }))));
  afterEach(() => server.close());

  it.each(calls)('%s is refused without a key, and nothing is sent', async (_name, _method, _query, call) => {
    for (const key of noKeys) {
      expect(await failureOf(call(server.store(), unchecked(key)))).toMatchObject({ name: 'InvalidInput' });
    }
    expect(server.asked).toEqual([]);
  });

  it('refuses a copy whose source has no key', async () => {
    const store = server.store();
    const copies = [
      store.copy(from(unchecked('')), k, noAttributes),
      store.copyPart(part(k), from(unchecked('')), 0, 3),
    ];
    for (const copy of copies) expect(await failureOf(copy)).toMatchObject({ name: 'InvalidInput' });
    expect(server.asked).toEqual([]);
  });

  it('refuses to end, fill or list an upload without an ID, which would delete, write or read the object', async () => {
    const store = server.store();
    const ways = [
      store.abortUpload(k, ''),
      store.listParts(k, ''),
      store.uploadPart({ ...part(k), uploadId: '' }, three),
      store.completeUpload(k, '', [], { size: 3 }),
    ];
    for (const way of ways) expect(await failureOf(way)).toMatchObject({ name: 'InvalidInput' });
    expect(server.asked).toEqual([]);
  });

  it.each(calls)('%s names exactly its bucket and key, whatever the key', async (_name, method, query, call) => {
    for (const path of ['', '/base/path/']) {
      const store = server.store({ endpoint: `${server.endpoint}${path}` });
      const check = async (key: string): Promise<void> => {
        server.asked.length = 0;
        await failureOf(call(store, objectKey(key)));
        expect(server.asked.length).toBeGreaterThan(0);
        const base = path.replace(/\/$/, '');
        for (const one of server.asked) {
          const [way = '', search = ''] = one.target.split(/\?(.*)/s);
          expect(way.startsWith(`${base}/bucket/`)).toBe(true);
          expect(decodeURIComponent(way.slice(`${base}/bucket/`.length))).toBe(key);
          expect(one.method).toBe(method);
          expect(search).toMatch(query);
        }
      };
      for (const key of [...keyZoo, '?uploads', '?delete', '%2e%2e', 'a/..', './']) await check(key);
      await fc.assert(fc.asyncProperty(keyArbitrary, check), { numRuns: 20 });
    }
  });
});

describe('targetFault', () => {
  const request = (more: Partial<SdkRequest> = {}): SdkRequest => ({
    ...{ method: 'DELETE', protocol: 'https:', hostname: 'h', path: '/b/k', headers: {}, query: {} },
    ...more,
  });
  const named = { Bucket: 'b', Key: 'k' };

  it.each([
    ['path style', request(), ''],
    ['path style below a base path', request({ path: '/base/b/k' }), '/base'],
    ['a virtual host', request({ hostname: 'b.s3.amazonaws.com', path: '/k' }), ''],
    ['a virtual host below a base path', request({ hostname: 'b.h', path: '/base/k' }), '/base'],
  ])('lets an object call in %s pass', (_title, one, base) => {
    expect(targetFault('DeleteObject', named, one, base)).toBeUndefined();
  });

  it.each([
    ['the bucket', request({ path: '/b' })],
    ['the bucket with a slash', request({ path: '/b/' })],
    ['the root of a virtual host', request({ hostname: 'b.h', path: '/' })],
    ['another key', request({ path: '/b/other' })],
    ['a key at the root of a host that is not the bucket’s', request({ path: '/k' })],
    ['another method', request({ method: 'PUT' })],
    ['a sub-resource', request({ query: { lifecycle: '' } })],
    ['an upload', request({ query: { uploadId: 'U' } })],
  ])('refuses a delete of %s', (_title, one) => {
    expect(targetFault('DeleteObject', named, one, '')).toBeDefined();
  });

  it.each(['RestoreObject', 'constructor'])('refuses any other operation, %s, whose key is not in its path', (name) => {
    expect(targetFault(name, named, request(), '')).toBeUndefined();
    expect(targetFault(name, named, request({ path: '/b' }), '')).toBe('its path would be "/b"');
    expect(targetFault(name, { Bucket: 'b', Key: '' }, request({ path: '/b/' }), '')).toContain('it names no object');
  });

  it('refuses a bucket call that would create or delete the bucket', () => {
    expect(targetFault('ListObjectsV2', named, request(), '')).toBe('it would be sent as DELETE');
    const put = request({ method: 'PUT', path: '/b' });
    expect(targetFault('PutBucketNotificationConfiguration', named, put, '')).toContain('it does not say');
  });

  it('refuses a copy without a source, which would be a write', () => {
    const put = request({ method: 'PUT' });
    expect(targetFault('CopyObject', named, put, '')).toBe('it names no source, so that it would be a write');
    const headers = { 'x-amz-copy-source': 'bucket/' };
    expect(targetFault('CopyObject', named, { ...put, headers }, '')).toBe('its source has no key');
  });
});

describe('the store in memory', () => {
  it.each(calls)('refuses %s without a key', async (_name, _method, _query, call) => {
    const storage = new MemoryStorage();
    storage.createBucket('bucket');
    for (const key of noKeys) {
      const store = new MemoryObjectStore(storage, 'bucket');
      expect(await failureOf(call(store, unchecked(key)))).toMatchObject({ name: 'InvalidInput' });
    }
  });
});
