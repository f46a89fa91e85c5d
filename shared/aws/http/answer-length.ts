import type { Readable } from 'node:stream';

/**
 * Bodies as they are stored. Objects are asked for without any encoding for the way, so that no proxy compresses them.
 * Google's storage then unzips objects with `Content-Encoding: gzip`, and states no length, unless gzip is accepted
 * (Google Cloud Storage: "Transcoding of gzip-compressed files"). An answer without a length is asked for once more,
 * with gzip accepted, and that answer is used if it has a length and the same strong ETag. A proxy that compresses on
 * the way changes the ETag or states no length either; its bodies are counted against the length that HEAD states.
 */

interface HttpRequest {
  readonly headers: Record<string, string>;
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Ask<Result> = () => Promise<Result>;

/** Asks one client's store for objects. */
export class StoredBodies {
  /** whether the store may have objects that it sends as stored only if gzip is accepted */
  #unzips = true;

  /**
   * @param request its header is set for each attempt. It is not signed: Google's storage changes it on the way, and
   *   the signature would not match
   * @param ask sends the request
   */
  async ask<Result extends { response: unknown }>(request: HttpRequest, ask: Ask<Result>): Promise<Result> {
    request.headers['accept-encoding'] = 'identity';
    const plain = await ask();
    const first = plain.response as HttpResponse;
    if (!this.#unzips || !lacksLength(first)) return plain;
    discard(first);
    request.headers['accept-encoding'] = 'gzip';
    const zipped = await ask();
    const second = zipped.response as HttpResponse;
    const isStored = !lacksLength(second) && isStrong(first) && second.headers['etag'] === first.headers['etag'];
    if (isStored || second.statusCode >= 300) return zipped;
    discard(second);
    this.#unzips = false;
    request.headers['accept-encoding'] = 'identity';
    return ask();
  }
}

function lacksLength({ statusCode, headers }: HttpResponse): boolean {
  const succeeded = statusCode >= 200 && statusCode < 300;
  return succeeded && headers['content-length'] === undefined && headers['content-range'] === undefined;
}

function isStrong({ headers }: HttpResponse): boolean {
  return headers['etag'] !== undefined && !headers['etag'].startsWith('W/');
}

function discard({ body }: HttpResponse): void {
  (body as Readable | undefined)?.destroy();
}
