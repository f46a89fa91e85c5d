import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EmulatorError } from '../errors.ts';
import type { QuotaUse } from '../quotas/usage.ts';
import { credentialScope } from './credential-scope.ts';
import { AwsError, jsonError, respond, type Answer, type RequestHandler } from './exchange.ts';

export interface GatewayOptions {
  /** 0 takes any free port */
  readonly port: number;
  /** the user's option for the port, named in the message if the port is in use */
  readonly portOption: string;
  /** handlers by the service name in the credential scope */
  readonly routes: ReadonlyMap<string, RequestHandler>;
  /** handles requests without a signature; only S3 has such requests */
  readonly unsigned: RequestHandler;
  /** what the endpoint answers to `GET /_quotas`, a path that no bucket can have */
  readonly report?: () => readonly QuotaUse[];
  readonly onError: (error: unknown) => void;
}

export interface Gateway {
  readonly port: number;
  readonly endpoint: string;
  /** Accepts no more requests, waits up to `graceMillis` for those in flight, then cuts their connections. */
  readonly close: (graceMillis: number) => Promise<void>;
}

/**
 * Longer than any client keeps an idle connection. A server that closes first may close a connection on which the
 * client is just sending a request.
 */
const keepAliveMillis = 300_000;

/** The one port: routes each request to its service by the SigV4 credential scope. Listens on 127.0.0.1 only. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({ keepAliveTimeout: keepAliveMillis }, (req, res) => {
    route(options, req, res);
  });
  // A part of 5 GiB may take longer than Node's default of five minutes for a whole request.
  server.requestTimeout = 0;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return { port, endpoint: `http://127.0.0.1:${port}`, close: (grace) => close(server, grace) };
}

function listen(server: Server, options: GatewayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new EmulatorError(
              'InvalidInput',
              `port ${options.port} of 127.0.0.1 is ${error.code === 'EACCES' ? 'not allowed' : 'in use'}; ` +
                `choose another one with ${options.portOption}`,
              { cause: error },
            )
          : error,
      );
    });
    server.listen(options.port, '127.0.0.1', () => resolve());
  });
}

function route(options: GatewayOptions, req: IncomingMessage, res: ServerResponse): void {
  const handler = choose(options, req);
  if (typeof handler !== 'function') {
    req.resume();
    respond(res, handler);
    return;
  }
  answer(handler, req, res).catch((error: unknown) => {
    // A client that disconnected in the middle of its request is not an error of the service.
    if (res.destroyed || req.errored) return;
    if (!(error instanceof AwsError)) options.onError(error);
    if (res.headersSent) res.destroy();
    else respond(res, failure(req, error instanceof AwsError ? error : internalFailure(error)));
  });
}

/** Turns a synchronous throw of a handler into a rejection. */
async function answer(handler: RequestHandler, req: IncomingMessage, res: ServerResponse): Promise<void> {
  await handler(req, res);
}

function choose(options: GatewayOptions, req: IncomingMessage): RequestHandler | Answer {
  const scope = credentialScope(req);
  if (scope) {
    const handler = options.routes.get(scope.service);
    const known = [...options.routes.keys()].join(', ');
    return (
      handler ??
      failure(
        req,
        new AwsError(
          'UnknownService',
          `the request is signed for the service "${scope.service}"; the emulator serves ${known}`,
          501,
        ),
      )
    );
  }
  if (req.method === 'GET' && req.url === '/_quotas') {
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: JSON.stringify(options.report?.() ?? []) };
  }
  if (req.headers['x-amz-target'] === undefined && !isForm(req)) return options.unsigned;
  return failure(
    req,
    new AwsError('MissingAuthenticationToken', 'the request has no SigV4 signature, expected any credentials', 403),
  );
}

function internalFailure(error: unknown): AwsError {
  return new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), 500);
}

/** An error in the protocol of the request: JSON, or the XML of S3 and of the query services. */
function failure(req: IncomingMessage, error: AwsError): Answer {
  const type = req.headers['content-type'] ?? '';
  if (req.headers['x-amz-target'] !== undefined || type.includes('json')) return jsonError(error);
  const inner = `<Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>`;
  const body = isForm(req)
    ? `<ErrorResponse><Error><Type>Sender</Type>${inner}</Error></ErrorResponse>`
    : `<Error>${inner}</Error>`;
  return { status: error.status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?>${body}` };
}

function isForm(req: IncomingMessage): boolean {
  return req.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function close(server: Server, graceMillis: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMillis);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
