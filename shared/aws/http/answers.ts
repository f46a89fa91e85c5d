import type { S3Client } from '@aws-sdk/client-s3';
import { KiB, MiB } from '../../model/limits.ts';
import { xmlFault } from './answer-xml.ts';
import { Secrets } from './answer-secrets.ts';

/**
 * What a store may answer. Its owner may be anybody, and the SDK takes every answer that is no object's body into
 * memory whole, and parses it character by character. So before the SDK sees such an answer it is read here, within
 * limits, and looked at; for how long, the handler sees to (handler.ts). The error is none that the SDK repeats:
 *
 * | the answer                               | with an error's status | else            |
 * |------------------------------------------|------------------------|-----------------|
 * | is too long, or no document of S3's kind | as if it had no body   | `InvalidAnswer` |
 * | repeats what the request was signed with | without that           | without that    |
 */

/** Bytes. 1,000 keys of 1,024 bytes, each URL-encoded, and what is told of them are 3.4 MB. */
const maxSize = 8 * MiB;
/** Bytes of an error. The longest of S3 repeats the canonical request, in hexadecimal too. */
const maxErrorSize = 256 * KiB;

/** Milliseconds that a store's clock may differ: what differs more is no clock to correct one's own by. */
const maxSkew = 24 * 3600_000;

/** Requests and answers as the SDK's handlers have them, as far as they are looked at. */
interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  body?: unknown;
}

interface Handler {
  handle(request: HttpRequest, options?: object): Promise<{ response: HttpResponse }>;
}

/** Makes the client read its answers within limits. */
export function boundAnswers(client: S3Client): void {
  const handler = client.config.requestHandler as unknown as Handler;
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    const { response } = await handle(request, options);
    const secrets = new Secrets(request.headers);
    for (const [name, value] of Object.entries(response.headers)) response.headers[name] = secrets.hide(value);
    if (!isPlausible(response.headers['date'])) delete response.headers['date'];
    if (!isObjectBody(request, response)) response.body = await readAnswer(response, secrets);
    return { response };
  };
}

/** Bytes of an object are whoever asked for them's to read, and to bound. */
function isObjectBody({ query }: HttpRequest, { statusCode }: HttpResponse): boolean {
  return query?.['x-id'] === 'GetObject' && statusCode >= 200 && statusCode < 300;
}

async function readAnswer(response: HttpResponse, secrets: Secrets): Promise<Uint8Array> {
  const isError = response.statusCode >= 300;
  const most = isError ? maxErrorSize : maxSize;
  const bytes = await collect(response.body as AsyncIterable<Uint8Array> | undefined, most);
  if (bytes?.length === 0) return bytes;
  const text = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') : '';
  const wrong = bytes ? (xmlFault(bytes) ?? contentFault(text, secrets)) : `it has more than ${most} bytes`;
  if (!bytes || wrong !== undefined) {
    // The status says what there is to say: a proxy's page of HTML is such an answer too.
    if (isError) return new Uint8Array();
    throw invalidAnswer(`the answer is none of S3's: ${wrong}`);
  }
  const clean = secrets.hide(text);
  return clean === text ? bytes : Buffer.from(clean);
}

function contentFault(text: string, secrets: Secrets): string | undefined {
  if (secrets.areHiddenIn(text)) return 'it repeats what the request was signed with, in character references';
  const time = /<ServerTime>([^<]*)</.exec(text)?.[1];
  return isPlausible(time) ? undefined : 'it tells a time that cannot be';
}

function invalidAnswer(message: string): Error {
  return Object.assign(new Error(message), { name: 'InvalidAnswer' });
}

/** @returns undefined where there are more bytes than `most`; the connection is ended then */
async function collect(body: AsyncIterable<Uint8Array> | undefined, most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop destroys the stream, and with it the connection.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** Is it a time that the SDK may correct its clock by? It would go wrong for good by one at the end of all times. */
function isPlausible(time: string | undefined): boolean {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) || Math.abs(at - Date.now()) < maxSkew;
}
