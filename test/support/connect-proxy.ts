import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** How a tunnel is treated; all fields are optional. */
export interface TunnelBehaviour {
  /** the answer to CONNECT instead of 200, with a page */
  readonly status?: number;
  /** milliseconds before CONNECT is answered; Infinity for never */
  readonly answerAfterMillis?: number;
  /** the connection is closed instead of an answer */
  readonly close?: true;
  /** both connections are reset after so many bytes from the client */
  readonly resetAfterBytes?: number;
  /** bytes from the client in each tenth of a second */
  readonly bytesPerTenth?: number;
  /** nothing passes after the answer */
  readonly silent?: true;
}

export interface ConnectProxy {
  /** with user and password, if the proxy asks for them */
  readonly url: string;
  /** the target of each CONNECT */
  readonly targets: string[];
  /** requests that were not CONNECT */
  readonly others: string[];
  /** called for each CONNECT, with its number from 0 */
  behaviour: (index: number) => TunnelBehaviour;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly user?: string;
  readonly password?: string;
  /** the certificate of a proxy that is reached over TLS, with its key */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A proxy on loopback that knows CONNECT, for which every name is this machine. */
export async function startConnectProxy({ user, password = '', tls }: ProxyOptions = {}): Promise<ConnectProxy> {
  const sockets = new Set<Socket>();
  const server = tls ? createSecureServer(tls) : createServer();
  server.on('connection', (socket: Socket) => hold(socket));
  server.on('request', ({ method, url }, answer) => {
    proxy.others.push(`${method} ${url}`);
    answer.writeHead(501).end();
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    client.on('error', () => undefined);
    const { url = '', headers } = request;
    const behaviour = proxy.behaviour(proxy.targets.length);
    proxy.targets.push(url);
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    if (user !== undefined && headers['proxy-authorization'] !== expected) refuse(client, 407);
    else if (behaviour.status !== undefined) refuse(client, behaviour.status);
    else if (behaviour.close) client.destroy();
    else if (behaviour.answerAfterMillis !== Infinity) {
      setTimeout(() => open(client, Number(url.split(':').at(-1))), behaviour.answerAfterMillis ?? 0);
    }

    function open(from: Socket, port: number): void {
      const to = hold(connect(port, '127.0.0.1'));
      to.once('error', () => refuse(from, 502));
      to.once('connect', () => {
        from.write('HTTP/1.1 200 Connection established\r\n\r\n');
        if (!behaviour.silent) join(from, to, behaviour);
      });
    }
  });

  function hold(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => undefined);
    return socket.once('close', () => sockets.delete(socket));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const login = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const proxy: ConnectProxy = {
    url: `${tls ? 'https' : 'http'}://${login}127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    others: [],
    behaviour: () => ({}),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}

function refuse(client: Socket, status: number): void {
  client.end(`HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>`);
}

function join(client: Socket, target: Socket, { resetAfterBytes, bytesPerTenth }: TunnelBehaviour): void {
  let bytes = 0;
  const watched = new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      if (resetAfterBytes !== undefined && bytes > resetAfterBytes) {
        client.resetAndDestroy();
        target.destroy();
        return;
      }
      const delay = bytesPerTenth === undefined ? 0 : (chunk.length / bytesPerTenth) * 100;
      if (delay === 0) done(null, chunk);
      else setTimeout(() => done(null, chunk), delay);
    },
  });
  client.pipe(watched).pipe(target).pipe(client);
  client.once('close', () => target.destroy());
  target.once('close', () => client.destroy());
}
