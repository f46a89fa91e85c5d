import { createHash, createHmac } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { digestOf } from '../../s3/digest/hashers.ts';
import { parseXml, textOf } from '../../s3/http/xml.ts';
import { ACCESS_KEY, SECRET_KEY, bytes, failure, plain, startServer, type Harness } from './harness.ts';

const Bucket = 'requests';
// Ends a test that hangs; far longer than a test takes, because other work may share the machine.
jest.setTimeout(120_000);

let harness: Harness;
let s3: S3Client;
const errors: unknown[] = [];

beforeAll(async () => {
  harness = await startServer({
    authorize: ({ accessKeyId, operation, bucket }) =>
      accessKeyId !== undefined || bucket === 'public' || (bucket === 'open' && operation === 'GetObject'),
    onError: (error) => errors.push(error),
  });
  s3 = harness.client();
  for (const name of [Bucket, 'open', 'public']) await s3.send(new CreateBucketCommand({ Bucket: name }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'signed' }));
  await s3.send(new PutObjectCommand({ Bucket: 'open', Key: 'k', Body: 'public' }));
});
afterAll(() => harness.stop());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port: harness.port, method, path, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
    });
    req.on('error', reject).end(body);
  });
}

const codeOf = ({ body }: Answer): string | undefined => textOf(parseXml(body, 'Error'), 'Code');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

interface Signing {
  readonly payload?: string;
  readonly date?: Date;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

/** A second implementation of Signature V4, written from the specification. */
function sign(
  method: string,
  path: string,
  { payload = 'UNSIGNED-PAYLOAD', date = new Date(), ...more }: Signing = {},
) {
  const time = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    host: `127.0.0.1:${harness.port}`,
    'x-amz-content-sha256': payload,
    'x-amz-date': time,
    ...more.headers,
  };
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  const canonical = [method, path, more.query ?? '', lines, names.join(';'), payload].join('\n');
  const scope = `${day}/eu-west-3/s3/aws4_request`;
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET_KEY}`, day), 'eu-west-3'), 's3'), 'aws4_request');
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  const credential = `Credential=${ACCESS_KEY}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers: { ...headers, authorization }, key, scope, time, signature };
}

describe('a signature', () => {
  it('is refused with another key, secret, time or request', async () => {
    const get = new GetObjectCommand({ Bucket, Key: 'k' });
    const wrongSecret = harness.client({ credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: 'x' } });
    expect(await failure(wrongSecret.send(get))).toEqual({ name: 'SignatureDoesNotMatch', status: 403 });
    const unknown = harness.client({ credentials: { accessKeyId: 'UNKNOWN', secretAccessKey: SECRET_KEY } });
    expect(await failure(unknown.send(get))).toEqual({ name: 'InvalidAccessKeyId', status: 403 });
    const late = sign('GET', '/requests/k', { date: new Date(Date.now() - 16 * 60_000) });
    expect(codeOf(await ask('GET', '/requests/k', late.headers))).toBe('RequestTimeTooSkewed');
    const other = sign('GET', '/requests/other');
    expect(codeOf(await ask('GET', '/requests/k', other.headers))).toBe('SignatureDoesNotMatch');
    const { headers } = sign('GET', '/requests/k');
    expect((await ask('GET', '/requests/k', headers)).body).toBe('signed');
    const added = { ...headers, 'x-amz-checksum-mode': 'ENABLED' };
    expect(codeOf(await ask('GET', '/requests/k', added))).toBe('AccessDenied');
    expect(codeOf(await ask('GET', '/requests/k', { authorization: 'AWS a:b' }))).toBe('InvalidRequest');
    expect(codeOf(await ask('GET', '/requests/k', { authorization: 'AWS4-HMAC-SHA256 x' }))).toBe(
      'AuthorizationHeaderMalformed',
    );
  });

  it('is required for everything that is not public', async () => {
    expect(codeOf(await ask('GET', '/requests/k'))).toBe('AccessDenied');
    expect((await ask('GET', '/open/k')).body).toBe('public');
    expect((await ask('PUT', '/open/k', { 'content-length': '0' })).status).toBe(403);
    const head = await ask('HEAD', '/requests/k');
    expect([head.status, head.body]).toEqual([403, '']);
  });

  it('covers keys with escapes, and virtual hosts', async () => {
    const path = '/a%20b%2B%27%28%29%2A~//..//%C3%BC';
    for (const host of [
      `${Bucket}.localhost:${harness.port}`,
      `${Bucket}.s3.localhost`,
      `${Bucket}.s3.eu-west-3.localhost`,
    ]) {
      const body = Buffer.from(host);
      const put = sign('PUT', path, { payload: sha256(body), headers: { host } });
      expect((await ask('PUT', path, put.headers, body)).status).toBe(200);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a b+'()*~//..//ü" }));
      expect(await got.Body?.transformToString()).toBe(host);
    }
  });

  it('in the query allows its request until it expires', async () => {
    const presign = (method: string, expires: number, date = new Date()): string => {
      const time = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
      const day = time.slice(0, 8);
      const scope = `${day}/us-east-1/s3/aws4_request`;
      const query = [
        'X-Amz-Algorithm=AWS4-HMAC-SHA256',
        `X-Amz-Credential=${encodeURIComponent(`${ACCESS_KEY}/${scope}`)}`,
        `X-Amz-Date=${time}`,
        `X-Amz-Expires=${expires}`,
        'X-Amz-SignedHeaders=host',
      ].join('&');
      const canonical = [
        method,
        '/requests/pre%20signed',
        query,
        `host:127.0.0.1:${harness.port}\n`,
        'host',
        'UNSIGNED-PAYLOAD',
      ];
      const key = hmac(hmac(hmac(hmac(`AWS4${SECRET_KEY}`, day), 'us-east-1'), 's3'), 'aws4_request');
      const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical.join('\n'))].join('\n'));
      return `/requests/pre%20signed?${query}&X-Amz-Signature=${signature.toString('hex')}`;
    };
    expect((await ask('PUT', presign('PUT', 60), {}, Buffer.from('by query'))).status).toBe(200);
    expect((await ask('GET', presign('GET', 60))).body).toBe('by query');
    expect(codeOf(await ask('GET', presign('PUT', 60)))).toBe('SignatureDoesNotMatch');
    const old = await ask('GET', presign('GET', 60, new Date(Date.now() - 120_000)));
    expect([codeOf(old), old.status]).toEqual(['AccessDenied', 403]);
    // Longer ago than the clock may be wrong, but not expired.
    expect((await ask('GET', presign('GET', 7200, new Date(Date.now() - 3_600_000)))).status).toBe(200);
  });
});

describe('a body is verified against', () => {
  const Body = Buffer.from('the body');

  it('Content-MD5', async () => {
    const put = (ContentMD5: string): Promise<unknown> =>
      harness.client(plain).send(new PutObjectCommand({ Bucket, Key: 'md5', Body, ContentMD5 }));
    expect((await failure(put(createHash('md5').update('x').digest('base64')))).name).toBe('BadDigest');
    expect((await failure(put('x'))).name).toBe('InvalidDigest');
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'md5' })))).status).toBe(404);
    await put(createHash('md5').update(Body).digest('base64'));
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)('%s', async (algorithm) => {
    const value = (await digestOf(algorithm, Body)).toString('base64');
    const wrong = (await digestOf(algorithm, Buffer.from('x'))).toString('base64');
    const put = (checksum: string): Promise<object> =>
      harness
        .client(plain)
        .send(new PutObjectCommand({ Bucket, Key: algorithm, Body, [`Checksum${algorithm}`]: checksum }));
    expect((await failure(put(wrong))).name).toBe('BadDigest');
    expect((await failure(put('AAAA'))).name).toBe('InvalidRequest');
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: algorithm })))).status).toBe(404);
    expect(await put(value)).toMatchObject({ [`Checksum${algorithm}`]: value, ChecksumType: 'FULL_OBJECT' });
    const head = new HeadObjectCommand({ Bucket, Key: algorithm, ChecksumMode: 'ENABLED' });
    expect(await s3.send(head)).toMatchObject({ [`Checksum${algorithm}`]: value });
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: algorithm }))).not.toHaveProperty(`Checksum${algorithm}`);
  });

  it('the signed hash of the payload', async () => {
    const { headers } = sign('PUT', '/requests/hash', { payload: sha256('x') });
    expect(codeOf(await ask('PUT', '/requests/hash', headers, Body))).toBe('XAmzContentSHA256Mismatch');
  });

  it('the trailer of an unsigned chunked stream', async () => {
    const client = harness.client();
    const data = bytes(300_000);
    const input = {
      Bucket,
      Key: 'stream',
      Body: Readable.from([data.subarray(0, 7), data.subarray(7)]),
      ContentLength: data.length,
    };
    await client.send(new PutObjectCommand({ ...input, ContentEncoding: 'gzip' }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream', ChecksumMode: 'ENABLED' }));
    expect(got.ContentEncoding).toBe('gzip');
    expect(got.ChecksumCRC32).toBe((await digestOf('CRC32', data)).toString('base64'));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(data)).toBe(true);

    const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
    const send = async (text: string, length: number): Promise<Answer> => {
      const extra = { 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-decoded-content-length': String(length) };
      const { headers } = sign('PUT', '/requests/trailer', { payload, headers: extra });
      return ask('PUT', '/requests/trailer', headers, Buffer.from(text));
    };
    const crc = (await digestOf('CRC32', Buffer.from('hello'))).toString('base64');
    expect((await send(`5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`, 5)).status).toBe(200);
    expect(codeOf(await send(`5\r\nhallo\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`, 5))).toBe('BadDigest');
    expect(codeOf(await send('5\r\nhello\r\n0\r\n\r\n', 5))).toBe('InvalidRequest');
    expect(codeOf(await send('5\r\nhello\r\n', 5))).toBe('IncompleteBody');
    expect(codeOf(await send(`5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`, 6))).toBe('IncompleteBody');
    expect(codeOf(await send('zz\r\nhello', 5))).toBe('IncompleteBody');
  });

  it('the chain of chunk signatures', async () => {
    const send = async (spoil: (text: string) => string): Promise<Answer> => {
      const extra = { 'x-amz-decoded-content-length': '11', 'content-encoding': 'aws-chunked' };
      const seed = sign('PUT', '/requests/chunks', { payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', headers: extra });
      let previous = seed.signature;
      const frames = ['hello ', 'world', ''].map((chunk) => {
        const text = ['AWS4-HMAC-SHA256-PAYLOAD', seed.time, seed.scope, previous, sha256(''), sha256(chunk)].join(
          '\n',
        );
        previous = hmac(seed.key, text).toString('hex');
        return `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}\r\n`;
      });
      return ask('PUT', '/requests/chunks', seed.headers, Buffer.from(spoil(frames.join(''))));
    };
    expect((await send((text) => text)).status).toBe(200);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'chunks' }));
    expect([await got.Body?.transformToString(), got.ContentEncoding]).toEqual(['hello world', undefined]);
    expect(codeOf(await send((text) => text.replace('world', 'wurst')))).toBe('SignatureDoesNotMatch');
    expect(codeOf(await send((text) => text.replace(/0;chunk-signature=\w{4}/, '0;chunk-signature=0000')))).toBe(
      'SignatureDoesNotMatch',
    );
  });
});

describe('a connection', () => {
  it('stores nothing if it ends before the body', async () => {
    const { headers } = sign('PUT', '/requests/cut');
    const lines = Object.entries({ ...headers, 'content-length': '200000' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const before = harness.requests.length;
    await new Promise<void>((resolve) => {
      const socket = connect(harness.port, '127.0.0.1', () => {
        socket.write(`PUT /requests/cut HTTP/1.1\r\n${lines.join('')}\r\n`);
        socket.write(bytes(100_000), () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    while (harness.requests.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(harness.requests.at(-1)).toMatchObject({ operation: 'PutObject', key: 'cut', status: 0 });
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'cut' })))).status).toBe(404);
  });

  it('reports no error of the server if it ends right after its request', async () => {
    errors.length = 0;
    for (let index = 0; index < 20; index++) {
      const socket = connect(harness.port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      socket.end('PUT /public/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello');
      await once(socket, 'close');
    }
    expect(errors).toEqual([]);
  });

  it('gets an answer even if its body is refused', async () => {
    const { headers } = sign('PUT', '/nowhere/large');
    const answer = await ask('PUT', '/nowhere/large', headers, bytes(4 * 1024 * 1024));
    expect([codeOf(answer), answer.headers.connection]).toEqual(['NoSuchBucket', 'close']);
    const large = sign('PUT', '/requests/large', {
      headers: { 'content-length': String(5 * 1024 ** 3 + 1), expect: '100-continue' },
    });
    const refused = await new Promise<number | undefined>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: harness.port,
        method: 'PUT',
        path: '/requests/large',
        headers: large.headers,
      };
      const req = request({ ...options, agent: false }, (res) => {
        resolve(res.statusCode);
        req.destroy();
      });
      req.on('error', reject).flushHeaders();
    });
    expect(refused).toBe(400);
  });

  it('gets NotImplemented for an unsupported sub-resource', async () => {
    const { headers } = sign('GET', '/requests/k', { query: 'acl=' });
    const answer = await ask('GET', '/requests/k?acl', headers);
    expect([answer.status, codeOf(answer)]).toEqual([501, 'NotImplemented']);
    expect(answer.headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/);
    expect(textOf(parseXml(answer.body, 'Error'), 'Resource')).toBe('/requests/k');
    const bad = sign('GET', '/requests/%zz');
    expect(codeOf(await ask('GET', '/requests/%zz', bad.headers))).toBe('InvalidURI');
  });
});
