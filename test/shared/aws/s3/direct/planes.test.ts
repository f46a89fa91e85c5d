import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { objectKey } from '../../../../../shared/model/object-key.ts';
import { isFault } from '../../../../../shared/model/faults.ts';
import type { ObjectStore } from '../../../../../shared/ports/object-store.ts';
import { errorXml, HostileStore, listingXml, type Asked, type Reply } from '../../../../support/hostile-store.ts';
import { noAttributes } from '../../../../support/objects.ts';

/**
 * Calls that are made directly, and the same calls made by the SDK: what is sent and what comes of an answer are the
 * same.
 */

let host: HostileStore;
let direct: ObjectStore;
let bySdk: ObjectStore;

beforeAll(async () => {
  host = await HostileStore.open();
  direct = host.store();
  bySdk = host.store({ dataPlane: 'sdk' });
});

afterAll(() => host.close());

type Call = (store: ObjectStore) => Promise<unknown>;

/** What came of a call: its result, or the fault and its message. */
async function outcomeOf(call: Call, store: ObjectStore): Promise<unknown> {
  try {
    return await call(store);
  } catch (error) {
    return isFault(error) ? { fault: error.name, message: error.message } : { error };
  }
}

const volatile = [
  ...['authorization', 'x-amz-date', 'user-agent', 'x-amz-user-agent', 'amz-sdk-invocation-id', 'amz-sdk-request'],
];

/** A request without what differs from one call to the next. */
function sent({ method, target, headers, body }: Asked): unknown {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !volatile.includes(name)));
  return { method, target, headers: kept, body: body.toString('base64') };
}

/** Makes a call both ways. @returns what each sent, and what came of it */
async function both(call: Call, reply: Reply): Promise<[unknown, unknown]> {
  host.answer = () => reply;
  const made = async (store: ObjectStore): Promise<unknown> => {
    host.asked.length = 0;
    const outcome = await outcomeOf(call, store);
    return { outcome, requests: host.asked.map(sent) };
  };
  return [await made(direct), await made(bySdk)];
}

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => objectKey(text));
const etag = fc.stringMatching(/^[0-9a-f]{32}(-[1-9])?$/);
const header = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
const metadata = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), header, { maxKeys: 3 });
const attributes = fc.record({
  headers: fc.record(
    {
      contentType: header,
      contentEncoding: header,
      contentLanguage: header,
      contentDisposition: header,
      cacheControl: header,
      expires: header,
      websiteRedirect: header,
    },
    { requiredKeys: [] },
  ),
  metadata,
  tags: fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 2 }),
});
const body = fc
  .record({ data: bytes, md5: fc.option(fc.constant('nc+/5pNlHkYbZ4XyHrsd5w=='), { nil: undefined }) })
  .map(({ data, md5 }) => ({ data, size: data.length, ...(md5 !== undefined && { md5 }) }));

const calls: fc.Arbitrary<Call> = fc.oneof(
  fc
    .tuple(
      key,
      fc.record(
        { versionId: header, partNumber: fc.integer({ min: 1, max: 9 }), checksum: fc.boolean() },
        { requiredKeys: [] },
      ),
    )
    .map(
      ([name, options]): Call =>
        (store) =>
          store.head(name, options),
    ),
  fc
    .tuple(
      key,
      fc.record(
        { ifMatch: etag, versionId: header, range: fc.constant({ start: 1, end: 3 }), checksum: fc.boolean() },
        { requiredKeys: [] },
      ),
    )
    .map(([name, options]): Call => async (store) => {
      const object = await store.get(name, options);
      const chunks: Buffer[] = [];
      for await (const chunk of object?.body ?? []) chunks.push(chunk as Buffer);
      return { info: object?.info, body: Buffer.concat(chunks).toString('base64') };
    }),
  fc.tuple(key, body, attributes, fc.option(fc.oneof(fc.constant('nothing' as const), fc.record({ etag })))).map(
    ([name, some, given, replaces]): Call =>
      (store) =>
        store.put(name, some, given, replaces ?? undefined),
  ),
  fc.tuple(key, body, header).map(
    ([name, some, uploadId]): Call =>
      (store) =>
        store.uploadPart({ key: name, uploadId, number: 7 }, some),
  ),
  fc
    .record(
      { prefix: fc.string({ maxLength: 5 }), after: fc.string({ minLength: 1, maxLength: 5 }), token: header },
      { requiredKeys: ['prefix'] },
    )
    .map(
      (options): Call =>
        (store) =>
          store.firstPage(options),
    ),
);

const codes = [
  'AccessDenied',
  'NoSuchKey',
  'NoSuchBucket',
  'PreconditionFailed',
  'InvalidObjectState',
  'x',
  '__proto__',
];
const answers: fc.Arbitrary<Reply> = fc.oneof(
  fc
    .record(
      {
        etag: fc.oneof(
          etag.map((text) => `"${text}"`),
          header,
        ),
        'last-modified': fc.oneof(fc.constant('Wed, 25 Nov 2026 08:30:00 GMT'), header),
        'content-type': header,
        'content-disposition': header,
        expires: header,
        'x-amz-meta-a': header,
        'x-amz-tagging-count': fc.oneof(fc.constant('2'), header),
        'x-amz-missing-meta': fc.constant('1'),
        'x-amz-version-id': header,
        'x-amz-storage-class': fc.constantFrom('GLACIER', 'STANDARD_IA'),
        'x-amz-restore': fc.constant('ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"'),
        'x-amz-server-side-encryption': fc.constantFrom('aws:kms', 'AES256'),
        'x-amz-object-lock-mode': fc.constant('GOVERNANCE'),
        'x-amz-checksum-crc32': fc.constant('AAAAAA=='),
        'x-amz-checksum-type': fc.constantFrom('FULL_OBJECT', 'COMPOSITE'),
        'content-range': fc.constant('bytes 1-2/7'),
        'content-length': fc.constant('0'),
      },
      { requiredKeys: [] },
    )
    .map((headers) => ({ headers: headers })),
  fc
    .tuple(
      fc.constantFrom(301, 304, 400, 401, 403, 404, 405, 409, 411, 412, 501),
      fc.constantFrom(...codes),
      fc.boolean(),
    )
    .map(([status, code, isEmpty]) => ({
      status,
      ...(!isEmpty && { body: errorXml(code, 'a &amp; b', '<Region>eu-west-1</Region>') }),
    })),
  fc
    .constantFrom(
      '<html>login</html>',
      '',
      listingXml([{ key: 'a' }]),
      listingXml([], '<IsTruncated>false</IsTruncated>'),
    )
    .map((text) => ({ body: text })),
  fc.constant({ status: 400, headers: { 'x-amz-bucket-region': 'eu-west-1' } }),
);

describe('a call that is made directly', () => {
  it("sends what the SDK sends, and has the SDK's outcome", async () => {
    await fc.assert(
      fc.asyncProperty(calls, answers, async (call, reply) => {
        const [one, other] = await both(call, reply);
        expect(one).toEqual(other);
      }),
      { numRuns: 400 },
    );
  });

  it('does not involve the SDK', async () => {
    host.answer = () => ({ headers: { etag: '"e"', 'content-length': '0' } });
    host.asked.length = 0;
    await direct.put(objectKey('k'), { data: Buffer.from('abc'), size: 3 }, noAttributes);
    await direct.head(objectKey('k'));
    host.answer = () => ({ body: listingXml([{ key: 'a' }]) });
    await direct.firstPage({ prefix: '' });
    expect(host.asked.map(({ headers }) => headers['user-agent'])).toEqual(['s3-ferry', 's3-ferry', 's3-ferry']);
  });

  it('is repeated after the errors that the SDK repeats it after, and as often', async () => {
    const put: Call = (store) => store.put(objectKey('k'), { data: Buffer.from('abc'), size: 3 }, noAttributes);
    for (const reply of [
      { status: 500, body: errorXml('InternalError', 'm') },
      { status: 400, body: errorXml('RequestTimeout', 'm') },
      { status: 403, body: errorXml('AccessDenied', 'm') },
    ]) {
      const [one, other] = await both(put, reply);
      expect(one).toEqual(other);
      expect(host.asked.length).toBe(reply.status === 403 ? 1 : 5);
    }
  });

  it('has metadata of any name', async () => {
    host.answer = () => ({ headers: { etag: '"e"', 'content-length': '0', 'x-amz-meta-__proto__': 'a' } });
    expect(Object.entries((await direct.head(objectKey('k')))?.metadata ?? {})).toEqual([['__proto__', 'a']]);
  });

  it("uses the store's clock after a refusal because of the time", async () => {
    const skewed = new Date(Date.now() + 3 * 3600_000);
    const store = host.store();
    host.asked.length = 0;
    host.answer = ({ headers }) => {
      const at = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
      const isRight = Math.abs(Date.parse(at) - skewed.getTime()) < 60_000;
      const date = { date: skewed.toUTCString() };
      return isRight
        ? { headers: { ...date, etag: '"e"', 'content-length': '0' } }
        : { status: 403, headers: date, body: errorXml('RequestTimeTooSkewed', 'm') };
    };
    // All are signed by the wrong clock, and refused after one of them has corrected it.
    const put = (): Promise<unknown> => store.put(objectKey('k'), { data: Buffer.from('abc'), size: 3 }, noAttributes);
    await Promise.all(Array.from({ length: 8 }, put));
    expect(host.asked).toHaveLength(16);

    // The answer to HEAD has no code.
    const other = host.store();
    await other.head(objectKey('k'));
    expect(host.asked).toHaveLength(18);
  });

  it("believes the time in an error's document rather than that of a proxy", async () => {
    const storeTime = new Date(Date.now() - 3600_000).toISOString();
    const seen: unknown[] = [];
    host.answer = ({ headers }) => {
      seen.push(headers['x-amz-date']);
      return seen.length === 1
        ? { status: 403, body: errorXml('RequestTimeTooSkewed', 'm', `<ServerTime>${storeTime}</ServerTime>`) }
        : { headers: { etag: '"e"' } };
    };
    await host.store().put(objectKey('k'), { data: Buffer.from('abc'), size: 3 }, noAttributes);
    expect(String(seen[1]).slice(0, 11)).toBe(storeTime.replaceAll(/[-:]/g, '').slice(0, 11));
  });
});
