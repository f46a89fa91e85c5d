import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { SideKeys } from '../../shared/aws/credentials/key-source.ts';

/** One request to an S3 server over HTTP, exactly as written. */
export interface WireRequest {
  readonly method: string;
  /** percent-encoded, with a slash at its start */
  readonly path: string;
  /** not encoded */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** An answer as it came over the connection. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** Sends a request with a signature of version 4 and no hash of its body, and no header that a client would add. */
export async function sendSigned(endpoint: string, keys: SideKeys, asked: WireRequest): Promise<WireAnswer> {
  const { host, hostname, port } = new URL(endpoint);
  const { method, path, query = {}, body = '' } = asked;
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const signed = { ...asked.headers, host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': date };
  const names = Object.keys(signed).sort();
  const search = Object.entries(query)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const lines = names.map((name) => `${name}:${(signed as Record<string, string>)[name]?.trim()}\n`);
  const canonical = [method, path, search, lines.join(''), names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const secret = scope
    .split('/')
    .reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${keys.secretAccessKey}`);
  const signature = hmac(secret, ['AWS4-HMAC-SHA256', date, scope, hash].join('\n')).toString('hex');
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signature}`;
  const length = String(Buffer.byteLength(body));
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ hostname, port, method, path: search === '' ? path : `${path}?${search}` },
      headers: {
        ...signed,
        authorization,
        ...((method === 'PUT' || method === 'POST') && { 'content-length': length }),
      },
    });
    sent.once('error', reject);
    sent.once('response', (res) => {
      const headers = Object.fromEntries(Object.entries(res.headers).map(([name, value]) => [name, String(value)]));
      buffer(res).then((bytes) => resolve({ status: res.statusCode ?? 0, headers, text: bytes.toString() }), reject);
    });
    sent.end(body);
  });
}
