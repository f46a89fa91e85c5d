import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagIsMd5, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import { passBody, readBody } from '../../flow/body.ts';
import type { OpenObject, Stored } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import type { ObjectPair } from '../object-pair.ts';
import { readAttributes, withTagsIfSupported } from './attributes.ts';
import { withAttempts } from './attempts.ts';
import { Md5Digest } from './digest.ts';
import { openVersion } from './open-version.ts';

/** An object on its way through one PUT. */
interface Put {
  readonly pair: ObjectPair;
  /** the version that is copied */
  readonly source: ObjectInfo;
  /** what the destination's object is created with */
  readonly attributes: ObjectAttributes;
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
    const put = { pair, source, attributes: await readAttributes(context, pair, source) };
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

async function putBuffered(
  context: PartContext,
  { pair, source, attributes }: Put,
  opened: OpenObject,
): Promise<Stored> {
  const buffer = await context.buffers.acquire(source.size).catch((error: unknown) => {
    opened.body.destroy();
    throw error;
  });
  try {
    await readBody(opened.body, buffer.bytes, pair.sourceName);
    const digest = Md5Digest.of(buffer.bytes);
    if (etagIsMd5(source) && digest.hex !== source.etag) {
      throw new Fault(
        'VerificationFailed',
        `${pair.sourceName}: the bytes read have MD5 ${digest.hex}, the source's ETag is ${source.etag}`,
      );
    }
    const body = { data: buffer.bytes, size: source.size, ...digest.forBody() };
    const stored = await withTagsIfSupported(context, pair.key, attributes, (supported) =>
      context.destination.put(pair.destinationKey, body, supported),
    );
    digest.confirm(stored, pair.destinationName);
    return stored;
  } finally {
    buffer.release();
  }
}

/** For bodies too large to buffer whose ETag is their MD5: it can be sent ahead of the bytes. */
async function putStreamed(context: PartContext, put: Put, opened: OpenObject): Promise<Stored> {
  const { pair, source, attributes } = put;
  const digest = new Md5Digest(source.etag);
  const data = passBody(opened.body, source.size, pair.sourceName, () => undefined);
  try {
    const body = { data, size: source.size, ...digest.forBody() };
    const stored = await context.destination.put(pair.destinationKey, body, attributes);
    digest.confirm(stored, pair.destinationName);
    return stored;
  } catch (error) {
    // A broken stream makes the request fail with an error of its own; the stream's fault is the cause.
    if (isFault(data.errored)) throw data.errored;
    throw error;
  } finally {
    data.destroy();
  }
}
