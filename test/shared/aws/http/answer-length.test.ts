import { gunzipSync, gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Asked, Reply } from '../../../support/hostile-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../../support/context.ts';
import { failureOf } from '../../../support/failure.ts';
import { hostsOfEachTest } from '../../../support/store-calls.ts';
import { taskBetweenEndpoints } from '../../../support/tasks.ts';

const hosts = hostsOfEachTest();
const text = Buffer.from('a text that is zipped '.repeat(20));
const stored = gzipSync(text);
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** A body without a length. */
function chunked(bytes: Buffer): Pick<Extract<Reply, { body?: unknown }>, 'body'> {
  return { body: [bytes.subarray(0, 5), bytes.subarray(5)] };
}

function acceptsGzip({ headers }: Asked): boolean {
  return headers['accept-encoding'] === 'gzip';
}

/** Google's storage: objects with `Content-Encoding: gzip` are unzipped unless gzip is accepted. */
function google(asked: Asked): Reply {
  const etag = `"${md5(stored)}"`;
  if (asked.query.has('tagging')) return { status: 404 };
  const length = { 'content-length': String(stored.length), 'content-encoding': 'gzip' };
  if (asked.method === 'HEAD') return { headers: { etag, ...length } };
  return acceptsGzip(asked) ? { headers: { etag, ...length }, body: stored } : { headers: { etag }, ...chunked(text) };
}

/** A proxy that sends every body in chunks, and compresses it if gzip is accepted. */
function proxy(length: number) {
  return (asked: Asked): Reply => {
    const etag = `"${md5(text)}"`;
    if (asked.query.has('tagging')) return { status: 404 };
    if (asked.method === 'HEAD') return { headers: { etag, 'content-length': String(length) } };
    if (!acceptsGzip(asked)) return { headers: { etag }, ...chunked(text) };
    const zipped = gzipSync(text);
    const headers = { etag: `W/${etag}`, 'content-encoding': 'gzip', 'content-length': String(zipped.length) };
    return { headers, body: zipped };
  };
}

/** Copies one object. @returns the bodies that were written, and their encodings */
async function copyFrom(answer: (asked: Asked) => Reply): Promise<{ body: Buffer; encoding: string | undefined }[]> {
  hosts.hostile.answer = answer;
  hosts.other.answer = ({ method, body }) =>
    method === 'HEAD' ? { status: 404 } : { headers: { etag: `"${md5(body)}"` } };
  const task = taskBetweenEndpoints({ serverSideCopy: 'never' });
  const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
  await transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' });
  return hosts.other.asked
    .filter(({ method }) => method === 'PUT')
    .map(({ body, headers }) => ({ body, encoding: headers['content-encoding'] }));
}

describe('an object that is unzipped on its way', () => {
  it('is copied as it is stored', async () => {
    const [copy, ...more] = await copyFrom(google);
    expect(copy).toEqual({ body: stored, encoding: 'gzip' });
    expect(gunzipSync(copy?.body ?? '')).toEqual(text);
    expect(more).toEqual([]);
  });

  it('is asked for without an encoding first, which no signature covers', async () => {
    await copyFrom(google);
    const gets = hosts.hostile.asked.filter(({ method, query }) => method === 'GET' && !query.has('tagging'));
    expect(gets.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'gzip']);
    for (const { headers } of gets) expect(headers.authorization).not.toContain('accept-encoding');
  });

  it('has the length that HEAD states if gzip is accepted', async () => {
    const etag = `"${md5(stored)}"`;
    const length = { 'content-length': String(stored.length), 'content-encoding': 'gzip' };
    const store = hosts.answerWith((asked) => ({ headers: { etag, ...(acceptsGzip(asked) && length) } }));
    expect(await store.head(objectKey('k'))).toMatchObject({
      size: stored.length,
      headers: { contentEncoding: 'gzip' },
    });
  });
});

describe('a body without a length', () => {
  it('is counted against the length that HEAD states', async () => {
    expect(await copyFrom(proxy(text.length))).toEqual([{ body: text, encoding: undefined }]);
  });

  it('is not asked for with gzip again once that was of no use', async () => {
    const store = hosts.answerWith(proxy(text.length));
    for (const key of ['a', 'b']) (await store.get(objectKey(key)))?.body.destroy();
    const gets = hosts.hostile.asked.filter(({ method }) => method === 'GET');
    expect(gets.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'gzip', 'identity', 'identity']);
  });

  it.each([text.length + 1, text.length - 1])('of another length (%i) is not copied', async (length) => {
    await failureOf(copyFrom(proxy(length)));
    expect(hosts.other.writes).toEqual([]);
  });

  it('is a fault that names the cause if HEAD states no length either', async () => {
    const store = hosts.answerWith(({ method }) => ({
      headers: { etag: '"e"' },
      ...(method === 'GET' && chunked(text)),
    }));
    expect((await failureOf(store.get(objectKey('k')))).message).toContain('it states no Content-Length');
    expect((await failureOf(store.head(objectKey('k')))).message).toContain('it states no Content-Length');
  });
});
