import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { KiB, MiB } from '../../model/limits.ts';
import { makeReadable, withReadableDates } from './answer-fields.ts';
import { StoredBodies } from './answer-length.ts';
import { scanListing, type ScannedListing } from './answer-listing.ts';
import { formFault, isErrorDocument } from './answer-form.ts';
import { xmlFault } from './answer-xml.ts';
import { Secrets } from './answer-secrets.ts';

/**
 * Limits on what a store may answer. A store can belong to anyone, and the SDK reads every answer but an object's body
 * into memory whole and parses it character by character. So each such answer is read here first, within limits, and
 * checked; handler.ts bounds the time. The SDK does not retry the resulting error:
 *
 * | the answer                                   | with an error's status | else            |
 * |----------------------------------------------|------------------------|-----------------|
 * | is too long, or not a document like S3's     | as if it had no body   | `InvalidAnswer` |
 * | is not of its operation's form (answer-form) | as if it had no body   | `InvalidAnswer` |
 * | repeats the request's credentials            | without that           | without that    |
 * | has a date that is none (answer-fields)      | without that           | without that    |
 *
 * A listing of objects, which may have thousands of elements, is read here (answer-listing.ts) wherever it has S3's
 * form, and the SDK gets an empty document in its place.
 */

/** 1,000 keys of 1,024 bytes, each URL-encoded, with their fields are 3.4 MB. */
const maxAnswerBytes = 8 * MiB;
/** S3's longest error repeats the canonical request, and once more in hexadecimal. */
const maxErrorBytes = 256 * KiB;

/** A store's clock that differs by more is not used to correct our own. */
const maxSkewMillis = 24 * 3600_000;

/** The parts of the SDK's requests and responses that are used here. */
interface HttpRequest {
  readonly headers: Record<string, string>;
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  body?: unknown;
}

interface Context {
  readonly commandName?: string;
}

/** Listings that were read here: by the HTTP response, and by the SDK's output for it. */
const listings = new WeakMap<object, ScannedListing>();

/**
 * The listing in the output of ListObjects or ListObjectsV2, or in the response to it; undefined if its document is not
 * of S3's form, so that the SDK reads it.
 */
export function listingIn(answer: object): ScannedListing | undefined {
  return listings.get(answer);
}

/** Gives an output the listing of its response. */
export function keepListing(response: object, output: object): void {
  const listing = listings.get(response);
  if (listing) listings.set(output, listing);
}

const listingOperations: ReadonlySet<string> = new Set(['ListObjectsV2', 'ListObjects']);
const emptyListing = Buffer.from('<ListBucketResult/>');

/** Reads the answers of one client within limits. */
export class BoundedAnswers {
  readonly #bodies = new StoredBodies();

  /**
   * Sends a request, and reads the answer but for the body of an object.
   * @param operation the SDK's name of the operation: `ListObjectsV2`
   * @param request its headers may be changed before it is sent
   * @throws an Error named `InvalidAnswer` for an answer that is not of S3's form
   */
  async ask<Result extends { response: unknown }>(
    operation: string,
    request: HttpRequest,
    send: () => Promise<Result>,
  ): Promise<Result> {
    const isObject = operation === 'GetObject' || operation === 'HeadObject';
    const result = isObject ? await this.#bodies.ask(request, send) : await send();
    await readWithinLimits(operation, request, result.response as HttpResponse);
    return result;
  }
}

/** Makes the client read its answers within limits. */
export function boundAnswers(client: S3Client, answers: BoundedAnswers): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (result.output) keepListing(result.response as object, result.output);
      return result;
    },
    // Outermost: the SDK has made its output.
    { step: 'deserialize', priority: 'high', name: 's3FerryListings' },
  );
  client.middlewareStack.add(
    (next, context) => (args) => {
      const operation = ((context as Context).commandName ?? '').replace(/Command$/, '');
      return answers.ask(operation, args.request as HttpRequest, () => next(args));
    },
    // Innermost: the SDK parses the answer after this.
    { step: 'deserialize', priority: 'low', name: 's3FerryAnswers' },
  );
}

async function readWithinLimits(operation: string, request: HttpRequest, response: HttpResponse): Promise<void> {
  const { statusCode, headers } = response;
  const secrets = new Secrets(request.headers);
  for (const [name, value] of Object.entries(headers)) headers[name] = secrets.hide(value);
  if (!isPlausible(headers['date'])) delete headers['date'];
  // What remains is the region that the request should have been signed for.
  if (headers['x-amz-bucket-region'] === signedRegion(request)) delete headers['x-amz-bucket-region'];
  const succeeded = statusCode >= 200 && statusCode < 300;
  let text = '';
  // Object bodies stream to the caller, which bounds them.
  const isObjectBody = succeeded && operation === 'GetObject';
  if (!isObjectBody) {
    const most = succeeded ? maxAnswerBytes : maxErrorBytes;
    const bytes = await collect(response.body as AsyncIterable<Uint8Array> | undefined, most);
    const listing = succeeded && bytes && listingOperations.has(operation) ? readListing(bytes, secrets) : undefined;
    if (listing) {
      listings.set(response, listing);
      response.body = emptyListing;
      return;
    }
    text = readDocument(bytes, secrets, { isError: statusCode >= 300, most });
    response.body = Buffer.from(text);
  }
  const wrong = succeeded ? formFault(operation, { statusCode, headers, text }) : undefined;
  if (wrong !== undefined) {
    if (isObjectBody) (response.body as Readable).destroy();
    throw invalidAnswer(`the answer is not like S3's: ${wrong}`);
  }
  makeReadable(headers);
}

function signedRegion({ headers }: HttpRequest): string | undefined {
  return /Credential=[^,]*\/([^/,]*)\/s3\/aws4_request/.exec(headers['authorization'] ?? '')?.[1];
}

function readListing(bytes: Uint8Array, secrets: Secrets): ScannedListing | undefined {
  const document = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return secrets.areIn(document) ? undefined : scanListing(document);
}

/**
 * @param bytes undefined if there are more than `most`
 * @returns the document, clean; empty for an error that is no document of S3's: its status says enough
 */
function readDocument(
  bytes: Uint8Array | undefined,
  secrets: Secrets,
  { isError, most }: { readonly isError: boolean; readonly most: number },
): string {
  if (bytes?.length === 0) return '';
  const text = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') : '';
  const wrong = bytes ? (xmlFault(bytes) ?? contentFault(text, secrets)) : `it has more than ${most} bytes`;
  // A proxy's page of HTML is such an answer too.
  if (isError && (wrong !== undefined || !isErrorDocument(text))) return '';
  if (wrong !== undefined) throw invalidAnswer(`the answer is not like S3's: ${wrong}`);
  return withReadableDates(secrets.hide(text));
}

function contentFault(text: string, secrets: Secrets): string | undefined {
  if (secrets.areHiddenIn(text)) return 'it repeats the credentials of the request, in character references';
  const time = /<ServerTime>([^<]*)</.exec(text)?.[1];
  return isPlausible(time) ? undefined : 'it states an impossible time';
}

function invalidAnswer(message: string): Error {
  return Object.assign(new Error(message), { name: 'InvalidAnswer' });
}

/** @returns undefined if there are more bytes than `most`; the connection is closed then */
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

/** May the SDK correct its clock by this time? One far in the future would break every later signature. */
function isPlausible(time: string | undefined): boolean {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) || Math.abs(at - Date.now()) < maxSkewMillis;
}
