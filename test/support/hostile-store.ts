import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { BoundedHttpHandler } from '../../shared/aws/http/handler.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { SideKeys } from '../../shared/aws/credentials/key-source.ts';
import type { DestinationSide } from '../../shared/model/config/task.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';

/** A request as it arrived; only the query is decoded. */
export interface Asked {
  readonly method: string;
  /** the target of the request line, byte for byte */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An HTTP answer, or anything written to the bare socket. */
export type Reply =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer | Iterable<string | Buffer> | AsyncIterable<string | Buffer>;
    }
  | { readonly raw: (socket: Socket) => void | Promise<void> };

/** A longer body of a request is cut off. */
const maxKeptBytes = 1024 * 1024;

/** Credentials of the clients of hostile stores. The secret key and the session token may appear nowhere. */
export const canary = {
  accessKeyId: 'AKIACANARYCANARYCANA',
  secretAccessKey: 'canarySecretKey/0123456789+abcdefghij',
  sessionToken: 'canarySessionToken//FwoGZXIvYXdzEJr0123456789abcdefghijklmnop==',
} as const satisfies SideKeys;

/**
 * An S3 server on loopback that answers what its test says, in path style, and records its requests. Use it for answers
 * that no honest store gives; `local-s3.ts` is an honest one.
 */
export class HostileStore {
  readonly asked: Asked[] = [];
  readonly endpoint: string;
  /** connections that were made to it */
  connections = 0;
  answer: (asked: Asked) => Reply | Promise<Reply>;
  readonly #server: Server;
  readonly #destroyed: (() => void)[] = [];

  private constructor(server: Server, answer: HostileStore['answer']) {
    this.#server = server;
    this.answer = answer;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(answer: HostileStore['answer'] = () => ({ status: 500 })): Promise<HostileStore> {
    const server = createServer({ maxHeaderSize: 4 * 1024 * 1024, keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hostile = new HostileStore(server, answer);
    server.on('connection', () => hostile.connections++);
    server.on('request', (request, response) => {
      hostile.#serve(request, response).catch(() => request.socket.destroy());
    });
    return hostile;
  }

  /** A store over it, with the product's client and parsers. */
  store(side: Partial<DestinationSide> = {}, keys: SideKeys = canary, handler?: BoundedHttpHandler): ObjectStore {
    const whole: DestinationSide = {
      bucket: 'bucket',
      prefix: '',
      region: 'us-east-1',
      endpoint: this.endpoint,
      forcePathStyle: true,
      requestPayer: false,
      ...side,
    };
    const client = createS3Client(whole, keys, handler);
    this.#destroyed.push(() => client.destroy());
    return new S3ObjectStore(client, whole);
  }

  /** Requests that write or delete, by their request lines. */
  get writes(): string[] {
    return this.asked
      .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
      .map(({ method, target }) => `${method} ${target}`);
  }

  async close(): Promise<void> {
    for (const destroy of this.#destroyed) destroy();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    let kept = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (kept < maxKeptBytes) chunks.push(chunk);
      kept += chunk.length;
    }
    const target = request.url ?? '';
    const asked: Asked = {
      method: request.method ?? '',
      target,
      query: new URLSearchParams(target.split('?').slice(1).join('?')),
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    this.asked.push(asked);
    // The bucket exists; only its content is made up by the test.
    const bucketOnly = asked.method === 'HEAD' && /^\/[^/]*\/?$/.test(target);
    const reply = bucketOnly ? {} : await this.answer(asked);
    if ('raw' in reply) {
      await reply.raw(request.socket);
      return;
    }
    const { status = 200, headers = {}, body = '' } = reply;
    response.writeHead(status, headers);
    if (typeof body === 'string' || Buffer.isBuffer(body)) {
      response.end(body);
      return;
    }
    for await (const chunk of body) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  }
}

/** @throws Error if the client disconnects */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  try {
    const { signal } = over;
    await Promise.race([
      once(response, 'drain', { signal }),
      once(response, 'close', { signal }).then(() => Promise.reject(new Error('the client is gone'))),
    ]);
  } finally {
    over.abort();
  }
}

/** An error as S3 writes it, `more` being XML beside code and message. */
export function errorXml(code: string, message: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
}

export interface HostileEntry {
  readonly key: string;
  readonly size?: string | number;
  readonly etag?: string;
  readonly modified?: string;
}

/** A page of ListObjectsV2. The keys must be encoded already. */
export function listingXml(entries: readonly HostileEntry[], more = '', encoding = 'url'): string {
  const contents = entries.map(
    ({ key, size = 3, etag = '&quot;900150983cd24fb0d6963f7d28e17f72&quot;', modified = '2026-01-01T00:00:00.000Z' }) =>
      `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified><ETag>${etag}</ETag><Size>${size}</Size></Contents>`,
  );
  const encodingType = encoding === '' ? '' : `<EncodingType>${encoding}</EncodingType>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>${encodingType}${contents.join('')}${more}</ListBucketResult>`;
}
