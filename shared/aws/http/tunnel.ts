import { Agent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { inSeconds } from './overdue.ts';
import type { Proxy, Target } from './proxy.ts';

/**
 * A connection to a target through a proxy: CONNECT (RFC 9110, 9.3.6), and TLS with the target inside it. http targets
 * are reached in the same way, although clients usually send such a request to the proxy whole. A proxy that sees
 * requests may answer them: from a cache, with yesterday's object, or with a page of its own, whose 404 would read as
 * "no such object".
 */

export interface TunnelOptions {
  readonly proxy: Proxy;
  readonly target: Target;
  /** for all steps together */
  readonly millis: number;
  /** for a proxy that is itself reached over TLS: certificates of its authorities, in PEM; by default those of Node */
  readonly ca: readonly string[] | undefined;
  /** makes the connection that the caller uses, on the one to the target: the same, or TLS on it */
  readonly over: (socket: Socket) => Duplex;
}

/**
 * Opens a tunnel.
 * @param signal closes a tunnel that is not yet open
 * @returns the connection, on which requests can be sent
 * @throws an Error that names the proxy and says what to do: `TimeoutError`; with `code` ECONNREFUSED or that of the
 * socket, all of which the SDK retries; `ProxyLoginRefused`, `ProxyRefused`
 */
export async function openTunnel(options: TunnelOptions, signal: AbortSignal): Promise<Duplex> {
  const { proxy, millis, over } = options;
  const timeout = AbortSignal.timeout(millis);
  const ended = AbortSignal.any([timeout, signal]);
  let connection: Duplex | undefined;
  try {
    const socket = await connect(options, ended);
    connection = over(socket);
    if (connection !== socket) await secured(connection, ended);
    return connection;
  } catch (error) {
    connection?.destroy();
    if (timeout.aborted && ended.reason === timeout.reason) throw tooSlow(proxy, millis);
    throw error;
  }
}

/** Asks the proxy for a connection to the target. */
function connect({ proxy, target, ca }: TunnelOptions, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const headers = {
    host: authority,
    'proxy-connection': 'keep-alive',
    ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
  };
  const options = { method: 'CONNECT', path: authority, host: proxy.host, port: proxy.port, headers };
  // Otherwise Node checks the certificate of the proxy for the host in the headers.
  const servername = isIP(proxy.host) === 0 ? proxy.host : '';
  // Agents of its own: a tunnel is never used again for another one, and no variable of Node's applies.
  const request = proxy.secure
    ? secureRequest({ ...options, servername, agent: new SecureAgent({ keepAlive: true, ...(ca && { ca: [...ca] }) }) })
    : plainRequest({ ...options, agent: new Agent({ keepAlive: true }) });
  request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
    if (statusCode >= 200 && statusCode < 300) {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
      return;
    }
    // What follows is a page of the proxy, of any length.
    socket.on('error', () => undefined).destroy();
    reject(refused(proxy, authority, statusCode));
  });
  request.on('error', (error) => reject(broken(proxy, error)));
  const abort = (): void => void request.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  request.end();
  return promise.finally(() => signal.removeEventListener('abort', abort));
}

/** Waits for the handshake with the target. */
function secured(connection: Duplex, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  connection.once('secureConnect', resolve);
  connection.once('error', reject);
  connection.once('close', () =>
    reject(coded('the proxy closed the connection during the TLS handshake', 'ECONNRESET')),
  );
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    connection.off('error', reject);
  });
}

function refused(proxy: Proxy, authority: string, status: number): Error {
  const found = `the proxy ${proxy.name} answered CONNECT ${authority} with ${status}`;
  if (status === 407) {
    const what = proxy.authorization === undefined ? 'it asks for' : 'it does not accept the';
    return named('ProxyLoginRefused', `${found}: ${what} user and password, expected them in its URL`);
  }
  // 502 to 504: the proxy does not reach the target. The SDK retries this code.
  if (status >= 500 || status === 429) return coded(found, 'ECONNREFUSED');
  return named('ProxyRefused', `${found}: it must permit this host and port, or NO_PROXY must list the host`);
}

function broken({ name }: Proxy, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  return Object.assign(coded(`the proxy ${name}: ${error.message}`, code), { cause: error });
}

function tooSlow({ name }: Proxy, millis: number): Error {
  return named('TimeoutError', `no connection through the proxy ${name} within ${inSeconds(millis)}`);
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function coded(message: string, code: string | undefined): Error {
  return Object.assign(new Error(message), code !== undefined && { code });
}
