import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { BoundedHttpHandler } from '../../shared/aws/http/handler.ts';
import { MiB } from '../../shared/model/limits.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { readBody } from '../../shared/flow/body.ts';
import { failureOf } from '../support/failure.ts';
import { canary, listingXml, type Reply } from '../support/hostile-store.ts';
import { documents, hostsOfEachTest, listAll } from '../support/store-calls.ts';

const hosts = hostsOfEachTest();

describe('an answer without an end', () => {
  /** The product's store, with less patience. */
  const impatient = (): ObjectStore => {
    const answer = { min: 300, first: 300, max: 300 };
    const handler = new BoundedHttpHandler({
      maxSockets: 10,
      times: { answer: 600 },
      bounds: { read: answer, small: answer, list: answer },
    });
    return hosts.hostile.store({}, canary, handler);
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
    hosts.hostile.answer = () => forever(first, again);
    const failure = await failureOf(listAll(impatient()));
    expect(failure).toMatchObject({ name: 'Unavailable' });
    // The SDK's five tries, and no more.
    expect(hosts.hostile.asked.length).toBe(5);
  });

  it('is left after so many bytes, and the connection is ended', async () => {
    let sent = 0;
    hosts.hostile.answer = () => ({
      body: (function* () {
        for (;;) {
          sent += 100_000;
          yield '<a>x</a>'.repeat(12_500);
        }
      })(),
    });
    for (const [, call] of documents) {
      sent = 0;
      expect((await failureOf(call(hosts.hostile.store()))).message).toContain('more than 8388608 bytes');
      await new Promise((resolve) => setTimeout(resolve, 20));
      // What the sockets buffer comes on top.
      expect(sent).toBeLessThan(40 * MiB);
    }
  });

  it('of an error is left after a few bytes', async () => {
    let sent = 0;
    hosts.hostile.answer = () => ({
      status: 403,
      body: (function* () {
        for (;;) {
          sent += 65536;
          yield 'x'.repeat(65536);
        }
      })(),
    });
    expect((await failureOf(hosts.hostile.store().delete('k'))).name).toBe('AccessDenied');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toBeLessThan(40 * MiB);
  });

  it('of an object is left when it is longer than it was said to be', async () => {
    hosts.hostile.answer = ({ method }) =>
      method === 'HEAD' || hosts.hostile.asked.length === 1
        ? { headers: { 'content-length': '3', etag: '"e"' } }
        : {
            headers: { etag: '"e"', 'content-range': 'bytes 0-2/3' },
            body: (function* () {
              for (;;) yield 'x'.repeat(65536);
            })(),
          };
    const store = hosts.hostile.store();
    await store.head('k');
    const opened = await store.get('k');
    const failure = await failureOf(readBody(opened!.body, Buffer.alloc(3), 'k'));
    expect(failure.message).toBe('k: more than 3 bytes arrived');
    expect(opened?.body.destroyed).toBe(true);
  });

  it('gives back a socket, for the next call', async () => {
    hosts.hostile.answer = () => ({ body: ' '.repeat(9 * MiB) });
    const store = hosts.hostile.store();
    for (let index = 0; index < 5; index++) await failureOf(listAll(store));
    hosts.hostile.answer = () => ({ body: listingXml([{ key: 'a' }]) });
    expect(await listAll(store)).toBe(1);
  });
});
