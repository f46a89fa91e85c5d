import { createHash, createHmac } from 'node:crypto';
import type { SdkRequest } from './request.ts';

/** Keys that requests are signed with. */
export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The region and the service that a signature is for. */
export interface Scope {
  readonly region: string;
  readonly service: string;
}

export const unsignedPayload = 'UNSIGNED-PAYLOAD';

/** Headers that proxies may change, or that say nothing about the request. */
const notSigned: ReadonlySet<string> = new Set(['user-agent', 'cache-control', 'amz-sdk-request', 'accept-encoding']);

/**
 * Signs requests by AWS Signature Version 4 (IAM User Guide: "Create a signed AWS API request"), for one region and
 * service. The key that is derived from the secret is the same for a whole day, and is kept.
 */
export class Signer {
  readonly #scope: Scope;
  #derived: { readonly secret: string; readonly day: string; readonly key: Buffer } | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * The headers that sign a request. Values of headers are signed as the bytes that are sent: Node writes one byte for
   * each character.
   * @param target the request's path and query as they are sent
   * @param payloadHash SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`
   */
  headers(
    request: Pick<SdkRequest, 'method' | 'headers'> & { readonly target: string },
    keys: SigningKeys,
    { now, payloadHash }: { readonly now: Date; readonly payloadHash: string },
  ): Record<string, string> {
    const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const signing: Record<string, string> = {
      'x-amz-date': time,
      'x-amz-content-sha256': payloadHash,
      ...(keys.sessionToken !== undefined && { 'x-amz-security-token': keys.sessionToken }),
    };
    const all = { ...request.headers, ...signing };
    const names = Object.keys(all)
      .filter((name) => !notSigned.has(name))
      .sort();
    const [path, query] = split(request.target);
    const signed = names.join(';');
    const lines = names.map((name) => `${name}:${canonical(all[name] ?? '')}\n`).join('');
    const canonicalRequest = [request.method, path, canonicalQuery(query), lines, signed, payloadHash].join('\n');
    const { region, service } = this.#scope;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const hash = createHash('sha256').update(canonicalRequest, 'latin1').digest('hex');
    const signature = hmac(this.#key(keys.secretAccessKey, day), `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`);
    const credential = `Credential=${keys.accessKeyId}/${scope}`;
    const parts = [credential, `SignedHeaders=${signed}`, `Signature=${signature.toString('hex')}`];
    return { ...signing, authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}` };
  }

  #key(secret: string, day: string): Buffer {
    const known = this.#derived;
    if (known?.secret === secret && known.day === day) return known.key;
    const { region, service } = this.#scope;
    const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
    this.#derived = { secret, day, key };
    return key;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function split(target: string): [string, string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

/** A parameter without a value is signed with an empty one. The pairs are sorted already: see `targetOf`. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .join('&');
}

/** Spaces and tabs alone: other white space is bytes like any. */
function canonical(value: string): string {
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '');
}
