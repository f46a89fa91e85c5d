import { BlockList, isIP } from 'node:net';
import { Fault } from '../../model/faults.ts';

/**
 * Which requests go through a proxy. The variables are those of the AWS command line ("Using an HTTP proxy for the AWS
 * CLI"): HTTPS_PROXY for https, HTTP_PROXY for http, NO_PROXY for what is reached directly. As in curl (its manual,
 * "Environment"), a name in small letters comes first. An empty value counts as none.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy server. */
export interface Proxy {
  /** for messages: where it is, without user and password, and the variable that names it */
  readonly name: string;
  /** is the proxy itself reached over TLS? */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** the value of Proxy-Authorization */
  readonly authorization?: string;
}

/** Where a request goes. An IPv6 address has no brackets. */
export interface Target {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** @returns the proxy through which a target is reached; undefined for a direct connection */
export type ProxyChoice = (target: Target) => Proxy | undefined;

/**
 * Reads the variables.
 * @throws Fault `InvalidInput` that names the variable and not its value, which may hold a password
 */
export function proxyChoice(environment: Environment): ProxyChoice {
  const forHttps = proxyIn(environment, 'HTTPS_PROXY');
  const forHttp = proxyIn(environment, 'HTTP_PROXY');
  const isDirect = directTargets(valueOf(environment, 'NO_PROXY')?.value ?? '');
  return (target) => {
    const proxy = target.secure ? forHttps : forHttp;
    return proxy && !isLocal(target.host) && !isDirect(target) ? proxy : undefined;
  };
}

function valueOf(environment: Environment, name: string): { name: string; value: string } | undefined {
  for (const one of [name.toLowerCase(), name]) {
    const value = environment[one]?.trim();
    if (value !== undefined && value !== '') return { name: one, value };
  }
  return undefined;
}

function proxyIn(environment: Environment, variable: string): Proxy | undefined {
  const found = valueOf(environment, variable);
  if (!found) return undefined;
  const text = found.value.includes('://') ? found.value : `http://${found.value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw malformed(found.name);
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const authorization = authorizationOf(url, found.name);
  return {
    name: `${url.protocol}//${url.hostname}:${port} (${found.name})`,
    secure,
    host: withoutBrackets(url.hostname),
    port,
    ...(authorization !== undefined && { authorization }),
  };
}

function authorizationOf({ username, password }: URL, variable: string): string | undefined {
  if (username === '' && password === '') return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    throw malformed(variable);
  }
}

function malformed(variable: string): Fault {
  return new Fault(
    'InvalidInput',
    `environment: ${variable}: found no URL of an HTTP proxy (its value may hold a password and is not shown), ` +
      'expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with signs such as @ or % percent-encoded',
  );
}

/** The machine itself, and the services of its host: credentials and metadata of EC2, ECS and EKS. */
const local = new BlockList();
local.addSubnet('127.0.0.0', 8);
local.addAddress('::1', 'ipv6');
local.addSubnet('169.254.0.0', 16);
local.addSubnet('fe80::', 10, 'ipv6');
// EC2's user guide, "Use the Instance Metadata Service": fd00:ec2::254.
local.addSubnet('fd00:ec2::', 32, 'ipv6');

function isLocal(host: string): boolean {
  const kind = isIP(host);
  return kind === 0 ? /^(.+\.)?localhost\.?$/i.test(host) : local.check(host, kind === 6 ? 'ipv6' : 'ipv4');
}

/**
 * NO_PROXY: a list with commas or spaces of `*`, names (which cover what ends in them after a dot), addresses, and
 * networks such as 10.0.0.0/8; each may end in a port. What is none of these matches nothing.
 */
function directTargets(text: string): (target: Target) => boolean {
  const rules = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(ruleOf);
  return (target) => rules.some((matches) => matches(target));
}

function ruleOf(entry: string): (target: Target) => boolean {
  if (entry === '*') return () => true;
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|(.*?))(?::([0-9]{1,5}))?$/.exec(entry) ?? [];
  // An IPv6 address without brackets has colons, and no port.
  const whole = isIP(entry) === 6;
  const name = (whole ? entry : (bracketed ?? plain)).toLowerCase();
  const isHost = name.includes('/') ? inNetwork(name) : isNamed(name.replace(/^\*?\./, ''));
  return (target) => isHost(hostOf(target)) && (whole || port === undefined || Number(port) === target.port);
}

function isNamed(name: string): (host: string) => boolean {
  if (isIP(name) !== 0) {
    const address = new BlockList();
    address.addAddress(name, isIP(name) === 6 ? 'ipv6' : 'ipv4');
    return (host) => isIP(host) !== 0 && address.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
  }
  return (host) => host === name || host.endsWith(`.${name}`);
}

function inNetwork(text: string): (host: string) => boolean {
  const [address = '', bits = ''] = text.split('/', 2);
  const kind = isIP(address);
  if (kind === 0 || !/^[0-9]{1,3}$/.test(bits) || Number(bits) > (kind === 6 ? 128 : 32)) return () => false;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), kind === 6 ? 'ipv6' : 'ipv4');
  return (host) => isIP(host) !== 0 && network.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

function hostOf({ host }: Target): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** A host name as sockets take it: a URL has an IPv6 address in brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
