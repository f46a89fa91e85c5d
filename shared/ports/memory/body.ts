import { Readable } from 'node:stream';
import { Fault } from '../../model/faults.ts';
import type { Body } from '../object-store.ts';
import { checksumOf, md5Of } from './digests.ts';
import type { Call, Gate } from './gate.ts';
import type { Features } from './storage.ts';

/** What arrives of the bytes: themselves, unless a hook says otherwise. The store's own are never handed out. */
export function arrive(gate: Gate, call: Call, bytes: Buffer): Buffer | Readable {
  return gate.hooks.wire?.(call, Buffer.from(bytes)) ?? Buffer.from(bytes);
}

/**
 * Takes a body whole and checks it like S3, before anything of it shows.
 * @throws Fault `Truncated`, `VerificationFailed`, `Unavailable` where the stream breaks
 */
export async function receive(gate: Gate, call: Call, body: Body, checksums: Features['checksums']): Promise<Buffer> {
  const what = `${call.bucket}: ${JSON.stringify(call.key)}`;
  const arrived = arrive(gate, call, await collect(body.data, what));
  const bytes = arrived instanceof Readable ? await collect(arrived, what) : arrived;
  if (bytes.length !== body.size) {
    throw new Fault('Truncated', `${what}: ${bytes.length} of ${body.size} bytes came`);
  }
  if (body.md5 !== undefined && Buffer.from(md5Of(bytes), 'hex').toString('base64') !== body.md5) {
    throw new Fault('VerificationFailed', `${what}: the Content-MD5 does not match`);
  }
  if (body.checksum && checksums === 'refused') {
    throw new Fault('NotSupported', `${what}: there are no checksums here`);
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
