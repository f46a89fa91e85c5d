import { createHash, createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from '../errors.ts';
import type { Secret } from '../options.ts';
import type { Address } from './address.ts';
import { encodeUriComponent, encodeUriPath } from './uri.ts';

/** The verified signature of a request. */
export interface Authentication {
  readonly accessKeyId: string;
  /** The announced body: a SHA-256 in hex, or one of the `UNSIGNED-` and `STREAMING-` values. */
  readonly payloadHash: string;
  /** This and the fields below verify the chunks of a `STREAMING-AWS4-HMAC-SHA256-` body. */
  readonly signingKey: KeyObject;
  readonly scope: string;
  readonly date: string;
  readonly signature: string;
}

/** Finds the secret of an access key ID. */
export type SecretLookup = (accessKeyId: string) => Secret | undefined;

const signatureAlgorithm = 'AWS4-HMAC-SHA256';
const maxSkewMillis = 15 * 60 * 1000;
const maxExpiresSeconds = 7 * 24 * 3600;

interface Claim {
  readonly accessKeyId: string;
  readonly scope: readonly [day: string, region: string, service: string];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
}

const hmac = (key: string | Buffer | KeyObject, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** SHA-256 in hex. Header bytes arrive as latin1, so they are hashed as latin1. */
const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/** Milliseconds since the epoch of `20261105T120000Z`; NaN if it is malformed. */
function parseDate(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function parseCredential(text: string, malformed: () => S3Error): Pick<Claim, 'accessKeyId' | 'scope'> {
  const fields = text.split('/');
  const [terminator, service, region, day] = fields.toReversed();
  const accessKeyId = fields.slice(0, -4).join('/');
  if (day === undefined || region === undefined || service !== 's3' || terminator !== 'aws4_request') throw malformed();
  return { accessKeyId, scope: [day, region, service] };
}

function claimFromHeader(req: IncomingMessage, authorization: string): Claim {
  const malformed = (): S3Error => new S3Error('AuthorizationHeaderMalformed');
  const fields = new Map(
    authorization
      .slice(signatureAlgorithm.length)
      .split(',')
      .map((field) => {
        const equals = field.indexOf('=');
        return [field.slice(0, equals).trim(), field.slice(equals + 1).trim()];
      }),
  );
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((f) => fields.get(f));
  if (credential === undefined || signedHeaders === undefined || signature === undefined) throw malformed();
  const payloadHash = req.headers['x-amz-content-sha256'];
  if (typeof payloadHash !== 'string') {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  const amzDate = req.headers['x-amz-date'];
  const date = typeof amzDate === 'string' ? amzDate : isoBasic(Date.parse(req.headers.date ?? ''));
  return {
    ...parseCredential(credential, malformed),
    signedHeaders: signedHeaders.split(';'),
    signature,
    date,
    payloadHash,
  };
}

function isoBasic(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date header');
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function claimFromQuery(req: IncomingMessage, { query }: Address, now: number): Claim {
  const malformed = (): S3Error => new S3Error('AuthorizationQueryParametersError');
  const [credential, signedHeaders, signature, date] = ['Credential', 'SignedHeaders', 'Signature', 'Date'].map(
    (name) => query.get(`X-Amz-${name}`),
  );
  const expires = Number(query.get('X-Amz-Expires'));
  if (credential === undefined || signedHeaders === undefined || signature === undefined || date === undefined) {
    throw malformed();
  }
  if (query.get('X-Amz-Algorithm') !== signatureAlgorithm || !(expires >= 0 && expires <= maxExpiresSeconds))
    throw malformed();
  if (now > parseDate(date) + expires * 1000) throw new S3Error('AccessDenied', 'Request has expired');
  const header = req.headers['x-amz-content-sha256'];
  return {
    ...parseCredential(credential, malformed),
    signedHeaders: signedHeaders.split(';'),
    signature,
    date,
    payloadHash: (typeof header === 'string' ? header : query.get('X-Amz-Content-Sha256')) ?? 'UNSIGNED-PAYLOAD',
  };
}

/** Only spaces and tabs are blank: a byte 0xA0 may be a part of a character. */
function canonicalValue(value: string): string {
  return value.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '');
}

function canonicalRequest(req: IncomingMessage, address: Address, claim: Claim): string {
  const query = address.pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encodeUriComponent(name), encodeUriComponent(value)] as const)
    .sort(([a, av], [b, bv]) => (a < b ? -1 : a > b ? 1 : av < bv ? -1 : av > bv ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = claim.signedHeaders.map((name) => {
    const values = req.headersDistinct[name] ?? [];
    return `${name}:${values.map(canonicalValue).join(',')}\n`;
  });
  const signed = claim.signedHeaders.join(';');
  const path = encodeUriPath(address.path);
  return [req.method ?? '', path, query, headers.join(''), signed, claim.payloadHash].join('\n');
}

function requireSigned(req: IncomingMessage, signedHeaders: readonly string[]): void {
  const missing = Object.keys(req.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (missing.length > 0) {
    const details = { HeadersNotSigned: missing.join(', ') };
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', { details });
  }
}

const signingKeys = new Map<string, KeyObject>();
const maxSigningKeys = 1000;

/** The signing key for a day, region and service. It takes four HMACs, so it is cached. */
function signingKey(secret: string, [day, region, service]: Claim['scope']): KeyObject {
  const id = `${day}/${region}/${service}/${secret}`;
  let key = signingKeys.get(id);
  if (key === undefined) {
    key = createSecretKey(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request'));
    if (signingKeys.size >= maxSigningKeys) signingKeys.clear();
    signingKeys.set(id, key);
  }
  return key;
}

/**
 * Verifies the Signature V4 of a request, in its header or its query. Any region is accepted: one server stands in for
 * all.
 * @param now milliseconds since the epoch
 * @returns undefined for a request without a signature
 * @throws S3Error if the signature is malformed, expired or wrong, or its key is unknown
 */
export function authenticate(
  req: IncomingMessage,
  address: Address,
  lookup: SecretLookup,
  now: number,
): Authentication | undefined {
  const { authorization } = req.headers;
  const inQuery = address.query.has('X-Amz-Algorithm') || address.query.has('X-Amz-Signature');
  if (authorization === undefined && !inQuery) return undefined;
  if (authorization !== undefined && !authorization.startsWith(`${signatureAlgorithm} `)) {
    const message = `The authorization mechanism you have provided is not supported. Please use ${signatureAlgorithm}.`;
    throw new S3Error('InvalidRequest', message);
  }
  const claim = authorization === undefined ? claimFromQuery(req, address, now) : claimFromHeader(req, authorization);
  const secret = lookup(claim.accessKeyId);
  if (secret === undefined) {
    throw new S3Error('InvalidAccessKeyId', undefined, { details: { AWSAccessKeyId: claim.accessKeyId } });
  }
  const token = req.headers['x-amz-security-token'] ?? address.query.get('X-Amz-Security-Token');
  if (secret.sessionToken !== undefined && token !== secret.sessionToken) throw new S3Error('InvalidToken');
  const skew = parseDate(claim.date) - now;
  if (Number.isNaN(skew) || !claim.date.startsWith(claim.scope[0])) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  // A presigned URL is valid until it expires, but must not be from the future.
  if (skew > maxSkewMillis || (authorization !== undefined && skew < -maxSkewMillis)) {
    throw new S3Error('RequestTimeTooSkewed');
  }
  requireSigned(req, claim.signedHeaders);

  const key = signingKey(secret.secretAccessKey, claim.scope);
  const scope = `${claim.scope.join('/')}/aws4_request`;
  const canonical = canonicalRequest(req, address, claim);
  const expected = hmac(key, [signatureAlgorithm, claim.date, scope, sha256(canonical)].join('\n'));
  const given = Buffer.from(claim.signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    const details = { AWSAccessKeyId: claim.accessKeyId, CanonicalRequest: canonical };
    throw new S3Error('SignatureDoesNotMatch', undefined, { details });
  }
  return {
    accessKeyId: claim.accessKeyId,
    payloadHash: claim.payloadHash,
    signingKey: key,
    scope,
    date: claim.date,
    signature: claim.signature,
  };
}
