import { describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../shared/model/faults.ts';
import { MiB } from '../../shared/model/limits.ts';
import { failureOf } from '../support/failure.ts';
import { canary, errorXml, HostileStore, listingXml, type Reply } from '../support/hostile-store.ts';
import { calls, documents, hostsOfEachTest, listAll } from '../support/store-calls.ts';
import { objectKey } from '../../shared/model/object-key.ts';

const hosts = hostsOfEachTest();

describe('an answer that points to another host', () => {
  const ways = [301, 302, 303, 307, 308].map((status) => [status] as const);
  it.each(ways)('with status %i is not followed by any call', async (status) => {
    const host = new URL(hosts.other.endpoint).host;
    const store = hosts.answerWith({
      status,
      headers: {
        location: `${hosts.other.endpoint}/x`,
        'x-amz-bucket-region': 'us-evil-1',
        refresh: `0;${hosts.other.endpoint}`,
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
      // What HEAD answers has no code: 307 alone is a redirect for the time being.
      const later = status === 307 && name === 'HeadObject';
      expect([name, failure.name]).toEqual([name, later ? 'Unavailable' : 'InvalidTask']);
    }
    expect(hosts.other.connections).toBe(0);
    expect(hosts.hostile.asked.every(({ headers }) => headers.host === new URL(hosts.hostile.endpoint).host)).toBe(
      true,
    );
  });

  it.each(['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])(
    'with a region in %s is not followed',
    async (code) => {
      const store = hosts.answerWith({ status: 400, body: errorXml(code, 'x', '<Region>evil.example#</Region>') });
      expect((await failureOf(store.delete(objectKey('k')))).message).toContain(code);
      expect((await failureOf(store.delete(objectKey('k')))).message).toContain(code);
      expect(hosts.hostile.asked.every(({ headers }) => headers.authorization?.includes('/us-east-1/s3/'))).toBe(true);
      expect(hosts.other.connections).toBe(0);
    },
  );

  it('with an external entity is refused without a request to it', async () => {
    const doctype = (target: string): string => `<!DOCTYPE x [<!ENTITY e SYSTEM "${target}">]>`;
    for (const target of [`${hosts.other.endpoint}/x`, 'file:///etc/passwd']) {
      const document = listingXml([{ key: 'k&e;' }]).replace('<List', `${doctype(target)}<List`);
      const failure = await failureOf(listAll(hosts.answerWith({ body: document })));
      expect(failure.message).toContain('a declaration, a comment or CDATA');
      expect(failure.message).not.toContain('root:');
    }
    expect(hosts.other.connections).toBe(0);
  });
});

describe('an answer that is not an S3 document', () => {
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
    ['gzip without a request for it', '\u001f\u008b\u0008\u0000'.repeat(30_000)],
  ])('(%s) is refused quickly by every call', async (_name, body) => {
    const store = hosts.answerWith({ body, headers: { 'content-encoding': 'gzip' } });
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
  ])('(%s) with an error status becomes the fault of that status', async (_name, body) => {
    const store = hosts.answerWith({ status: 403, body });
    for (const [name, call] of calls.slice(1)) {
      const failure = await failureOf(call(store));
      expect([name, failure.name]).toEqual([name, 'AccessDenied']);
      expect(failure.message.length).toBeLessThan(200);
    }
  });

  it('and is not HTTP becomes a fault', async () => {
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
      const failure = await failureOf(listAll(hosts.answerWith(raw(text))));
      expect(failure).toBeInstanceOf(Fault);
      expect(failure.message.length).toBeLessThan(300);
    }
  });

  it('and follows another answer is not taken for the next one', async () => {
    // Two answers to one request: the second must not be taken for that of the next request.
    const one = `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "e"\r\n\r\n`;
    const two = `HTTP/1.1 200 OK\r\nContent-Length: 999\r\nETag: "smuggled"\r\n\r\n`;
    const store = hosts.answerWith({ raw: (socket) => void socket.write(one + two) });
    const first = await store.head(objectKey('a'));
    expect(first).toMatchObject({ size: 0, etag: 'e' });
    hosts.hostile.answer = () => ({ headers: { 'content-length': '3', etag: '"honest"' } });
    expect(await store.head(objectKey('b'))).toMatchObject({ size: 3, etag: 'honest' });
  });
});

describe('HostileStore', () => {
  it('counts connections and serves clients that follow redirects', async () => {
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

  it('records the requests that write', async () => {
    const store = await HostileStore.open(() => ({ status: 204 }));
    const client = new S3Client({ endpoint: store.endpoint, region: 'r', forcePathStyle: true, credentials: canary });
    await client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'k' }));
    expect(store.writes).toEqual(['DELETE /bucket/k?x-id=DeleteObject']);
    client.destroy();
    await store.close();
  });
});
