import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from './errors.ts';
import { readAddress, type Address } from './http/address.ts';
import { ConnectionLost } from './http/connection-lost.ts';
import { respond } from './http/respond.ts';
import type { Operation } from './http/route.ts';
import { authenticate, type SecretLookup } from './http/signature.ts';
import { clientGone, pause } from './http/pause.ts';
import { tamperWithAnswer, tamperWithBody } from './http/tamper.ts';
import { element, plainDocument } from './http/xml.ts';
import { accessDenied, header, requireBucket, type Answer, type Call, type Server } from './call.ts';
import { ownerAccountId } from './operations/owner.ts';
import { answeredError, answeredHeaders } from './personalities/answer.ts';
import type { Personality } from './personalities/personality.ts';
import { readAs, refuse, type ReadRequest } from './personalities/request.ts';
import { requireRegion } from './personalities/region.ts';
import { perform } from './operations/perform.ts';
import type { Fault, FaultHook, FinishedRequest, RequestInfo } from './options.ts';

/** What the listener needs in addition to `Server`. */
export interface Hooks {
  readonly lookup: SecretLookup;
  readonly fault: FaultHook | undefined;
  readonly onRequest: ((request: FinishedRequest) => void) | undefined;
  readonly onError: (error: unknown) => void;
}

function describe({ operation, address }: ReadRequest): RequestInfo {
  const partNumber = Number(address.query.get('partNumber') ?? NaN);
  const uploadId = address.query.get('uploadId');
  return {
    operation,
    bucket: address.bucket,
    key: address.key,
    ...(Number.isNaN(partNumber) ? {} : { partNumber }),
    ...(uploadId === undefined ? {} : { uploadId }),
  };
}

/** What an error document contains. An injected fault may name a code that this server does not use itself. */
type ErrorContent = Pick<S3Error, 'message' | 'details' | 'headers' | 'status'> & { readonly code: string };

function errorAnswer(error: ErrorContent, resource: string, requestId: string): Answer {
  const details = Object.entries(error.details).map(([name, value]) => element(name, value));
  const body = plainDocument(
    'Error',
    element('Code', error.code),
    element('Message', error.message),
    ...details,
    element('Resource', resource),
    element('RequestId', requestId),
    element('HostId', requestId),
  );
  return { status: error.status, headers: error.headers, body };
}

/** Operations that need no bucket. */
const withoutBucket: ReadonlySet<Operation> = new Set(['ListBuckets', 'CreateBucket']);

/** A request in progress. */
class Request {
  private readonly req: IncomingMessage;
  private readonly res: ServerResponse;
  private readonly server: Server;
  private readonly hooks: Hooks;
  private readonly requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
  private readonly meter = { bytesIn: 0, bytesOut: 0 };
  private info: RequestInfo | undefined;
  private personality: Personality | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, server: Server, hooks: Hooks) {
    this.req = req;
    this.res = res;
    this.server = server;
    this.hooks = hooks;
  }

  async run(): Promise<void> {
    try {
      await this.answer();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) this.hooks.onError(error);
      this.reset();
    } finally {
      if (this.info !== undefined) {
        const status = this.res.headersSent ? this.res.statusCode : 0;
        this.hooks.onRequest?.({ ...this.info, status, ...this.meter });
      }
    }
  }

  private async answer(): Promise<void> {
    let path = '/';
    let fault: Fault | undefined;
    let answer: Answer;
    try {
      const address = readAddress(this.req);
      path = address.path;
      const call = this.admit(address);
      fault = this.hooks.fault?.({ ...call.info, req: this.req });
      if (fault?.kind === 'reset') throw new ConnectionLost('an injected fault reset the connection');
      if (fault?.kind === 'delay') await pause(this.req, fault.milliseconds);
      const tamper = tamperWithBody(fault, this.req);
      answer =
        fault?.kind === 'status'
          ? this.refuse(fault, path)
          : await perform({ ...call, ...(tamper && { tamper }) }, this.server);
    } catch (error) {
      answer = this.explain(error, path);
    }
    try {
      if (fault?.kind === 'no-answer') await clientGone(this.req);
      if (fault?.kind === 'lose-answer') throw new ConnectionLost('an injected fault lost the answer');
      const date = new Date(this.server.now()).toUTCString();
      const all = { date, 'x-amz-request-id': this.requestId, 'x-amz-id-2': this.requestId, ...answer.headers };
      const { personality, info } = this;
      const headers = personality && info ? answeredHeaders(personality, info.operation, answer.status, all) : all;
      const exchange = { req: this.req, res: this.res, blobs: this.server.storage.blobs, meter: this.meter };
      await respond(exchange, { ...answer, headers }, tamperWithAnswer(fault, this.req));
    } finally {
      if (typeof answer.body === 'object') answer.body.release();
    }
  }

  /** Authenticates and authorizes the request. */
  private admit(address: Address): Call {
    const { req, requestId, meter, server } = this;
    const personality = server.personalityOf(address.bucket);
    this.personality = personality;
    const read = readAs(personality, req.method ?? '', address, req.headers);
    const info = describe(read);
    this.info = info;
    const authentication = authenticate(req, address, this.hooks.lookup, server.now());
    const call: Call = { ...read, req, personality, info, requestId, authentication, meter };
    const owner = header(call, 'x-amz-expected-bucket-owner');
    // Not documented; assumed: a bucket that does not exist is answered so to everyone with valid keys, because it has
    // no owner whose policies could say something.
    if (authentication && !withoutBucket.has(info.operation)) requireBucket(server, info.bucket);
    const { query } = address;
    const accessKeyId = authentication?.accessKeyId;
    const allowed = server.authorize({ ...info, accessKeyId, query, headers: req.headers });
    if (allowed !== true) throw accessDenied(allowed);
    if (owner !== undefined && owner !== ownerAccountId) throw new S3Error('AccessDenied');
    requireRegion(call, server);
    refuse(personality, read);
    return call;
  }

  private refuse(fault: Fault & { kind: 'status' }, path: string): Answer {
    const { code, status, message = code } = fault;
    return errorAnswer({ code, status, message, details: {}, headers: {} }, path, this.requestId);
  }

  private explain(error: unknown, path: string): Answer {
    if (error instanceof S3Error) {
      const { personality, info } = this;
      const shown = personality && info ? answeredError(personality, info.operation, error) : error;
      return errorAnswer(shown, path, this.requestId);
    }
    // The client disconnected in the middle of its body or right after it: no one reads an answer.
    const hungUp = error === this.req.errored || (this.req.destroyed && !this.req.complete);
    if (error instanceof ConnectionLost || hungUp) {
      throw new ConnectionLost('the connection ended before the body');
    }
    this.hooks.onError(error);
    return errorAnswer(new S3Error('InternalError'), path, this.requestId);
  }

  /** Resets the connection, so that the client never mistakes a short answer for a complete one. */
  private reset(): void {
    if (this.req.socket.destroyed) return;
    this.req.socket.resetAndDestroy();
  }
}

/** Handles one request up to the last byte of its answer. Never rejects. */
export async function handleRequest(
  req: IncomingMessage,
  res: ServerResponse,
  server: Server,
  hooks: Hooks,
): Promise<void> {
  await new Request(req, res, server, hooks).run();
}
