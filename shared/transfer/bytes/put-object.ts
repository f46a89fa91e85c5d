import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagIsMd5, sameEtag, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import { passBody, readBody } from '../../flow/body.ts';
import type { OpenObject, Stored } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { meaningOfDifference, noteEtag } from '../decide/etag-trust.ts';
import type { ObjectPair } from '../object-pair.ts';
import { readAttributes, withTagsIfSupported } from './attributes.ts';
import { withAttempts } from './attempts.ts';
import { Md5Digest, type StoredDigests } from './digest.ts';
import { openVersion } from './open-version.ts';
import { checksumToSend, knownChecksum, withChecksumIfSupported } from './put-checksum.ts';

/** An object on its way through one PUT. */
interface Put {
  readonly pair: ObjectPair;
  /** the version that is copied */
  readonly source: ObjectInfo;
  /** what the destination's object is created with */
  readonly attributes: ObjectAttributes;
  /** the MD5s of reads that differ from the source's ETag */
  readonly doubtful: Set<string>;
}

/**
 * Copies an object with one GET and one PUT. The read is pinned to `source.etag`, the bytes are compared with that ETag
 * if it is an MD5, and the destination verifies them by the MD5 that is sent with them.
 * @param opened the source's body, if it is already open; it is read or destroyed
 * @returns what the destination stored
 */
export async function putObject(
  context: PartContext,
  pair: ObjectPair,
  source: ObjectInfo,
  opened?: OpenObject,
): Promise<Stored> {
  let open = opened;
  try {
    const attributes = await readAttributes(context, pair, source);
    const put: Put = { pair, source, attributes, doubtful: new Set() };
    const stored = await withAttempts(
      context,
      async () => {
        const next = async (): Promise<OpenObject> => {
          const body = open ?? (await openVersion(context, pair, source));
          open = undefined;
          return body;
        };
        if (source.size <= maxBufferedBodyBytes) return putBuffered(context, put, await next());
        return withTagsIfSupported(context, pair.key, put.attributes, async (attributes) =>
          putStreamed(context, { ...put, attributes }, await next()),
        );
      },
      (fault, message) => context.progress({ type: 'retry', key: pair.key, fault, message }),
    );
    context.progress({ type: 'sent', key: pair.key, bytes: source.size });
    return stored;
  } finally {
    open?.body.destroy();
  }
}

async function putBuffered(context: PartContext, put: Put, opened: OpenObject): Promise<Stored> {
  const { pair, source, attributes } = put;
  const buffer = await context.buffers.acquire(source.size).catch((error: unknown) => {
    opened.body.destroy();
    throw error;
  });
  try {
    await readBody(opened.body, buffer.bytes, pair.sourceName);
    const digest = Md5Digest.of(buffer.bytes);
    checkRead(context, put, digest.hex);
    const known = knownChecksum(context, opened.info, source);
    const checksum = await checksumToSend(context, { pair, source, ...(known && { known }) }, buffer.bytes);
    const stored = await withChecksumIfSupported(checksum, (sent) => {
      const body = { data: buffer.bytes, size: source.size, ...digest.forBody(), ...sent };
      return withTagsIfSupported(context, pair.key, attributes, (supported) =>
        context.destination.put(pair.destinationKey, body, supported),
      );
    });
    await confirmWrite(context, pair, digest, stored);
    return stored;
  } finally {
    buffer.release();
  }
}

/**
 * Compares the bytes that were read with the source's ETag, if that may be their MD5. If a store other than S3 returns
 * the same bytes twice, they are not damaged, and its ETag is no MD5.
 * @throws Fault `VerificationFailed` if they may be damaged
 */
function checkRead({ task, source: store }: PartContext, { pair, source, doubtful }: Put, md5: string): void {
  if (!etagIsMd5(source)) return;
  if (sameEtag(md5, source.etag)) {
    noteEtag(store, 'md5');
    return;
  }
  const meaning = meaningOfDifference(task.source, store);
  if (meaning === 'nothing') return;
  if (meaning === 'doubt' && doubtful.has(md5)) {
    noteEtag(store, 'other');
    return;
  }
  doubtful.add(md5);
  throw new Fault(
    'VerificationFailed',
    `${pair.sourceName}: the bytes read have MD5 ${md5}, the source's ETag is ${source.etag}`,
  );
}

/**
 * Compares what was sent with what the destination says it stored. If a store other than S3 answers with another ETag
 * of MD5 form, the object is read back: the store accepted Content-MD5, so its ETag may be no MD5.
 * @throws Fault `VerificationFailed` if the destination holds other bytes
 */
async function confirmWrite(
  context: PartContext,
  pair: ObjectPair,
  digest: Md5Digest,
  stored: StoredDigests,
): Promise<void> {
  const { task, destination } = context;
  try {
    if (digest.confirm(stored, pair.destinationName)) noteEtag(destination, 'md5');
  } catch (error) {
    const meaning = isFault(error, 'VerificationFailed')
      ? meaningOfDifference(task.destination, destination)
      : 'damage';
    if (meaning === 'nothing') return;
    if (meaning === 'damage' || (await readBack(context, pair)) !== digest.hex) throw error;
    noteEtag(destination, 'other');
  }
}

/** @returns the MD5 of the destination's object; undefined if there is none */
async function readBack({ destination }: PartContext, pair: ObjectPair): Promise<string | undefined> {
  const opened = await destination.get(pair.destinationKey);
  if (!opened) return undefined;
  const digest = new Md5Digest();
  const data = passBody(opened.body, opened.info.size, pair.destinationName, () => undefined);
  try {
    for await (const bytes of data) digest.update(bytes as Uint8Array);
    return digest.hex;
  } finally {
    data.destroy();
  }
}

/** For bodies too large to buffer whose ETag is their MD5: it can be sent ahead of the bytes. */
async function putStreamed(context: PartContext, put: Put, opened: OpenObject): Promise<Stored> {
  const { pair, source, attributes } = put;
  const digest = new Md5Digest(source.etag);
  const data = passBody(opened.body, source.size, pair.sourceName, () => undefined);
  try {
    const known = knownChecksum(context, opened.info, source);
    const checksum = await checksumToSend(context, { pair, source, ...(known && { known }) });
    const body = { data, size: source.size, ...digest.forBody(), ...(checksum && { checksum }) };
    const stored = await context.destination.put(pair.destinationKey, body, attributes);
    await confirmWrite(context, pair, digest, stored);
    return stored;
  } catch (error) {
    // A broken stream makes the request fail with an error of its own; the stream's fault is the cause.
    if (isFault(data.errored)) throw data.errored;
    throw error;
  } finally {
    data.destroy();
  }
}
