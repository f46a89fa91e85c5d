import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** An answer as it came over the connection. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
  /** The `<Code>` of an error document. */
  readonly code: string | undefined;
}

export interface WireRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Sends one unsigned request, with exactly these headers. @param target `PUT /bucket/key?query` */
export async function ask(port: number, target: string, options: WireRequest = {}): Promise<WireAnswer> {
  const [method = '', path = ''] = target.split(' ', 2);
  return new Promise((resolve, reject) => {
    const body = Buffer.from(options.body ?? '');
    const length = method === 'PUT' || body.length > 0 ? { 'content-length': String(body.length) } : {};
    const req = request({ host: '127.0.0.1', port, method, path, headers: { ...length, ...options.headers } });
    req.once('error', reject);
    req.once('response', (res) => {
      buffer(res).then((bytes) => {
        const text = bytes.toString();
        const headers = Object.fromEntries(Object.entries(res.headers).map(([name, value]) => [name, String(value)]));
        const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1];
        resolve({ status: res.statusCode ?? 0, headers, body: bytes, text, code });
      }, reject);
    });
    req.end(body);
  });
}

/** The text of the first element with this name; entities other than quotes stay as they are. */
export function elementOf({ text }: WireAnswer, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]?.replaceAll('&quot;', '"');
}
