import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isFault } from '../../../../shared/model/faults.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import type { Outcome } from '../../../../shared/ports/progress.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../../support/context.ts';
import { failureOf } from '../../../support/failure.ts';
import { errorXml, type Reply } from '../../../support/hostile-store.ts';
import { calls, hostsOfEachTest } from '../../../support/store-calls.ts';
import { noAttributes } from '../../../support/objects.ts';
import { taskBetweenEndpoints, type TaskSettings } from '../../../support/tasks.ts';

const hosts = hostsOfEachTest();
const etag = '"900150983cd24fb0d6963f7d28e17f72"';
const object = { 'content-length': '3', etag };
const withoutHead = calls.filter(([name]) => name !== 'HeadBucket');

describe('tags of an object', () => {
  const tagsOf = (tagging: Reply, head: Reply = { headers: object }): Promise<Record<string, string>> =>
    hosts.answerWith(({ query }) => (query.has('tagging') ? tagging : head)).tags(objectKey('k'));

  it.each<[string, Reply]>([
    ['NoSuchTagSet (Wasabi)', { status: 404, body: errorXml('NoSuchTagSet', 'The TagSet does not exist') }],
    ['a bare 404', { status: 404 }],
    ['a page with 404', { status: 404, body: '<html><body>Not Found</body></html>' }],
    ['NoSuchKey of an object that is there', { status: 404, body: errorXml('NoSuchKey', 'x') }],
    ['405', { status: 405 }],
    ['MethodNotAllowed', { status: 405, body: errorXml('MethodNotAllowed', 'x') }],
    ['501', { status: 501 }],
    ['NotImplemented', { status: 501, body: errorXml('NotImplemented', 'x') }],
  ])('are none where the answer is %s', async (_name, tagging) => {
    expect(await tagsOf(tagging)).toEqual({});
  });

  it('are not asked for again where the object is gone', async () => {
    expect(isFault(await failureOf(tagsOf({ status: 404 }, { status: 404 })), 'SourceGone')).toBe(true);
  });

  it.each<[number, string, string]>([
    [400, 'InvalidArgument', 'Refused'],
    [403, 'AccessDenied', 'AccessDenied'],
    [500, 'InternalError', 'Unavailable'],
  ])('are unknown, and not none, where the answer is %i %s', async (status, code, fault) => {
    expect((await failureOf(tagsOf({ status, body: errorXml(code, 'x') }))).name).toBe(fault);
  });
});

describe('a destination and the tags of an object', () => {
  function copy(refusal: Reply, settings: TaskSettings = {}): Promise<Outcome> {
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
    hosts.hostile.answer = ({ query }) =>
      query.has('tagging') ? { body: tagging } : { headers: { ...object, 'x-amz-tagging-count': '1' }, body: 'abc' };
    hosts.other.answer = ({ method, headers }) => {
      if (method === 'HEAD') return { status: 404 };
      return headers['x-amz-tagging'] === undefined ? { headers: { etag } } : refusal;
    };
    const task = taskBetweenEndpoints({ serverSideCopy: 'never', ...settings });
    const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    return transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' });
  }

  it.each<[number, string]>([
    [400, 'InvalidTag'],
    [400, 'BadTagging'],
    [400, 'InvalidArgument'],
    [400, 'InvalidRequest'],
  ])('that refuses them with %i %s is a fault with the reason', async (status, code) => {
    const failure = await failureOf(copy({ status, body: errorXml(code, 'this is the reason') }));
    expect(failure.name).toBe('Refused');
    expect(failure.message).toContain(`${code} (HTTP ${status}): this is the reason`);
  });

  it('that does not implement them gets the object without them, and that is reported', async () => {
    const { lost } = await copy({ status: 501, body: errorXml('NotImplemented', 'no tags here') });
    expect(lost).toEqual([
      { kind: 'tags', store: 'bucket at to.invalid', reason: 'the destination does not implement tags' },
    ]);
    expect(hosts.other.writes).toHaveLength(2);
  });

  it('that does not implement them gets nothing of a strict task', async () => {
    const refusal = { status: 501, body: errorXml('NotImplemented', 'no tags here') };
    expect(await failureOf(copy(refusal, { strict: true }))).toMatchObject({
      name: 'AttributeLost',
      message: expect.stringMatching(/^bucket: "out\/k" would lack tags: .*"tags": false leaves them out/),
    });
    expect(hosts.other.writes).toHaveLength(1);
  });
});

describe('a destination without tags or website redirects', () => {
  const notImplemented = { status: 501, body: errorXml('NotImplemented', 'no') };
  const refusing = (...names: readonly string[]): void => {
    hosts.other.answer = ({ method, headers }) => {
      if (method === 'HEAD') return { status: 404 };
      return names.some((name) => headers[name] !== undefined) ? notImplemented : { headers: { etag } };
    };
  };
  const [tagging, redirect] = ['x-amz-tagging', 'x-amz-website-redirect-location'];

  it.each([
    [[tagging], ['tags'], 2],
    [[redirect], ['websiteRedirect'], 3],
    [[tagging, redirect], ['tags', 'websiteRedirect'], 4],
  ])('that refuses %j is sent the rest, and is not asked again', async (names, lost, writes) => {
    const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
    const headers = { ...object, 'x-amz-tagging-count': '1', [redirect]: '/elsewhere' };
    hosts.hostile.answer = ({ query }) => (query.has('tagging') ? { body: tags } : { headers, body: 'abc' });
    refusing(...names);
    const task = taskBetweenEndpoints({ serverSideCopy: 'never' });
    const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    const copy = () => transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' });
    for (const sent of [writes, writes + 1]) {
      expect((await copy()).lost?.map(({ kind }) => kind)).toEqual(lost);
      expect(hosts.other.writes).toHaveLength(sent);
    }
  });
});

describe('a bucket in another region', () => {
  const named = /is the region of this bucket right in the task\?: the store names "eu-west-1"/;

  it.each<[string, Reply]>([
    ['400 with a header', { status: 400, headers: { 'x-amz-bucket-region': 'eu-west-1' } }],
    ['301 with a header', { status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } }],
    [
      'PermanentRedirect',
      {
        status: 301,
        headers: { 'x-amz-bucket-region': 'eu-west-1' },
        body: errorXml('PermanentRedirect', 'x', '<Endpoint>e</Endpoint>'),
      },
    ],
  ])('is named by every call that is answered with %s', async (_name, reply) => {
    const store = hosts.answerWith(reply);
    for (const [name, call] of withoutHead) {
      const failure = await failureOf(call(store));
      expect([name, failure.name]).toEqual([name, 'InvalidTask']);
      expect(failure.message).toMatch(named);
    }
  });

  it('is named where only the document has it', async () => {
    const body = errorXml('AuthorizationHeaderMalformed', 'wrong region', '<Region>eu-west-1</Region>');
    const failure = await failureOf(hosts.answerWith({ status: 400, body }).delete(objectKey('k')));
    expect(failure.name).toBe('InvalidTask');
    expect(failure.message).toMatch(named);
  });

  it.each(['', 'evil.example#', 'EU', 'x'.repeat(100)])('is not made up from %j', async (region) => {
    const body = errorXml('AuthorizationHeaderMalformed', 'm', `<Region>${region}</Region>`);
    const failure = await failureOf(hosts.answerWith({ status: 400, body }).delete(objectKey('k')));
    expect(failure.name).toBe('AccessDenied');
    expect(failure.message).not.toContain('the store names');
  });

  it('is not suspected where the store names the region of the request', async () => {
    const store = hosts.answerWith({ status: 400, headers: { 'x-amz-bucket-region': 'us-east-1' } });
    expect((await failureOf(store.head(objectKey('k')))).name).toBe('Refused');
  });
});

describe('a redirect for the time being', () => {
  it.each<[string, Reply]>([
    ['with a code', { status: 307, body: errorXml('TemporaryRedirect', 'x') }],
    ['without one', { status: 307 }],
  ])('%s is tried again later', async (_name, reply) => {
    const store = hosts.answerWith({ ...reply, headers: { location: 'http://127.0.0.1:1/' } });
    for (const [name, call] of withoutHead) {
      const failure = await failureOf(call(store));
      expect([name, isFault(failure) && failure.retry]).toEqual([name, 'later']);
    }
  });
});

describe('an object that is not found', () => {
  it('is deleted already, also where the store says 404 (Google)', async () => {
    await hosts.answerWith({ status: 404, body: errorXml('NoSuchKey', 'x') }).delete(objectKey('k'));
    await hosts.answerWith({ status: 404 }).delete(objectKey('k'));
  });

  it('is not looked for in a bucket that does not exist', async () => {
    const store = hosts.answerWith({ status: 404, body: errorXml('NoSuchBucket', 'x') });
    expect((await failureOf(store.get(objectKey('k')))).name).toBe('BucketNotFound');
    expect((await failureOf(store.delete(objectKey('k')))).name).toBe('BucketNotFound');
  });
});

describe('a store that does not know UNSIGNED-PAYLOAD', () => {
  it('is distinguished from a body that was damaged: the fault is final and says so', async () => {
    const store = hosts.answerWith({ status: 400, body: errorXml('XAmzContentSHA256Mismatch', 'x') });
    const put = calls.find(([name]) => name === 'PutObject')?.[1];
    const failure = await failureOf(put?.(store) ?? Promise.resolve());
    expect(isFault(failure) && failure.retry).toBe('never');
    expect(failure.message).toContain('does not accept bodies whose hash is not signed');
    // Once as always, and once with the hash of the body.
    expect(hosts.hostile.writes).toHaveLength(2);
  });

  it('gets the hash of each buffered body from then on', async () => {
    const hashes: (string | undefined)[] = [];
    const store = hosts.answerWith(({ headers }) => {
      const hash = headers['x-amz-content-sha256'];
      hashes.push(typeof hash === 'string' ? hash : undefined);
      if (hash !== 'UNSIGNED-PAYLOAD') return { headers: { etag } };
      return { status: 400, body: errorXml('XAmzContentSHA256Mismatch', 'x') };
    });
    const data = Buffer.from('abc');
    const body = { data, size: 3, md5: createHash('md5').update(data).digest('base64') };
    for (const key of ['a', 'b']) await store.put(objectKey(key), body, noAttributes);
    const sha256 = createHash('sha256').update(data).digest('hex');
    expect(hashes).toEqual(['UNSIGNED-PAYLOAD', sha256, sha256]);
  });
});

describe('a store that does not implement the size that Complete states', () => {
  it('completes without it, and is not asked again', async () => {
    const sizes: unknown[] = [];
    const store = hosts.answerWith(({ headers }) => {
      sizes.push(headers['x-amz-mp-object-size']);
      if (headers['x-amz-mp-object-size'] !== undefined) return { status: 501, body: errorXml('NotImplemented', 'x') };
      return { body: `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>` };
    });
    const part = { number: 1, size: 3, etag: '900150983cd24fb0d6963f7d28e17f72' };
    for (const id of ['one', 'two']) await store.completeUpload(objectKey('k'), id, [part], { size: 3 });
    expect(sizes).toEqual(['3', undefined, undefined]);
  });
});

describe('a store that refuses to show a checksum', () => {
  it('is copied from all the same', async () => {
    const source = { ...object, etag: '"900150983cd24fb0d6963f7d28e17f72-1"' };
    let refused = 0;
    hosts.hostile.answer = ({ headers }) =>
      headers['x-amz-checksum-mode'] !== undefined && refused++ === 0
        ? { status: 400 }
        : { headers: source, body: 'abc' };
    hosts.other.answer = ({ method }) => (method === 'HEAD' ? { headers: object } : { status: 501 });
    const task = taskBetweenEndpoints({ serverSideCopy: 'never', tags: false });
    const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    const failure = await failureOf(
      transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy', size: 3 }),
    );
    expect(refused).toBeGreaterThan(0);
    // The copy began: what failed is the destination's part of it.
    expect(failure.message).toContain('CreateMultipartUpload');
  });
});
