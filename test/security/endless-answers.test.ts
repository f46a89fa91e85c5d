import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { BoundedHttpHandler } from '../../shared/aws/http/handler.ts';
import { MiB } from '../../shared/model/limits.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { readBody } from '../../shared/flow/body.ts';
import { failureOf } from '../support/failure.ts';
import { canary, HostileStore, listingXml, type Reply } from '../support/hostile-store.ts';
import { documents, hostsOfEachTest, listAll } from '../support/store-calls.ts';

const hosts = hostsOfEachTest();

describe('an answer without an end', () => {
  /** The product's store, with shorter time limits. */
  const impatient = (hostile: HostileStore): ObjectStore => {
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

  it('times out in each of five attempts, whichever part of it does not end', async () => {
    const endless: readonly (readonly [string, string, string])[] = [
      ['interim answers', '', 'HTTP/1.1 102 Processing\r\n\r\n'],
      ['nothing', '', ''],
      ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'x'],
      ['a header that trickles', 'HTTP/1.1 200 OK\r\nX: ', 'y'],
      ['a body that trickles', 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n', ' '],
      ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\n \r\n'],
      ['an error that trickles', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000\r\n\r\n', ' '],
    ];
    // All at the same time, because they spend their time waiting.
    const ends = await Promise.all(
      endless.map(async ([name, first, again]) => {
        const hostile = await HostileStore.open(() => forever(first, again));
        try {
          const failure = await failureOf(listAll(impatient(hostile)));
          return { name, fault: failure.name, tries: hostile.asked.length };
        } finally {
          await hostile.close();
        }
      }),
    );
    expect(ends).toEqual(endless.map(([name]) => ({ name, fault: 'Unavailable', tries: 5 })));
  });

  it('fails after 8 MiB, and the connection is closed', async () => {
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

  it('with an error status is closed after a few bytes', async () => {
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
    expect((await failureOf(hosts.hostile.store().delete(objectKey('k')))).name).toBe('AccessDenied');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toBeLessThan(40 * MiB);
  });

  it('with an object fails as soon as more bytes come than were announced', async () => {
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
    await store.head(objectKey('k'));
    const opened = await store.get(objectKey('k'));
    const failure = await failureOf(readBody(opened!.body, Buffer.alloc(3), 'k'));
    expect(failure.message).toBe('k: more than 3 bytes arrived');
    expect(opened?.body.destroyed).toBe(true);
  });

  it('releases its socket for the next call', async () => {
    hosts.hostile.answer = () => ({ body: ' '.repeat(9 * MiB) });
    const store = hosts.hostile.store();
    for (let index = 0; index < 5; index++) await failureOf(listAll(store));
    hosts.hostile.answer = () => ({ body: listingXml([{ key: 'a' }]) });
    expect(await listAll(store)).toBe(1);
  });
});
