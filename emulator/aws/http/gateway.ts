import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EmulatorError } from '../errors.ts';
import { credentialScope } from './credential-scope.ts';
import { AwsError, jsonError, respond, type Answer, type RequestHandler } from './exchange.ts';

export interface GatewayOptions {
  /** 0 takes any free port */
  readonly port: number;
  /** how a user changes the port, for the message when it is taken */
  readonly portOption: string;
  /** handlers by the service name of the credential scope */
  readonly routes: ReadonlyMap<string, RequestHandler>;
  /** answers requests without a signature (only S3 has any) */
  readonly unsigned: RequestHandler;
  readonly onError: (error: unknown) => void;
}

export interface Gateway {
  readonly port: number;
  readonly endpoint: string;
  /** Takes no more requests, lets those in flight end for `graceMilliseconds`, then cuts them. */
  readonly close: (graceMilliseconds: number) => Promise<void>;
}

/**
 * Idle connections are kept longer than any client keeps them, so that it is never the server that closes a connection
 * on which a request is just being sent.
 */
const keepAliveMilliseconds = 300_000;

/** The one port: routes each request to its service by the SigV4 credential scope. Listens on 127.0.0.1 only. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({ keepAliveTimeout: keepAliveMilliseconds }, (req, res) => {
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
    // A client that went away in the middle of its request is no fault of the service.
    if (res.destroyed || req.errored) return;
    if (!(error instanceof AwsError)) options.onError(error);
    if (res.headersSent) res.destroy();
    else respond(res, failure(req, error instanceof AwsError ? error : internalFailure(error)));
  });
}

/** Also a handler's throw is a rejection. */
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
          `the request is signed for the service "${scope.service}"; this local endpoint serves ${known}`,
          501,
        ),
      )
    );
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

/** An error in the protocol that the request speaks: JSON, or XML as S3 and the query services have it. */
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

function close(server: Server, graceMilliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
