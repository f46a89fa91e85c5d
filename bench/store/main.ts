import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MadeUpBuckets, type MadeUp } from './made-up-bucket.ts';

/**
 * A store of S3's API that costs as little as possible, so that a benchmark measures its clients: objects are made up,
 * what is written is counted and thrown away, and nothing is verified. It says its port on standard output. The
 * workload is its argument, as JSON.
 */

const buckets = new MadeUpBuckets(JSON.parse(process.argv[2] ?? '{}') as MadeUp);
const delayMillis = Number(process.argv[3] ?? 0);
/** parts of uploads: number by upload ID */
const parts = new Map<string, Map<number, { readonly size: number; readonly md5: Buffer }>>();

const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    response.destroy();
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://store');
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const { searchParams: query } = url;
  if (request.method === 'PUT' && key !== '') return put(request, response, { bucket, key, query });
  if (request.method === 'POST') return post(request, response, { bucket, key, query });
  request.resume();
  if (key === '') return list(response, bucket, query);
  const uploadId = query.get('uploadId');
  if (uploadId !== null) listParts(response, uploadId);
  else get(request, response, bucket, key);
}

interface Address {
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

async function list(response: ServerResponse, bucket: string, query: URLSearchParams): Promise<void> {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? '';
  const most = Number(query.get('max-keys') ?? 1000);
  const page = buckets.page(bucket, { prefix: query.get('prefix') ?? '', after, most });
  if (delayMillis > 0) await new Promise((resolve) => setTimeout(resolve, delayMillis));
  answer(response, 200, { 'content-type': 'application/xml' }, page);
}

/** All parts on one page: uploads of a benchmark have fewer than 1,000. */
function listParts(response: ServerResponse, uploadId: string): void {
  const all = [...(parts.get(uploadId) ?? [])].sort(([a], [b]) => a - b);
  const listed = all.map(
    ([number, { size, md5 }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${md5.toString('hex')}&quot;</ETag><Size>${size}</Size></Part>`,
  );
  const result = `<ListPartsResult><IsTruncated>false</IsTruncated>${listed.join('')}</ListPartsResult>`;
  answer(response, 200, { 'content-type': 'application/xml' }, result);
}

function get(request: IncomingMessage, response: ServerResponse, bucket: string, key: string): void {
  const written = bucket === 'destination' ? buckets.written.get(key) : undefined;
  if (!written && !buckets.has(bucket, key)) {
    answer(response, 404, {}, request.method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>');
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const [start, end] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, buckets.body.length];
  const body = buckets.body.subarray(start, end);
  const headers = {
    etag: `"${written?.etag ?? buckets.etag}"`,
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'content-length': body.length,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${buckets.body.length}` }),
  };
  response.writeHead(range ? 206 : 200, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** A body's size and MD5, which is the client's own where it states one. */
async function bodyOf(request: IncomingMessage): Promise<{ size: number; md5: Buffer }> {
  const stated = request.headers['content-md5'];
  const hash = stated === undefined ? createHash('md5') : undefined;
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    hash?.update(chunk);
  }
  return { size, md5: hash ? hash.digest() : Buffer.from(String(stated), 'base64') };
}

async function put(request: IncomingMessage, response: ServerResponse, { key, query }: Address): Promise<void> {
  const { size, md5 } = await bodyOf(request);
  const etag = md5.toString('hex');
  const uploadId = query.get('uploadId');
  if (uploadId === null) buckets.written.set(key, { size, etag });
  else parts.get(uploadId)?.set(Number(query.get('partNumber')), { size, md5 });
  answer(response, 200, { etag: `"${etag}"` });
}

async function post(request: IncomingMessage, response: ServerResponse, { key, query }: Address): Promise<void> {
  await bodyOf(request);
  const xml = { 'content-type': 'application/xml' };
  const uploadId = query.get('uploadId');
  if (uploadId === null) {
    const id = `upload-${parts.size}`;
    parts.set(id, new Map());
    const result = `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`;
    answer(response, 200, xml, result);
    return;
  }
  const all = [...(parts.get(uploadId) ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part);
  const digest = createHash('md5').update(Buffer.concat(all.map(({ md5 }) => md5)));
  const etag = `${digest.digest('hex')}-${all.length}`;
  buckets.written.set(key, { size: all.reduce((sum, { size }) => sum + size, 0), etag });
  const result = `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`;
  answer(response, 200, xml, result);
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
