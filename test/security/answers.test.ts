import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { BoundedHttpHandler } from '../../shared/aws/http/handler.ts';
import { Fault, isFault } from '../../shared/model/faults.ts';
import { MiB, TiB } from '../../shared/model/limits.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { readBody } from '../../shared/flow/body.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf, failureOf, taskOf } from './crossing.ts';
import { canary, errorXml, HostileStore, listingXml, type Asked, type Reply } from './hostile-store.ts';

const none = { headers: {}, metadata: {}, tags: {} };
const md5 = '900150983cd24fb0d6963f7d28e17f72';
const three = { data: Buffer.from('abc'), size: 3 };
const from = { bucket: 'source', key: 'k', etag: 'e' };
const part = { key: 'k', uploadId: 'U', number: 1 };

async function listAll(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const page of store.list({ prefix: '' })) count += page.length;
  return count;
}

/** Every call that the core makes. */
const calls: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['HeadBucket', (store) => store.checkBucket()],
  ['ListObjectsV2', listAll],
  ['HeadObject', (store) => store.head('k')],
  ['GetObject', (store) => store.get('k', { ifMatch: 'e' })],
  ['GetObjectTagging', (store) => store.tags('k')],
  ['PutObject', (store) => store.put('k', three, none)],
  ['DeleteObject', (store) => store.delete('k')],
  ['CopyObject', (store) => store.copy(from, 'k', none)],
  ['CreateMultipartUpload', (store) => store.createUpload('k', none)],
  ['UploadPart', (store) => store.uploadPart(part, three)],
  ['UploadPartCopy', (store) => store.copyPart(part, from, 0, 3)],
  ['ListParts', (store) => store.listParts('k', 'U')],
  ['ListMultipartUploads', async (store) => store.listUploads('')[Symbol.asyncIterator]().next()],
  ['CompleteMultipartUpload', (store) => store.completeUpload('k', 'U', [], { size: 3 })],
  ['AbortMultipartUpload', (store) => store.abortUpload('k', 'U')],
];
/** Those whose answer is a document. */
const documents = calls.filter(([name]) =>
  /^(List|GetObjectTagging|CopyObject|Create|UploadPartCopy|Complete)/.test(name),
);

describe('an answer', () => {
  let hostile: HostileStore;
  /** another host, which nobody may be sent to */
  let other: HostileStore;

  beforeEach(async () => {
    other = await HostileStore.open(() => ({ body: 'caught' }));
    hostile = await HostileStore.open();
  });

  afterEach(async () => {
    await hostile.close();
    await other.close();
  });

  const answerWith = (answer: Reply | ((asked: Asked) => Reply)): ObjectStore => {
    hostile.answer = typeof answer === 'function' ? answer : () => answer;
    return hostile.store();
  };

  describe('that sends the client elsewhere', () => {
    const ways = [301, 302, 303, 307, 308].map((status) => [status] as const);
    it.each(ways)('with %i is not followed, by any call', async (status) => {
      const host = new URL(other.endpoint).host;
      const store = answerWith({
        status,
        headers: {
          location: `${other.endpoint}/x`,
          'x-amz-bucket-region': 'us-evil-1',
          refresh: `0;${other.endpoint}`,
        },
        body: errorXml(
          'PermanentRedirect',
          'go',
          `<Endpoint>${host}</Endpoint><Bucket>b</Bucket><Region>us-evil-1</Region>`,
        ),
      });
      // What is asked of the bucket itself is answered by the server of this test.
      for (const [name, call] of calls.slice(1)) {
        const failure = await failureOf(call(store));
        expect(failure).toBeInstanceOf(Fault);
        expect([name, failure.name]).toEqual([name, 'InvalidTask']);
      }
      expect(other.connections).toBe(0);
      expect(hostile.asked.every(({ headers }) => headers.host === new URL(hostile.endpoint).host)).toBe(true);
    });

    it.each(['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])(
      'by a region in %s is not followed',
      async (code) => {
        const store = answerWith({ status: 400, body: errorXml(code, 'x', '<Region>evil.example#</Region>') });
        expect((await failureOf(store.delete('k'))).message).toContain(code);
        expect((await failureOf(store.delete('k'))).message).toContain(code);
        expect(hostile.asked.every(({ headers }) => headers.authorization?.includes('/us-east-1/s3/'))).toBe(true);
        expect(other.connections).toBe(0);
      },
    );

    it('by an external entity is not read', async () => {
      const doctype = (target: string): string => `<!DOCTYPE x [<!ENTITY e SYSTEM "${target}">]>`;
      for (const target of [`${other.endpoint}/x`, 'file:///etc/passwd']) {
        const document = listingXml([{ key: 'k&e;' }]).replace('<List', `${doctype(target)}<List`);
        const failure = await failureOf(listAll(answerWith({ body: document })));
        expect(failure.message).toContain('a declaration, a comment or CDATA');
        expect(failure.message).not.toContain('root:');
      }
      expect(other.connections).toBe(0);
    });
  });

  describe('that is no document of S3', () => {
    const laughs = `<!DOCTYPE l [<!ENTITY a "lol">${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n} "${`&a${n - 1};`.repeat(10)}">`).join('')}]><l>&a19;</l>`;
    it.each<[string, string]>([
      ['billion laughs', laughs],
      ['100,000 DOCTYPEs', `${'<!DOCTYPE a>'.repeat(100_000)}<a/>`],
      ['a million open elements', '<a>'.repeat(1_000_000)],
      ['deep nesting, closed', '<a>'.repeat(100_000) + '</a>'.repeat(100_000)],
      ['an attribute of 1 MB', `<a b="${'x'.repeat(1_000_000)}"/>`],
      ['a million attributes', `<a ${'b="c" '.repeat(1_000_000)}/>`],
      ['a tag name of 1 MB', `<${'x'.repeat(1_000_000)}/>`],
      ['a text of 7 MB', `<a>${'x'.repeat(7_000_000)}</a>`],
      ['a million elements', `<a>${'<b/>'.repeat(1_000_000)}</a>`],
      ['comments', '<!-- -->'.repeat(100_000)],
      ['CDATA', `<a><![CDATA[${'x'.repeat(100)}]]></a>`],
      ['no end of a tag', '<a><b'],
      ['a page of HTML', '<!DOCTYPE html><html><body>Bad gateway</body></html>'],
      ['9 MB of spaces', ' '.repeat(9 * MiB)],
      ['bytes', String(Buffer.alloc(100_000, 0x80))],
      ['gzip that nobody asked for', '\u001f\u008b\u0008\u0000'.repeat(30_000)],
    ])('(%s) is refused by every call, quickly', async (_name, body) => {
      const store = answerWith({ body, headers: { 'content-encoding': 'gzip' } });
      const began = performance.now();
      for (const [name, call] of documents) {
        const failure = await failureOf(call(store));
        expect([name, failure.name]).toEqual([name, 'Unavailable']);
        expect(failure.message).toMatch(/^\w+ bucket(: "k")?: (InvalidAnswer|Error|TypeError)/);
        expect(failure.message.length).toBeLessThan(300);
      }
      // An order of magnitude more than it takes: the parser took minutes for some of these.
      expect(performance.now() - began).toBeLessThan(30_000);
    });

    it.each<[string, string]>([
      ['billion laughs', laughs],
      ['a page of HTML', '<!DOCTYPE html><html><body>Bad gateway</body></html>'],
      ['1 MB of message', errorXml('Evil', 'm'.repeat(1_000_000))],
    ])('(%s) with a status of an error is that error', async (_name, body) => {
      const store = answerWith({ status: 403, body });
      for (const [name, call] of calls.slice(1)) {
        const failure = await failureOf(call(store));
        expect([name, failure.name]).toEqual([name, 'AccessDenied']);
        expect(failure.message.length).toBeLessThan(200);
      }
    });

    it('nor HTTP is a fault', async () => {
      const raw = (text: string): Reply => ({ raw: (socket) => void socket.end(text) });
      for (const text of [
        'garbage\r\n\r\n',
        'HTTP/1.1 99999 X\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 1e9\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n',
        'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n',
        `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(1_000_000)}\r\n\r\n`,
        `HTTP/1.1 200 ${'y'.repeat(1_000_000)}\r\n\r\n`,
        `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(100_000)}\r\n`,
      ]) {
        const failure = await failureOf(listAll(answerWith(raw(text))));
        expect(failure).toBeInstanceOf(Fault);
        expect(failure.message.length).toBeLessThan(300);
      }
    });

    it("and comes behind another one is nobody's", async () => {
      // Two answers to one request: the second must not be taken for that of the next request.
      const one = `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "e"\r\n\r\n`;
      const two = `HTTP/1.1 200 OK\r\nContent-Length: 999\r\nETag: "smuggled"\r\n\r\n`;
      const store = answerWith({ raw: (socket) => void socket.write(one + two) });
      const first = await store.head('a');
      expect(first).toMatchObject({ size: 0, etag: 'e' });
      hostile.answer = () => ({ headers: { 'content-length': '3', etag: '"honest"' } });
      expect(await store.head('b')).toMatchObject({ size: 3, etag: 'honest' });
    });
  });

  describe('without an end', () => {
    /** The product's store, with less patience. */
    const impatient = (): ObjectStore => {
      const answer = { min: 300, first: 300, max: 300 };
      const handler = new BoundedHttpHandler({
        maxSockets: 10,
        times: { answer: 600 },
        bounds: { read: answer, small: answer, list: answer },
      });
      return hostile.store({}, canary, handler);
    };

    const forever = (first: string, again: string): Reply => ({
      raw: async (socket: Socket) => {
        socket.on('error', () => undefined);
        socket.write(first);
        while (!socket.destroyed) {
          if (again !== '') socket.write(again);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
    });

    it.each<[string, string, string]>([
      ['interim answers', '', 'HTTP/1.1 102 Processing\r\n\r\n'],
      ['nothing', '', ''],
      ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'x'],
      ['a header that trickles', 'HTTP/1.1 200 OK\r\nX: ', 'y'],
      ['a body that trickles', 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n', ' '],
      ['chunks for ever', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\n \r\n'],
      ['an error that trickles', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000\r\n\r\n', ' '],
    ])('(%s) is left after a time', async (_name, first, again) => {
      hostile.answer = () => forever(first, again);
      const failure = await failureOf(listAll(impatient()));
      expect(failure).toMatchObject({ name: 'Unavailable' });
      // The SDK's five tries, and no more.
      expect(hostile.asked.length).toBe(5);
    });

    it('is left after so many bytes, and the connection is ended', async () => {
      let sent = 0;
      hostile.answer = () => ({
        body: (function* () {
          for (;;) {
            sent += 100_000;
            yield '<a>x</a>'.repeat(12_500);
          }
        })(),
      });
      for (const [, call] of documents) {
        sent = 0;
        expect((await failureOf(call(hostile.store()))).message).toContain('more than 8388608 bytes');
        await new Promise((resolve) => setTimeout(resolve, 20));
        // What the sockets buffer comes on top.
        expect(sent).toBeLessThan(40 * MiB);
      }
    });

    it('of an error is left after a few bytes', async () => {
      hostile.answer = () => ({
        status: 403,
        body: (function* () {
          for (;;) yield 'x'.repeat(65536);
        })(),
      });
      expect((await failureOf(hostile.store().delete('k'))).name).toBe('AccessDenied');
    });

    it('of an object is left when it is longer than it was said to be', async () => {
      hostile.answer = ({ method }) =>
        method === 'HEAD' || hostile.asked.length === 1
          ? { headers: { 'content-length': '3', etag: '"e"' } }
          : {
              headers: { etag: '"e"', 'content-range': 'bytes 0-2/3' },
              body: (function* () {
                for (;;) yield 'x'.repeat(65536);
              })(),
            };
      const store = hostile.store();
      await store.head('k');
      const opened = await store.get('k');
      const failure = await failureOf(readBody(opened!.body, Buffer.alloc(3), 'k'));
      expect(failure.message).toBe('k: more than 3 bytes came');
      expect(opened?.body.destroyed).toBe(true);
    });

    it('gives back a socket, for the next call', async () => {
      hostile.answer = () => ({ body: ' '.repeat(9 * MiB) });
      const store = hostile.store();
      for (let index = 0; index < 5; index++) await failureOf(listAll(store));
      hostile.answer = () => ({ body: listingXml([{ key: 'a' }]) });
      expect(await listAll(store)).toBe(1);
    });
  });

  describe('with a lie in it', () => {
    it.each([
      ['99999999999999999999', 'Content-Length overflow'],
      [String(5 * 1024 * 1024 * TiB), 'no valid size'],
      [String(1024 * TiB), '"in/k" has'],
      [String(49 * TiB), '"in/k" has'],
    ])('about the size (%s) is a fault before anything is written', async (size, message) => {
      hostile.answer = () => ({ headers: { 'content-length': size, etag: '"e"' } });
      other.answer = ({ method }) => ({ status: method === 'HEAD' ? 404 : 200 });
      const context = contextOf(taskOf(), hostile.store({ bucket: 'source' }), other.store());
      const failure = await failureOf(transferObject(context, { task: 'hostile', key: 'in/k', action: 'copy' }));
      expect(failure.message).toContain(message);
      expect(other.writes).toEqual([]);
    });

    it.each([
      ['the part that was asked for', 'bytes 0-2/3', 'abcd'],
      ['less', 'bytes 0-1/3', 'ab'],
      ['another object', 'bytes 0-2/4', 'abc'],
      ['no range', '', 'abc'],
    ])('about a range (%s) never ends in an object', async (_name, range, body) => {
      const etag = `"${'1'.repeat(32)}-1"`;
      hostile.answer = ({ method }) =>
        method === 'HEAD'
          ? { headers: { 'content-length': '3', etag } }
          : { status: 206, headers: { etag, ...(range !== '' && { 'content-range': range }) }, body };
      const xml = '<A><UploadId>U</UploadId></A>';
      other.answer = ({ method }) =>
        method === 'HEAD' ? { status: 404 } : method === 'PUT' ? { headers: { etag: md5 } } : { body: xml };
      const context = contextOf(taskOf(), hostile.store({ bucket: 'source' }), other.store());
      const failure = await failureOf(transferObject(context, { task: 'hostile', key: 'in/k', action: 'copy' }));
      expect(failure).toBeInstanceOf(Fault);
      expect(other.writes.filter((line) => /^POST .*uploadId=/.test(line))).toEqual([]);
    });

    it.each<[string, string]>([
      ['other sizes', '<Part><PartNumber>1</PartNumber><Size>7</Size><ETag>e</ETag></Part>'],
      ['other numbers', '<Part><PartNumber>99999</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
      ['no numbers', '<Part><PartNumber>one</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
      ['negative numbers', '<Part><PartNumber>-1</PartNumber><Size>3</Size><ETag>e</ETag></Part>'],
      ['sizes that are none', '<Part><PartNumber>1</PartNumber><Size>-3</Size><ETag>e</ETag></Part>'],
      ['ETags with line ends', '<Part><PartNumber>1</PartNumber><Size>3</Size><ETag>e&#13;&#10;</ETag></Part>'],
    ])('about parts (%s) never ends in an object', async (_name, parts) => {
      const etag = `"${'1'.repeat(32)}-1"`;
      hostile.answer = () => ({
        headers: { 'content-length': '3', etag, 'content-range': 'bytes 0-2/3' },
        body: 'abc',
      });
      other.answer = ({ method }) =>
        method === 'HEAD'
          ? { status: 404 }
          : method === 'PUT'
            ? { headers: { etag: md5 } }
            : { body: `<A><UploadId>U</UploadId>${parts}</A>` };
      const context = contextOf(taskOf(), hostile.store({ bucket: 'source' }), other.store());
      expect(await failureOf(transferObject(context, { task: 'hostile', key: 'in/k', action: 'copy' }))).toBeInstanceOf(
        Fault,
      );
      expect(other.writes.filter((line) => /^POST .*uploadId=/.test(line))).toEqual([]);
    });

    it.each<[string, (count: number) => string]>([
      [
        'ten million',
        (count) =>
          `<NextPartNumberMarker>${count * 1000}</NextPartNumberMarker>${'<Part><PartNumber>1</PartNumber><Size>5</Size></Part>'.repeat(1000)}`,
      ],
      ['none, for ever', (count) => `<NextPartNumberMarker>${count}</NextPartNumberMarker>`],
      ['the same for ever', () => '<NextPartNumberMarker>1</NextPartNumberMarker>'],
      ['backwards', (count) => `<NextPartNumberMarker>${100 - count}</NextPartNumberMarker>`],
      ['no number as the marker', (count) => `<NextPartNumberMarker>x${count}</NextPartNumberMarker>`],
    ])('about how many parts there are (%s) comes to an end', async (_name, page) => {
      let count = 0;
      const store = answerWith(() => ({ body: `<A><IsTruncated>true</IsTruncated>${page(++count)}</A>` }));
      expect((await failureOf(store.listParts('k', 'U'))).message).toMatch(/does not go on|more than 10000 parts/);
      expect(count).toBeLessThanOrEqual(10_001);
    });

    it.each(['', 'a\r\nX-Evil: 1', 'a b', 'x'.repeat(1025), '\u0000', 'é'])(
      'about the upload ID (%j) is a fault',
      async (uploadId) => {
        const escaped = uploadId.replace(/[^ -~]/g, (c) => `&#${c.charCodeAt(0)};`);
        const store = answerWith({ body: `<A><UploadId>${escaped}</UploadId></A>` });
        expect((await failureOf(store.createUpload('k', none))).message).toContain('names no upload ID');
      },
    );

    it('about the upload ID stays one parameter', async () => {
      const store = answerWith({ body: '<A><UploadId>a&amp;acl=1#?/../x%26</UploadId></A>' });
      const { uploadId } = await store.createUpload('k', none);
      await store.abortUpload('k', uploadId);
      expect(hostile.writes.at(-1)).toBe(
        'DELETE /bucket/k?uploadId=a%26acl%3D1%23%3F%2F..%2Fx%2526&x-id=AbortMultipartUpload',
      );
    });

    it('about what Complete made changes nothing for others', async () => {
      const store = answerWith({
        body: '<A><Location>http://evil.example/x</Location><Bucket>other</Bucket><Key>other</Key><ETag>"x-1"</ETag></A>',
      });
      expect(await store.completeUpload('k', 'U', [], { size: 3 })).toEqual({ etag: 'x-1', opaqueEtag: false });
    });

    it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', '&lt;script&gt;', '', ' ', 'K'.repeat(60_000)])(
      'about the kind of the error (%s) is a fault of the table',
      async (code) => {
        const store = answerWith({ status: 400, body: errorXml(code, 'x') });
        for (const [, call] of calls.slice(1)) {
          const failure = await failureOf(call(store));
          expect(failure).toBeInstanceOf(Fault);
          expect(typeof failure.name).toBe('string');
          expect(isFault(failure) ? failure.retry : undefined).toMatch(/^(never|later|anew)$/);
          expect(failure.message.length).toBeLessThan(300);
        }
      },
    );

    it.each(['<a>x</a>', '<Code><Code>x</Code></Code>', '<__proto__>x</__proto__>'])(
      'about the kind of the error (%s) is a fault, also where it is no text',
      async (code) => {
        const store = answerWith({ status: 400, body: errorXml(code, '<b>y</b>') });
        const failure = await failureOf(store.delete('k'));
        expect(isFault(failure) ? failure.retry : undefined).toBeDefined();
      },
    );

    it.each([
      'Sat, 13 Sep 275760 00:00:00 GMT',
      'Fri, 31 Dec 9999 23:59:59 GMT',
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'nonsense',
    ])('about the time (%s) does not end the client for good', async (date) => {
      const time = new Date(Date.parse(date) || 0).toISOString();
      const body = errorXml('RequestTimeTooSkewed', 'x', `<ServerTime>${time}</ServerTime>`);
      const store = answerWith({ status: 403, headers: { date }, body });
      for (let index = 0; index < 3; index++) await failureOf(store.delete('k'));
      hostile.answer = () => ({ status: 204 });
      await store.delete('k');
      const now = new Date().toISOString().replaceAll('-', '').slice(0, 8);
      expect(hostile.asked.at(-1)?.headers['x-amz-date']).toContain(now);
    });

    it('about tags is a fault where they are no text', async () => {
      const store = answerWith({ body: '<T><TagSet><Tag><Key>&#xD800;</Key><Value>v</Value></Tag></TagSet></T>' });
      expect((await failureOf(store.tags('k'))).message).toContain('the tags are no well-formed Unicode');
    });

    it('that asks to wait for a day is not obeyed', async () => {
      let count = 0;
      const store = answerWith(() =>
        count++ === 0
          ? { status: 503, headers: { 'retry-after': '86400' }, body: errorXml('SlowDown', 'x') }
          : { status: 204 },
      );
      const began = performance.now();
      await store.delete('k');
      expect(performance.now() - began).toBeLessThan(60_000);
    });
  });
});

describe('the store of these tests', () => {
  it('hears of connections, so that silence means that there were none', async () => {
    const store = await HostileStore.open();
    const socket = connect(Number(new URL(store.endpoint).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.connections).toBe(1);
    socket.destroy();
    await store.close();
    // And what a client that follows redirects would have done is seen.
    const other = await HostileStore.open(() => ({ body: 'caught' }));
    const sends = createServer((_, response) => response.writeHead(307, { location: `${other.endpoint}/x` }).end());
    await new Promise<void>((resolve) => sends.listen(0, '127.0.0.1', resolve));
    const answer = await fetch(`http://127.0.0.1:${(sends.address() as AddressInfo).port}/`);
    expect(await answer.text()).toBe('caught');
    expect(other.connections).toBe(1);
    sends.closeAllConnections();
    await new Promise((closed) => sends.close(closed));
    await other.close();
  });

  it('is what DeleteObject is sent to', async () => {
    const store = await HostileStore.open(() => ({ status: 204 }));
    const client = new S3Client({ endpoint: store.endpoint, region: 'r', forcePathStyle: true, credentials: canary });
    await client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'k' }));
    expect(store.writes).toEqual(['DELETE /bucket/k?x-id=DeleteObject']);
    client.destroy();
    await store.close();
  });
});
