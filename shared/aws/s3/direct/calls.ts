import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../../model/faults.ts';
import { quoted } from '../../../model/text.ts';
import { keepListing, listingIn, type BoundedAnswers } from '../../http/answers.ts';
import { withAttempts } from '../../http/attempts.ts';
import type { SdkResponse } from '../../http/handler.ts';
import { encodedPath, targetOf, type SdkRequest } from '../../http/request.ts';
import { serviceError } from '../../http/service-error.ts';
import { Signer, unsignedPayload } from '../../http/signature.ts';
import { targetFault, type Addressed } from '../request-target.ts';
import { Addresses, isOnlyShown, type Address } from './address.ts';
import {
  directOperations,
  outputOf,
  requestParts,
  type DirectOperation,
  type Input,
  type Output,
  type RequestParts,
} from './fields.ts';

/** What sends a request: the client's own handler. */
export interface RequestHandler {
  handle(request: SdkRequest): Promise<{ response: SdkResponse }>;
}

export interface DirectSettings {
  readonly handler: RequestHandler;
  readonly answers: BoundedAnswers;
  /** the path of the side's endpoint, without a slash at its end */
  readonly basePath: string;
  /** whether requests name their operation in the query, as the SDK's do */
  readonly namesOperation: boolean;
  /** Must bodies be hashed, although they have another digest? */
  readonly signsBodies: () => boolean;
}

/**
 * The calls that a transfer makes for each object and each part, without the SDK: it takes three quarters of the CPU
 * time of a small copy, for layers that these calls do not need. What is sent, what is believed of an answer, and how
 * often a call is repeated stay the same, and so do the inputs, outputs and errors. The SDK says where requests go
 * (address.ts), and makes every call with a field that is not known here.
 */
export class DirectCalls {
  readonly #client: S3Client;
  readonly #settings: DirectSettings;
  readonly #addresses: Addresses;
  #signer: { readonly region: string; readonly signer: Signer } | undefined;
  /** whether the store's listings are of S3's form */
  #readsListings = true;

  constructor(client: S3Client, settings: DirectSettings) {
    this.#client = client;
    this.#settings = settings;
    this.#addresses = new Addresses(client);
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const output = await this.#call(operationOf(context), args.input as Input);
        return output ? { response: undefined, output: output as never } : next(args);
      },
      { step: 'initialize', priority: 'low', name: 's3FerryDirectCalls' },
    );
  }

  /** @returns undefined if the SDK has to make the call */
  async #call(operation: string, input: Input): Promise<Output | undefined> {
    if (!isDirect(operation) || isOnlyShown(input)) return undefined;
    if (operation === 'ListObjectsV2' && !this.#readsListings) return undefined;
    const parts = requestParts(operation, input);
    const payloadHash = parts && this.#payloadHash(parts);
    if (!parts || payloadHash === undefined) return undefined;
    const { Bucket = '', Key = '' } = input as Addressed;
    const address = await this.#addresses.of(Bucket);
    if (!address) return undefined;
    const path = operation === 'ListObjectsV2' ? address.listPath : `${address.base}/${encodedPath(Key)}`;
    if (!this.#settings.namesOperation) delete parts.query['x-id'];
    const { query, headers, body } = parts;
    const { method } = directOperations[operation];
    const unsigned = { ...place(address), method, path, query, headers, ...(body !== undefined && { body }) };
    const canRepeat = !(parts.body instanceof Readable);
    return withAttempts(this.#client, canRepeat, (attempt) =>
      this.#attempt(operation, input, { unsigned, address, payloadHash, attempt }),
    );
  }

  async #attempt(operation: DirectOperation, input: Input, call: Call): Promise<Output | undefined> {
    const usedOffset = this.#client.config.systemClockOffset;
    const request = await this.#signed(call, usedOffset);
    const { answers, basePath, handler } = this.#settings;
    const { Bucket = '', Key = '' } = input as Addressed;
    const wrong = targetFault(operation, input, request, basePath);
    if (wrong !== undefined) {
      throw new Fault('InvalidInput', `${operation} ${Bucket}: ${quoted(Key)}: ${wrong}; nothing was sent`);
    }
    const { response } = await answers.ask(operation, request, () => handler.handle(request));
    const { statusCode, headers, body } = response;
    if (statusCode >= 300) {
      const error = serviceError({ statusCode, headers, text: textOf(body) });
      throw this.#correctedClock(error, headers['date'], usedOffset);
    }
    const output: Output = outputOf(headers);
    if (operation === 'GetObject') output['Body'] = body;
    if (operation === 'ListObjectsV2') {
      this.#readsListings = listingIn(response) !== undefined;
      if (!this.#readsListings) return undefined;
      keepListing(response, output);
    }
    return output;
  }

  async #signed({ unsigned, address, payloadHash, attempt }: Call, clockOffset: number): Promise<MutableRequest> {
    const { config } = this.#client;
    const headers: Record<string, string> = { host: address.host, ...unsigned.headers };
    // Read back by the handler (attemptOf in shared/aws/http/request.ts), and by stores for their statistics.
    headers['amz-sdk-request'] = `attempt=${attempt}; max=${await config.maxAttempts()}`;
    headers['user-agent'] = 's3-ferry';
    const { scope } = address;
    if (!scope) return { ...unsigned, headers };
    if (this.#signer?.region !== scope.region) this.#signer = { region: scope.region, signer: new Signer(scope) };
    const keys = await config.credentials();
    const now = new Date(Date.now() + clockOffset);
    const signing = this.#signer.signer.headers(
      { method: unsigned.method, headers, target: targetOf(unsigned) },
      keys,
      {
        now,
        payloadHash,
      },
    );
    return { ...unsigned, headers: Object.assign(headers, signing) };
  }

  /**
   * The hash that is signed for a body: none for one with a digest in a signed header.
   * @returns undefined for a stream without one, which the SDK sends with a digest behind it
   */
  #payloadHash({ headers, body }: RequestParts): string | undefined {
    if (body === undefined) return emptyHash;
    const hasDigest = Object.keys(headers).some((name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'));
    if (body instanceof Readable) return hasDigest && !this.#settings.signsBodies() ? unsignedPayload : undefined;
    return hasDigest && !this.#settings.signsBodies() ? unsignedPayload : sha256(body);
  }

  /**
   * After an error of a store whose clock differs from what the request was signed by, that clock is used, and the call
   * may be repeated. The error need not say so: the answer to HEAD has no code.
   * @param usedOffset what the request was signed with: another call may have corrected the clock since
   */
  #correctedClock(
    error: Error & { readonly ServerTime?: string },
    date: string | undefined,
    usedOffset: number,
  ): Error {
    const offset = Date.parse(error.ServerTime ?? date ?? '') - Date.now();
    if (!(Math.abs(offset - usedOffset) >= maxSkewMillis)) return error;
    this.#client.config.systemClockOffset = offset;
    return Object.assign(error, { clockWasWrong: true });
  }
}

type MutableRequest = SdkRequest & { readonly headers: Record<string, string> };

interface Call {
  readonly unsigned: SdkRequest;
  readonly address: Address;
  readonly payloadHash: string;
  readonly attempt: number;
}

/** A difference of clocks that the SDK corrects, too: stores refuse one of 15 minutes (S3: RequestTimeTooSkewed). */
const maxSkewMillis = 240_000;

const emptyHash = sha256('');

/** The document of an error, which was read within limits. */
function textOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString() : '';
}

function sha256(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function operationOf(context: unknown): string {
  return ((context as { commandName?: string }).commandName ?? '').replace(/Command$/, '');
}

function isDirect(operation: string): operation is DirectOperation {
  return Object.hasOwn(directOperations, operation);
}

function place({ protocol, hostname, port }: Address): Pick<SdkRequest, 'protocol' | 'hostname' | 'port'> {
  return { protocol, hostname, ...(port !== undefined && { port }) };
}
