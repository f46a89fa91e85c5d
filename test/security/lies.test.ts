import { describe, expect, it } from '@jest/globals';
import { Fault, isFault } from '../../shared/model/faults.ts';
import { TiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { multipartEtag } from '../../shared/transfer/bytes/digest.ts';
import { contextOf } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { errorXml } from '../support/hostile-store.ts';
import { calls, hostsOfEachTest } from '../support/store-calls.ts';
import { noAttributes } from '../support/objects.ts';

const hosts = hostsOfEachTest();

const md5 = '900150983cd24fb0d6963f7d28e17f72';
const created = (uploadId: string): string =>
  `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`;

describe('a false answer', () => {
  it.each([
    ['99999999999999999999', 'Content-Length overflow'],
    [String(5 * 1024 * 1024 * TiB), 'no valid size'],
    [String(1024 * TiB), '"in/k" has'],
    [String(49 * TiB), '"in/k" has'],
  ])('about the size (%s) is a fault before anything is written', async (size, message) => {
    hosts.hostile.answer = () => ({ headers: { 'content-length': size, etag: '"e"' } });
    hosts.other.answer = ({ method }) => ({ status: method === 'HEAD' ? 404 : 200 });
    const context = contextOf(taskBetweenEndpoints(), hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    const failure = await failureOf(
      transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' }),
    );
    expect(failure.message).toContain(message);
    expect(hosts.other.writes).toEqual([]);
  });

  it.each([
    ['the part that was asked for', 'bytes 0-2/3', 'abcd'],
    ['less', 'bytes 0-1/3', 'ab'],
    ['another object', 'bytes 0-2/4', 'abc'],
    ['no range', '', 'abc'],
  ])('about a range (%s) creates no object', async (_name, range, body) => {
    const etag = `"${'1'.repeat(32)}-1"`;
    hosts.hostile.answer = ({ method }) =>
      method === 'HEAD'
        ? { headers: { 'content-length': '3', etag } }
        : { status: 206, headers: { etag, ...(range !== '' && { 'content-range': range }) }, body };
    const xml = created('U');
    hosts.other.answer = ({ method }) =>
      method === 'HEAD' ? { status: 404 } : method === 'PUT' ? { headers: { etag: md5 } } : { body: xml };
    const context = contextOf(taskBetweenEndpoints(), hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    const failure = await failureOf(
      transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' }),
    );
    expect(failure).toBeInstanceOf(Fault);
    expect(hosts.other.writes.filter((line) => /^POST .*uploadId=/.test(line))).toEqual([]);
  });

  it.each<[string, string]>([
    ['other sizes', '<Part><PartNumber>1</PartNumber><Size>7</Size><ETag>e</ETag></Part>'],
    ['other numbers', '<Part><PartNumber>99999</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
    ['no numbers', '<Part><PartNumber>one</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
    ['negative numbers', '<Part><PartNumber>-1</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
    ['sizes that are none', '<Part><PartNumber>1</PartNumber><Size>-3</Size><ETag>e</ETag></Part>'],
    ['ETags with line ends', '<Part><PartNumber>1</PartNumber><Size>3</Size><ETag>e&#13;&#10;</ETag></Part>'],
  ])('about parts (%s) creates no object', async (_name, parts) => {
    const etag = `"${'1'.repeat(32)}-1"`;
    hosts.hostile.answer = () => ({
      headers: { 'content-length': '3', etag, 'content-range': 'bytes 0-2/3' },
      body: 'abc',
    });
    hosts.other.answer = ({ method }) =>
      method === 'HEAD'
        ? { status: 404 }
        : method === 'PUT'
          ? { headers: { etag: md5 } }
          : method === 'POST'
            ? { body: created('U') }
            : { body: `<ListPartsResult><UploadId>U</UploadId>${parts}</ListPartsResult>` };
    const context = contextOf(taskBetweenEndpoints(), hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    expect(
      await failureOf(transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' })),
    ).toBeInstanceOf(Fault);
    expect(hosts.other.writes.filter((line) => /^POST .*uploadId=/.test(line))).toEqual([]);
  });

  it.each<[string, (count: number) => string]>([
    [
      'ten million',
      (count) =>
        `<NextPartNumberMarker>${count * 1000}</NextPartNumberMarker>${'<Part><PartNumber>1</PartNumber><Size>5</Size></Part>'.repeat(1000)}`,
    ],
    ['pages without parts, forever', (count) => `<NextPartNumberMarker>${count}</NextPartNumberMarker>`],
    ['the same page, forever', () => '<NextPartNumberMarker>1</NextPartNumberMarker>'],
    ['backwards', (count) => `<NextPartNumberMarker>${100 - count}</NextPartNumberMarker>`],
    ['no number as the marker', (count) => `<NextPartNumberMarker>x${count}</NextPartNumberMarker>`],
  ])('about the number of parts (%s) ends in a fault', async (_name, page) => {
    let count = 0;
    const store = hosts.answerWith(() => ({
      body: `<ListPartsResult><IsTruncated>true</IsTruncated>${page(++count)}</ListPartsResult>`,
    }));
    expect((await failureOf(store.listParts(objectKey('k'), 'U'))).message).toMatch(
      /does not go on|more than 10000 parts/,
    );
    expect(count).toBeLessThanOrEqual(10_001);
  });

  it.each(['', 'a\r\nX-Evil: 1', 'a b', 'x'.repeat(1025), '\u0000', 'é'])(
    'about the upload ID (%j) is a fault',
    async (uploadId) => {
      const escaped = uploadId.replace(/[^ -~]/g, (c) => `&#${c.charCodeAt(0)};`);
      const store = hosts.answerWith({ body: created(escaped) });
      expect((await failureOf(store.createUpload(objectKey('k'), noAttributes))).message).toContain(
        'names no upload ID',
      );
    },
  );

  it('about the upload ID cannot add a query parameter', async () => {
    const store = hosts.answerWith({ body: created('a&amp;acl=1#?/../x%26') });
    const { uploadId } = await store.createUpload(objectKey('k'), noAttributes);
    await store.abortUpload(objectKey('k'), uploadId);
    expect(hosts.hostile.writes.at(-1)).toBe(
      'DELETE /bucket/k?uploadId=a%26acl%3D1%23%3F%2F..%2Fx%2526&x-id=AbortMultipartUpload',
    );
  });

  it('about an upload that is complete, without an ETag and without an object, is a fault', async () => {
    const etag = `"${multipartEtag([md5])}"`;
    hosts.hostile.answer = ({ method }) =>
      method === 'HEAD'
        ? { headers: { 'content-length': '3', etag } }
        : { status: 206, headers: { etag, 'content-range': 'bytes 0-2/3' }, body: 'abc' };
    const part = `<Part><PartNumber>1</PartNumber><Size>3</Size><ETag>${md5}</ETag></Part>`;
    hosts.other.answer = ({ method, query }) => {
      if (method === 'HEAD') return { status: 404 };
      if (method === 'PUT') return { headers: { etag: md5 } };
      if (method === 'GET') return { body: `<ListPartsResult>${part}</ListPartsResult>` };
      return { body: query.has('uploads') ? created('U') : '<CompleteMultipartUploadResult/>' };
    };
    const task = taskBetweenEndpoints({ tags: false });
    const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
    const failure = await failureOf(
      transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' }),
    );
    expect(failure.message).toContain('names no ETag, and there is no object');
  });

  it('about the location of a completed object is ignored', async () => {
    const store = hosts.answerWith({
      body:
        '<CompleteMultipartUploadResult><Location>http://evil.example/x</Location><Bucket>other</Bucket>' +
        '<Key>other</Key><ETag>"x-1"</ETag></CompleteMultipartUploadResult>',
    });
    expect(await store.completeUpload(objectKey('k'), 'U', [], { size: 3 })).toEqual({
      etag: 'x-1',
      opaqueEtag: false,
    });
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', '&lt;script&gt;', '', ' ', 'K'.repeat(60_000)])(
    'about the kind of the error (%s) is a fault of the table',
    async (code) => {
      const store = hosts.answerWith({ status: 400, body: errorXml(code, 'x') });
      for (const [, call] of calls.slice(1)) {
        const failure = await failureOf(call(store));
        expect(failure).toBeInstanceOf(Fault);
        expect(typeof failure.name).toBe('string');
        expect(isFault(failure) ? failure.retry : undefined).toMatch(/^(never|later|restart)$/);
        expect(failure.message.length).toBeLessThan(300);
      }
    },
  );

  it('with a long error message is shortened', async () => {
    const store = hosts.answerWith({ status: 400, body: errorXml('Evil', 'm'.repeat(60_000)) });
    for (const [name, call] of calls.slice(1)) {
      const { message } = await failureOf(call(store));
      if (name !== 'HeadObject') expect(message).toContain(': Evil (HTTP 400): mmm');
      expect(message.length).toBeLessThan(1000);
    }
  });

  it.each(['<a>x</a>', '<Code><Code>x</Code></Code>', '<__proto__>x</__proto__>'])(
    'about the kind of the error (%s) is a fault, also where it is no text',
    async (code) => {
      const store = hosts.answerWith({ status: 400, body: errorXml(code, '<b>y</b>') });
      const failure = await failureOf(store.delete(objectKey('k')));
      expect(isFault(failure) ? failure.retry : undefined).toBeDefined();
    },
  );

  it.each([
    'Sat, 13 Sep 275760 00:00:00 GMT',
    'Fri, 31 Dec 9999 23:59:59 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'nonsense',
  ])('about the time (%s) does not break the client', async (date) => {
    const time = new Date(Date.parse(date) || 0).toISOString();
    const body = errorXml('RequestTimeTooSkewed', 'x', `<ServerTime>${time}</ServerTime>`);
    const store = hosts.answerWith({ status: 403, headers: { date }, body });
    for (let index = 0; index < 3; index++) await failureOf(store.delete(objectKey('k')));
    hosts.hostile.answer = () => ({ status: 204 });
    await store.delete(objectKey('k'));
    const now = new Date().toISOString().replaceAll('-', '').slice(0, 8);
    expect(hosts.hostile.asked.at(-1)?.headers['x-amz-date']).toContain(now);
  });

  it('with tags that are not text is a fault', async () => {
    const store = hosts.answerWith({
      body: '<Tagging><TagSet><Tag><Key>&#xD800;</Key><Value>v</Value></Tag></TagSet></Tagging>',
    });
    expect((await failureOf(store.tags(objectKey('k')))).message).toContain('the tags are not well-formed Unicode');
  });

  it('that asks to wait for a day is retried within a minute', async () => {
    let count = 0;
    const store = hosts.answerWith(() =>
      count++ === 0
        ? { status: 503, headers: { 'retry-after': '86400' }, body: errorXml('SlowDown', 'x') }
        : { status: 204 },
    );
    const began = performance.now();
    await store.delete(objectKey('k'));
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});
