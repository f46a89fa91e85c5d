import type { S3Client } from '@aws-sdk/client-s3';
import { KiB, MiB } from '../model/limits.ts';
import { xmlFault } from './answer-xml.ts';
import { Secrets } from './answer-secrets.ts';

/**
 * What a store may answer. Its owner may be anybody, and the SDK takes every answer that is no object's body into
 * memory whole, parses it character by character, and waits for it as long as anything comes. So before the SDK sees
 * such an answer it is read here, within limits of time and size, and looked at. The errors are none that the SDK repeats:
 *
 * | the answer                              | with an error's status      | else                |
 * |-----------------------------------------|-----------------------------|---------------------|
 * | is too long, or no document of S3's kind | as if it had no body        | `InvalidAnswer`     |
 * | does not end in time                    | `AnswerTimeout`             | `AnswerTimeout`     |
 * | repeats what the request was signed with | without that                | without that        |
 */
export interface AnswerLimits {
  /** milliseconds from the request to the end of its answer, beside what its body takes */
  readonly time: number;
  /** the same where the store has to do something with an object's bytes: Complete may take minutes */
  readonly workTime: number;
  /** bytes a second at which a body is taken to be sent at the slowest */
  readonly slowest: number;
  /** bytes. 1,000 keys of 1,024 bytes, each URL-encoded, and what is told of them are 3.4 MB */
  readonly size: number;
  /** bytes of an error. The longest of S3 repeats the canonical request, in hexadecimal too */
  readonly errorSize: number;
}

export const answerLimits: AnswerLimits = {
  time: 5 * 60_000,
  workTime: 15 * 60_000,
  slowest: 64 * KiB,
  size: 8 * MiB,
  errorSize: 256 * KiB,
};

/** Milliseconds that a store's clock may differ: what differs more is no clock to correct one's own by. */
const maxSkew = 24 * 3600_000;

/** Requests and answers as the SDK's handlers have them, as far as they are looked at. */
interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  body?: unknown;
}

interface Handler {
  handle(request: HttpRequest, options?: { abortSignal?: AbortSignal }): Promise<{ response: HttpResponse }>;
}

/** Makes the client read its answers within limits. */
export function boundAnswers(client: S3Client, limits: AnswerLimits = answerLimits): void {
  const handler = client.config.requestHandler as unknown as Handler;
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    const aborter = new AbortController();
    const time = timeFor(request, limits);
    // The handler itself forgets about an answer with status 101: neither its end nor an abortion is told.
    const over = new Promise<never>((_, reject) => {
      aborter.signal.addEventListener('abort', () => reject(failure('AnswerTimeout', timeoutText(time))));
    });
    over.catch(() => undefined);
    const timer = setTimeout(() => aborter.abort(), time);
    const given = options?.abortSignal;
    const abortSignal = given ? AbortSignal.any([given, aborter.signal]) : aborter.signal;
    try {
      const { response } = await Promise.race([handle(request, { ...options, abortSignal }), over]);
      const secrets = new Secrets(request.headers);
      for (const [name, value] of Object.entries(response.headers)) response.headers[name] = secrets.hide(value);
      if (!isPlausible(response.headers['date'])) delete response.headers['date'];
      if (!isObjectBody(request, response)) response.body = await readAnswer(response, secrets, limits);
      return { response };
    } catch (error) {
      if (!aborter.signal.aborted) throw error;
      throw failure('AnswerTimeout', timeoutText(time));
    } finally {
      clearTimeout(timer);
    }
  };
}

function timeFor({ method, headers }: HttpRequest, limits: AnswerLimits): number {
  const works = method === 'POST' || 'x-amz-copy-source' in headers;
  const body = Number(headers['content-length'] ?? 0);
  return (works ? limits.workTime : limits.time) + (body / limits.slowest) * 1000;
}

/** Bytes of an object are whoever asked for them's to read, and to bound. */
function isObjectBody({ query }: HttpRequest, { statusCode }: HttpResponse): boolean {
  return query?.['x-id'] === 'GetObject' && statusCode >= 200 && statusCode < 300;
}

async function readAnswer(response: HttpResponse, secrets: Secrets, limits: AnswerLimits): Promise<Uint8Array> {
  const isError = response.statusCode >= 300;
  const most = isError ? limits.errorSize : limits.size;
  const bytes = await collect(response.body as AsyncIterable<Uint8Array> | undefined, most);
  if (bytes?.length === 0) return bytes;
  const text = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') : '';
  const wrong = bytes ? (xmlFault(bytes) ?? contentFault(text, secrets)) : `it has more than ${most} bytes`;
  if (!bytes || wrong !== undefined) {
    // The status says what there is to say: a proxy's page of HTML is such an answer too.
    if (isError) return new Uint8Array();
    throw failure('InvalidAnswer', `the answer is none of S3's: ${wrong}`);
  }
  const clean = secrets.hide(text);
  return clean === text ? bytes : Buffer.from(clean);
}

function contentFault(text: string, secrets: Secrets): string | undefined {
  if (secrets.areHiddenIn(text)) return 'it repeats what the request was signed with, in character references';
  const time = /<ServerTime>([^<]*)</.exec(text)?.[1];
  return isPlausible(time) ? undefined : 'it tells a time that cannot be';
}

function timeoutText(time: number): string {
  return `no answer came to its end within ${Math.round(time / 1000)} s`;
}

/** Without a cause: the SDK would look into it, and repeat what broke off because it was ended here. */
function failure(name: 'InvalidAnswer' | 'AnswerTimeout', message: string): Error {
  return Object.assign(new Error(message), { name });
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
