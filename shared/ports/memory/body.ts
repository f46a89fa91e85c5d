import { Readable } from 'node:stream';
import { Fault } from '../../model/faults.ts';
import type { Body } from '../object-store.ts';
import { checksumOf, md5Of } from './digests.ts';
import type { StoreFeatures } from './features.ts';
import type { Call, Gate } from './gate.ts';

/** The bytes as they arrive: a copy, which a hook may damage. The store's own bytes are never handed out. */
export function arrive(gate: Gate, call: Call, bytes: Buffer): Buffer | Readable {
  return gate.hooks.wire?.(call, Buffer.from(bytes)) ?? Buffer.from(bytes);
}

/**
 * Reads a whole body and checks it as S3 does, before any of it becomes visible.
 * @throws Fault `Truncated`, `VerificationFailed`; `Unavailable` if the stream breaks
 */
export async function receive(
  gate: Gate,
  call: Call,
  body: Body,
  checksums: StoreFeatures['checksums'],
): Promise<Buffer> {
  const what = `${call.bucket}: ${JSON.stringify(call.key)}`;
  const arrived = arrive(gate, call, await collect(body.data, what));
  const bytes = arrived instanceof Readable ? await collect(arrived, what) : arrived;
  if (bytes.length !== body.size) {
    throw new Fault('Truncated', `${what}: ${bytes.length} of ${body.size} bytes arrived`);
  }
  if (body.md5 !== undefined && Buffer.from(md5Of(bytes), 'hex').toString('base64') !== body.md5) {
    throw new Fault('VerificationFailed', `${what}: the Content-MD5 does not match`);
  }
  if (body.checksum && checksums === 'refused') {
    throw new Fault('NotSupported', `${what}: this store has no checksums`);
  }
  if (body.checksum && checksums === 'checked') {
    const { algorithm, value } = body.checksum;
    if ((await checksumOf(algorithm, bytes)) !== value) {
      throw new Fault('VerificationFailed', `${what}: the ${algorithm} does not match`);
    }
  }
  return bytes;
}

async function collect(data: Uint8Array | Readable, what: string): Promise<Buffer> {
  if (!(data instanceof Readable)) return Buffer.from(data);
  const pieces: Buffer[] = [];
  try {
    for await (const piece of data as AsyncIterable<Buffer>) pieces.push(piece);
  } catch (error) {
    throw new Fault('Unavailable', `${what}: the body broke off`, { cause: error });
  }
  return Buffer.concat(pieces);
}
