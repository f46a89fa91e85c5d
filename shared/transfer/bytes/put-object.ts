import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagIsMd5, sameEtag, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import { passBody, readBody } from '../../flow/body.ts';
import type { Body, OpenObject, Replaces, Stored } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import { meaningOfDifference, noteEtag } from '../decide/etag-trust.ts';
import { expectKept, noteUnkept, sentOf, type Sent } from '../decide/kept-attributes.ts';
import { replacing } from '../decide/replaces.ts';
import { isPlain } from '../decide/wire-proof.ts';
import type { Losses } from '../losses.ts';
import type { ObjectPair } from '../object-pair.ts';
import { readAttributes } from './attributes.ts';
import { withAttempts } from './attempts.ts';
import { Md5Digest, type StoredDigests } from './digest.ts';
import { openVersion } from './open-version.ts';
import { readForDigests } from './read-digest.ts';
import { writeOver } from './own-write.ts';
import { checksumToSend, knownChecksum, withChecksumIfSupported } from './put-checksum.ts';
import { withSupported } from './supported-attributes.ts';

/** A version of an object that is to be copied. */
export interface Copy {
  readonly pair: ObjectPair;
  readonly source: ObjectInfo;
  /** what it replaces at the destination */
  readonly replaces: Replaces | undefined;
  /** receives what the copy lacks */
  readonly losses: Losses;
}

/** An object on its way through one PUT. */
interface Put extends Copy {
  /** what the next attempt replaces: what was seen, or what the one before wrote */
  replaces: Replaces | undefined;
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
 * @throws Fault; `DestinationConflict` if the destination holds something else than what is replaced; `AttributeLost`
 *   if the task is strict, before the object is written if that is known by then
 */
export async function putObject(context: PartContext, copy: Copy, opened?: OpenObject): Promise<Stored> {
  const { pair, source, losses } = copy;
  let open = opened;
  try {
    const attributes = await readAttributes(context, pair, source, losses);
    const put: Put = { ...copy, attributes, doubtful: new Set() };
    const { stored, sent } = await withAttempts(
      context,
      async () => {
        const next = async (): Promise<OpenObject> => {
          const body = open ?? (await openVersion(context, pair, source));
          open = undefined;
          return body;
        };
        if (source.size <= maxBufferedBodyBytes) return putBuffered(context, put, await next());
        return withSupported(context, losses, put.attributes, async (attributes) =>
          putStreamed(context, put, attributes, await next()),
        );
      },
      (fault, message) => context.progress({ type: 'retry', key: pair.key, fault, message }),
    );
    context.progress({ type: 'sent', key: pair.key, bytes: source.size });
    await noteUnkept(context, pair, { call: 'put', sent, stored }, losses);
    return stored;
  } finally {
    open?.body.destroy();
  }
}

/** What a PUT sent, and what the destination says that it stored. */
interface Outcome {
  readonly stored: Stored;
  readonly sent: Sent;
}

async function putBuffered(context: PartContext, put: Put, opened: OpenObject): Promise<Outcome> {
  const { pair, source, attributes, losses } = put;
  const buffer = await context.buffers.acquire(source.size).catch((error: unknown) => {
    opened.body.destroy();
    throw error;
  });
  try {
    await readBody(opened.body, buffer.bytes, pair.sourceName);
    const digest = Md5Digest.of(buffer.bytes);
    const isCompared = checkRead(context, put, digest.hex);
    const known = knownChecksum(context, opened.info, source);
    if (!isCompared && !known && isPlain(context.task.source)) await expectReadAgain(context, put, digest.hex);
    const checksum = await checksumToSend(context, { pair, source, ...(known && { known }) }, buffer.bytes);
    expectKept(context, losses, 'put', sentOf(attributes, checksum));
    const outcome = await withChecksumIfSupported(losses, checksum, (known) => {
      const body = { data: buffer.bytes, size: source.size, ...digest.forBody(), ...known };
      return withSupported(context, losses, attributes, async (supported) => {
        const stored = await putOver(context, put, digest, { body, attributes: supported });
        return { stored, sent: sentOf(supported, known.checksum) };
      });
    });
    await confirmWrite(context, pair, digest, outcome.stored);
    return outcome;
  } finally {
    buffer.release();
  }
}

/** Puts the object over what is to be replaced. An attempt that comes after this one replaces what this one wrote. */
async function putOver(
  context: PartContext,
  put: Put,
  digest: Md5Digest,
  { body, attributes }: { readonly body: Body; readonly attributes: ObjectAttributes },
): Promise<Stored> {
  const { pair, source, replaces } = put;
  const stored = await writeOver(context, pair, { source, md5: digest.hex, replaces }, () =>
    context.destination.put(pair.destinationKey, body, attributes, replaces),
  );
  put.replaces = replacing(stored);
  return stored;
}

/**
 * Compares the bytes that were read with the source's ETag, if that may be their MD5. If a store other than S3 returns
 * the same bytes twice, they are not damaged, and its ETag is no MD5.
 * @returns false if the ETag says nothing about the bytes
 * @throws Fault `VerificationFailed` if they may be damaged
 */
function checkRead({ task, source: store }: PartContext, { pair, source, doubtful }: Put, md5: string): boolean {
  if (!etagIsMd5(source)) return false;
  if (sameEtag(md5, source.etag)) {
    noteEtag(store, 'md5');
    return true;
  }
  const meaning = meaningOfDifference(task.source, store);
  if (meaning === 'nothing') return false;
  if (meaning === 'doubt' && doubtful.has(md5)) {
    noteEtag(store, 'other');
    return true;
  }
  doubtful.add(md5);
  throw new Fault(
    'VerificationFailed',
    `${pair.sourceName}: the bytes read have MD5 ${md5}, the source's ETag is ${source.etag}`,
  );
}

/** Over plain HTTP, what nothing proves is read twice. @throws Fault `VerificationFailed` if the reads differ */
async function expectReadAgain(context: PartContext, { pair, source }: Put, md5: string): Promise<void> {
  const again = new Md5Digest();
  await readForDigests(context, pair, { version: source }, [again]);
  if (again.hex === md5) return;
  throw new Fault('VerificationFailed', `${pair.sourceName}: two reads have the MD5s ${md5} and ${again.hex}`);
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
async function putStreamed(
  context: PartContext,
  put: Put,
  attributes: ObjectAttributes,
  opened: OpenObject,
): Promise<Outcome> {
  const { pair, source, losses } = put;
  const digest = new Md5Digest(source.etag);
  const data = passBody(opened.body, source.size, pair.sourceName, () => undefined);
  try {
    const known = knownChecksum(context, opened.info, source);
    const checksum = await checksumToSend(context, { pair, source, ...(known && { known }) });
    const body = { data, size: source.size, ...digest.forBody(), ...(checksum && { checksum }) };
    const sent = sentOf(attributes, checksum);
    expectKept(context, losses, 'put', sent);
    const stored = await putOver(context, put, digest, { body, attributes });
    await confirmWrite(context, pair, digest, stored);
    return { stored, sent };
  } catch (error) {
    // A broken stream makes the request fail with an error of its own; the stream's fault is the cause.
    if (isFault(data.errored)) throw data.errored;
    throw error;
  } finally {
    data.destroy();
  }
}
