import { createHash, createHmac, timingSafeEqual, type Hash } from 'node:crypto';
import { S3Error } from '../errors.ts';
import type { Authentication } from './signature.ts';

const emptySha256 = createHash('sha256').digest('hex');
const maxLineLength = 8 * 1024;
const maxTrailerBytes = 16 * 1024;

/** Verifies the chain of chunk signatures of a `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` body. */
class ChunkVerifier {
  private readonly authentication: Authentication;
  private previous: string;
  private hash: Hash = createHash('sha256');

  constructor(authentication: Authentication) {
    this.authentication = authentication;
    this.previous = authentication.signature;
  }

  update(data: Buffer): void {
    this.hash.update(data);
  }

  endChunk(signature: string | undefined): void {
    this.check('AWS4-HMAC-SHA256-PAYLOAD', [emptySha256, this.hash.digest('hex')], signature);
    this.hash = createHash('sha256');
  }

  endTrailers(lines: string, signature: string | undefined): void {
    this.check('AWS4-HMAC-SHA256-TRAILER', [createHash('sha256').update(lines).digest('hex')], signature);
  }

  private check(algorithm: string, hashes: readonly string[], signature = ''): void {
    const { signingKey, date, scope } = this.authentication;
    const text = [algorithm, date, scope, this.previous, ...hashes].join('\n');
    const expected = createHmac('sha256', signingKey).update(text).digest();
    const given = Buffer.from(signature, 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new S3Error('SignatureDoesNotMatch');
    }
    this.previous = signature;
  }
}

/**
 * Removes the `aws-chunked` framing from a body: `size[;chunk-signature=...]` lines, data, a last chunk of size 0, and
 * trailers. It receives the bytes as they arrive and returns the data as slices of them, so memory stays constant.
 */
export class AwsChunkedDecoder {
  private readonly verifier: ChunkVerifier | undefined;
  private state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  private line = '';
  private remaining = 0;
  private signature: string | undefined;
  private trailerBytes = 0;
  /** The trailers by lower-case name; complete after `finish`. */
  readonly trailers = new Map<string, string>();

  /** @param authentication undefined if the chunks are not signed */
  constructor(authentication: Authentication | undefined) {
    this.verifier = authentication === undefined ? undefined : new ChunkVerifier(authentication);
  }

  /**
   * Decodes the next bytes of the connection.
   * @returns the data in them
   * @throws S3Error IncompleteBody for malformed framing, SignatureDoesNotMatch for a wrong chunk
   */
  push(bytes: Buffer): Buffer[] {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.state === 'data') {
        const slice = bytes.subarray(at, at + this.remaining);
        at += slice.length;
        this.remaining -= slice.length;
        this.verifier?.update(slice);
        data.push(slice);
        if (this.remaining === 0) {
          this.verifier?.endChunk(this.signature);
          this.state = 'data-end';
        }
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      const stop = end < 0 ? bytes.length : end + 1;
      this.line += bytes.toString('latin1', at, stop);
      at = stop;
      if (this.line.length > maxLineLength)
        throw new S3Error('IncompleteBody', 'A line of the chunked body is too long');
      if (end >= 0) {
        const line = this.line.replace(/\r?\n$/, '');
        this.line = '';
        this.takeLine(line);
      }
    }
    return data;
  }

  /**
   * Must be called after the last bytes of the body.
   * @throws S3Error IncompleteBody if the body ended too early
   */
  finish(): void {
    if (this.state === 'trailer') this.endTrailers();
    if (this.state !== 'done') throw new S3Error('IncompleteBody');
  }

  private takeLine(line: string): void {
    switch (this.state) {
      case 'size': {
        const fields = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
        if (fields === null) throw new S3Error('IncompleteBody', 'The chunked body is malformed');
        this.remaining = parseInt(fields[1] ?? '', 16);
        this.signature = fields[2];
        if (this.remaining === 0) this.verifier?.endChunk(this.signature);
        this.state = this.remaining === 0 ? 'trailer' : 'data';
        return;
      }
      case 'data-end':
        if (line !== '') throw new S3Error('IncompleteBody', 'The chunked body is malformed');
        this.state = 'size';
        return;
      case 'trailer': {
        if (line === '') {
          this.endTrailers();
          return;
        }
        this.trailerBytes += line.length;
        const colon = line.indexOf(':');
        if (colon < 1 || this.trailerBytes > maxTrailerBytes)
          throw new S3Error('IncompleteBody', 'A trailer is malformed');
        this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
        return;
      }
      case 'data':
      case 'done':
        if (line !== '') throw new S3Error('IncompleteBody', 'Bytes follow the end of the chunked body');
    }
  }

  private endTrailers(): void {
    this.state = 'done';
    const names = [...this.trailers.keys()].filter((name) => name !== 'x-amz-trailer-signature');
    if (this.verifier === undefined || names.length === 0) return;
    const lines = names.map((name) => `${name}:${this.trailers.get(name) ?? ''}\n`).join('');
    this.verifier.endTrailers(lines, this.trailers.get('x-amz-trailer-signature'));
  }
}
