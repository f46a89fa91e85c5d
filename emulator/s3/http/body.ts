import { checksumAlgorithms, checksumHeader, isChecksumValue } from '../digest/checksum.ts';
import type { ChecksumAlgorithm } from '../digest/checksum.ts';
import { Digests } from '../digest/hashers.ts';
import { S3Error } from '../errors.ts';
import { header, type Call } from '../call.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';

/** A body that arrived whole and was what the request said it would be. */
export interface Received {
  /** Bytes, without aws-chunked framing. */
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64, by algorithm: the one the request carried and those asked for. */
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  /** The algorithm of the checksum that came with the request. */
  readonly sent: ChecksumAlgorithm | undefined;
}

/** What a request's headers say of its body. */
export interface BodyClaims {
  readonly length: number;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  /** `value` is missing when it comes in a trailer. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string | undefined } | undefined;
  readonly chunked: boolean;
  readonly signedChunks: boolean;
}

const MAX_BODY = 5 * 1024 ** 3;

function readLength(call: Call, chunked: boolean): number {
  const text = header(call, chunked ? 'x-amz-decoded-content-length' : 'content-length');
  if (text === undefined) {
    if (!chunked && header(call, 'transfer-encoding') !== undefined) throw new S3Error('NotImplemented');
    // A request without a body need not say so.
    if (!chunked && call.req.method !== 'PUT') return 0;
    throw new S3Error('MissingContentLength');
  }
  const length = Number(text);
  if (!Number.isSafeInteger(length) || length < 0) throw new S3Error('InvalidArgument', 'Invalid content length');
  if (length > MAX_BODY) {
    const details = { ProposedSize: text, MaxSizeAllowed: String(MAX_BODY) };
    throw new S3Error('EntityTooLarge', undefined, { details });
  }
  return length;
}

function readChecksum(call: Call): BodyClaims['checksum'] {
  const named = checksumAlgorithms.filter((algorithm) => header(call, checksumHeader(algorithm)) !== undefined);
  const trailer = header(call, 'x-amz-trailer')?.trim().toLowerCase();
  const [algorithm, ...others] = named;
  if (others.length > 0 || (algorithm !== undefined && trailer !== undefined)) {
    const message = 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.';
    throw new S3Error('InvalidRequest', message);
  }
  if (algorithm !== undefined) {
    const value = header(call, checksumHeader(algorithm)) ?? '';
    if (!isChecksumValue(algorithm, value)) throw invalidChecksum(algorithm);
    return { algorithm, value };
  }
  if (trailer === undefined) return undefined;
  const found = checksumAlgorithms.find((candidate) => checksumHeader(candidate) === trailer);
  if (found === undefined)
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  return { algorithm: found, value: undefined };
}

function invalidChecksum(algorithm: ChecksumAlgorithm): S3Error {
  return new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`);
}

/** Does the request bring a checksum, so that S3's default need not be computed? */
export function hasChecksum(call: Call): boolean {
  return readChecksum(call) !== undefined;
}

/**
 * Reads what the headers say of the body.
 * @throws S3Error for claims that cannot be true of any body
 */
export function readClaims(call: Call): BodyClaims {
  const payload = call.authentication?.payloadHash ?? header(call, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const isHash = /^[0-9a-f]{64}$/.test(payload);
  const chunked = payload.startsWith('STREAMING-');
  const known =
    /^(?:UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?)$/;
  if (!isHash && !known.test(payload)) {
    throw new S3Error(
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-..., or a valid sha256 value.',
    );
  }
  const md5 = header(call, 'content-md5');
  if (md5 !== undefined && Buffer.from(md5, 'base64').length !== 16) throw new S3Error('InvalidDigest');
  return {
    length: readLength(call, chunked),
    md5: md5 === undefined ? undefined : Buffer.from(md5, 'base64').toString('hex'),
    sha256: isHash ? payload : undefined,
    checksum: readChecksum(call),
    chunked,
    signedChunks: payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'),
  };
}

/**
 * Reads the body to its end and checks it against everything the request says of it.
 * @param claims from `readClaims`
 * @param also algorithms to compute beside those that are checked
 * @param take gets the bytes in order; the next come when its promise resolves
 * @throws S3Error when the body is not what was claimed; Error when the connection ends before the body does
 */
export async function receive(
  call: Call,
  claims: BodyClaims,
  also: readonly ChecksumAlgorithm[],
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<Received> {
  const checked: ChecksumAlgorithm[] = claims.checksum === undefined ? [] : [claims.checksum.algorithm];
  if (claims.sha256 !== undefined) checked.push('SHA256');
  const digests = await Digests.open([...checked, ...also]);
  const decoder = claims.chunked
    ? new AwsChunkedDecoder(claims.signedChunks ? call.authentication : undefined)
    : undefined;
  let size = 0;
  // An error must leave the connection in place: the client still has to be told.
  for await (const chunk of call.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const piece of decoder === undefined ? [chunk] : decoder.push(chunk)) {
      // Counted as it came, whatever becomes of it.
      call.meter.bytesIn += piece.length;
      const data = call.tamper ? await call.tamper(piece, size) : piece;
      size += data.length;
      if (size > claims.length) throw new S3Error('IncompleteBody', 'The body is longer than it was said to be');
      digests.update(data);
      await take(data);
    }
  }
  decoder?.finish();
  if (size !== claims.length) throw new S3Error('IncompleteBody');

  const found = digests.finish();
  const md5 = found.get('MD5')?.toString('hex') ?? '';
  if (claims.md5 !== undefined && claims.md5 !== md5) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  if (claims.sha256 !== undefined && claims.sha256 !== found.get('SHA256')?.toString('hex')) {
    throw new S3Error('XAmzContentSHA256Mismatch');
  }
  const checksums = new Map<ChecksumAlgorithm, string>();
  for (const algorithm of checksumAlgorithms) {
    const digest = found.get(algorithm);
    if (digest !== undefined) checksums.set(algorithm, digest.toString('base64'));
  }
  checkSent(claims.checksum, checksums, decoder?.trailers);
  return { size, md5, checksums, sent: claims.checksum?.algorithm };
}

function checkSent(
  claim: BodyClaims['checksum'],
  found: ReadonlyMap<ChecksumAlgorithm, string>,
  trailers: ReadonlyMap<string, string> | undefined,
): void {
  if (claim === undefined) return;
  const value = claim.value ?? trailers?.get(checksumHeader(claim.algorithm));
  if (value === undefined) throw new S3Error('InvalidRequest', 'The trailer that was announced did not come');
  if (!isChecksumValue(claim.algorithm, value)) throw invalidChecksum(claim.algorithm);
  if (value !== found.get(claim.algorithm)) {
    throw new S3Error('BadDigest', `The ${claim.algorithm} you specified did not match the calculated checksum.`);
  }
}

/** Documents S3 takes are far smaller: 10,000 parts with checksums are 2 MiB. */
const MAX_DOCUMENT = 4 * 1024 * 1024;

/**
 * Reads a body that is a document.
 * @param checksum what a checksum header is here: `optional`, `required` (unless there is a Content-MD5), or
 *   `other` when it is not one of this document
 * @throws S3Error as `receive`; MalformedXML when it is too long or no UTF-8
 */
export async function receiveDocument(
  call: Call,
  checksum: 'optional' | 'required' | 'other' = 'optional',
): Promise<string> {
  const said = readClaims(call);
  const claims = checksum === 'other' ? { ...said, checksum: undefined } : said;
  if (claims.length > MAX_DOCUMENT) throw new S3Error('MalformedXML', 'The document is too long');
  if (checksum === 'required' && claims.md5 === undefined && claims.checksum === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const chunks: Buffer[] = [];
  await receive(call, claims, [], (chunk) => {
    chunks.push(chunk);
    return undefined;
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new S3Error('MalformedXML');
  }
}
