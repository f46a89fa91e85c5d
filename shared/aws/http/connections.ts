import { Agent, request as plainRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { bundledAuthorities } from './authorities.ts';
import { proxyChoice, withoutBrackets, type Environment, type ProxyChoice, type Target } from './proxy.ts';
import { openTunnel } from './tunnel.ts';

/** How the network is reached from here. */
export interface Network {
  readonly proxyOf: ProxyChoice;
  /** certificates, in PEM, of the authorities that are trusted; by default those of Node */
  readonly authorities?: readonly string[] | undefined;
}

/** What the environment variables say. @throws Fault `InvalidInput` */
export function networkOf(environment: Environment): Network {
  return { proxyOf: proxyChoice(environment), authorities: bundledAuthorities(environment) };
}

export interface ConnectionOptions {
  /** sockets open at once, for http and for https each. Tunnels that are being opened are not counted */
  readonly maxSockets: number;
  readonly network: Network;
  /** certificates, in PEM, of the authorities of this host alone */
  readonly authorities?: readonly string[] | undefined;
  /** how long a tunnel may take to open; exchange.ts bounds a direct connection */
  readonly connectingMillis: number;
}

type Place = Pick<RequestOptions, 'host' | 'port'>;
type OnConnection = (error: Error | null, connection: Duplex) => void;

/** The sockets of one client, direct or through a proxy, which are used again. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #plain: Agent;
  readonly #secure: SecureAgent;
  readonly #opening = new AbortController();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { maxSockets, network } = options;
    const ca = options.authorities ?? network.authorities;
    this.#plain = new Agent({ keepAlive: true, maxSockets });
    this.#secure = new SecureAgent({ keepAlive: true, maxSockets, ...(ca && { ca: [...ca] }) });
    this.#tunnel(this.#plain, false);
    this.#tunnel(this.#secure, true);
  }

  /** Begins a request. @param hostname as a URL has it */
  request(secure: boolean, hostname: string, options: RequestOptions): ClientRequest {
    const host = withoutBrackets(hostname);
    return secure
      ? secureRequest({ ...options, host, agent: this.#secure })
      : plainRequest({ ...options, host, agent: this.#plain });
  }

  /** The number of open sockets that are in use and that are not. */
  get sockets(): { busy: number; idle: number } {
    const agents = [this.#plain, this.#secure];
    const count = (pick: (agent: Agent) => NodeJS.ReadOnlyDict<readonly unknown[]>): number =>
      agents.flatMap((agent) => Object.values(pick(agent))).reduce((sum, some) => sum + (some?.length ?? 0), 0);
    return { busy: count((agent) => agent.sockets), idle: count((agent) => agent.freeSockets) };
  }

  closeIdle(): void {
    for (const agent of [this.#plain, this.#secure]) {
      for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy());
    }
  }

  destroy(): void {
    this.#opening.abort();
    this.#plain.destroy();
    this.#secure.destroy();
  }

  /** Makes an agent connect through the proxy of each target that has one. */
  #tunnel(agent: Agent, secure: boolean): void {
    const { network, connectingMillis: millis } = this.#options;
    const direct = agent.createConnection.bind(agent);
    agent.createConnection = (options: Place, done?: OnConnection) => {
      const target: Target = { secure, host: options.host ?? '', port: Number(options.port) };
      const proxy = network.proxyOf(target);
      if (!proxy || !done) return direct(options, done);
      // With a socket in its options, the agent of https begins TLS on it instead of connecting.
      const over = (socket: Duplex): Duplex => (secure ? (direct({ ...options, ...{ socket } }) ?? socket) : socket);
      const opened = openTunnel({ proxy, target, millis, ca: network.authorities, over }, this.#opening.signal);
      opened.then(
        (connection) => done(null, connection),
        // Node's type has no case for an error, in which the connection is not used.
        (error: unknown) => done(error as Error, undefined as unknown as Duplex),
      );
      return undefined;
    };
  }
}
