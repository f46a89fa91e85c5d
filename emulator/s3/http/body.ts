import { checksumAlgorithms, checksumHeader, isChecksumValue } from '../digest/checksum.ts';
import type { ChecksumAlgorithm } from '../digest/checksum.ts';
import { Digests } from '../digest/hashers.ts';
import { S3Error } from '../errors.ts';
import { header, type Call } from '../call.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';

/** A complete body that matches what the request announced. */
export interface Received {
  /** Bytes, without aws-chunked framing. */
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64, by algorithm: that of the request and those requested by the caller. */
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  /** The algorithm of the checksum in the request. */
  readonly sent: ChecksumAlgorithm | undefined;
}

/** What the headers of a request announce about its body. */
export interface BodyClaims {
  readonly length: number;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  /** `value` is undefined if it follows in a trailer. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string | undefined } | undefined;
  readonly chunked: boolean;
  readonly signedChunks: boolean;
}

const maxBodyBytes = 5 * 1024 ** 3;

function readLength(call: Call, chunked: boolean): number {
  const text = header(call, chunked ? 'x-amz-decoded-content-length' : 'content-length');
  if (text === undefined) {
    if (!chunked && header(call, 'transfer-encoding') !== undefined) throw new S3Error('NotImplemented');
    // Without a body, Content-Length is optional.
    if (!chunked && call.req.method !== 'PUT') return 0;
    throw new S3Error('MissingContentLength');
  }
  const length = Number(text);
  if (!Number.isSafeInteger(length) || length < 0) throw new S3Error('InvalidArgument', 'Invalid content length');
  if (length > maxBodyBytes) {
    const details = { ProposedSize: text, MaxSizeAllowed: String(maxBodyBytes) };
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

/** Whether the request has a checksum, so that the default of S3 need not be computed. */
export function hasChecksum(call: Call): boolean {
  return readChecksum(call) !== undefined;
}

/**
 * Reads what the headers announce about the body.
 * @throws S3Error for headers that no body can match
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
 * Reads the body to its end and checks it against everything that the request announced.
 * @param claims from `readClaims`
 * @param also algorithms to compute in addition to those that are checked
 * @param take receives the bytes in order; more follow once its promise resolves
 * @throws S3Error if the body does not match the claims; Error if the connection ends before the body
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
  // An error must not close the connection: the client still needs the answer.
  for await (const chunk of call.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const piece of decoder === undefined ? [chunk] : decoder.push(chunk)) {
      // Counted before an injected fault changes it.
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

/** Larger than every valid document: 10,000 parts with checksums take 2 MiB. */
const maxDocumentBytes = 4 * 1024 * 1024;

/**
 * Reads a body that is an XML document.
 * @param checksum the checksum header: `optional`; `required`, unless there is a Content-MD5; or `other` if it does not
 *   belong to the document
 * @throws S3Error as `receive`; MalformedXML if the document is too long or is not UTF-8
 */
export async function receiveDocument(
  call: Call,
  checksum: 'optional' | 'required' | 'other' = 'optional',
): Promise<string> {
  const said = readClaims(call);
  const claims = checksum === 'other' ? { ...said, checksum: undefined } : said;
  if (claims.length > maxDocumentBytes) throw new S3Error('MalformedXML', 'The document is too long');
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
