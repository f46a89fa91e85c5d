import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagIsMd5, type ObjectAttributes, type ObjectInfo } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import { destinationKey } from '../../model/config/task.ts';
import type { Body, OpenObject, Stored } from '../../ports/object-store.ts';
import { readAttributes, withTagsIfSupported } from './attributes.ts';
import { withAttempts } from './attempts.ts';
import { passBody, readBody } from '../../flow/body.ts';
import { hexToBase64, startMd5 } from './digest.ts';
import type { CopyContext } from '../context.ts';

/**
 * Copies an object with one GET and one PUT. The read is pinned to `source.etag`; what was read is compared with the
 * source's MD5 where the ETag is one; the destination compares what it got with the MD5 that is sent.
 * @param opened the source's body if it is open already; it is read or destroyed
 * @returns what the destination stored
 */
export async function putObject(context: CopyContext, source: ObjectInfo, opened?: OpenObject): Promise<Stored> {
  const key = destinationKey(context.task, source.key);
  const what = `${context.source.bucket}: ${quoted(source.key)}`;
  let open = opened;
  try {
    const attributes = await readAttributes(context, source);
    const stored = await withAttempts(
      context,
      async () => {
        const body = open ?? (await reopen(context, source));
        open = undefined;
        return source.size <= maxBufferedBodyBytes
          ? await putBuffered(context, key, source, body, attributes, what)
          : await putStreamed(context, key, source, body, attributes, what);
      },
      (fault, message) => context.progress({ type: 'retry', key: source.key, fault, message }),
    );
    context.progress({ type: 'sent', key: source.key, bytes: source.size });
    return stored;
  } finally {
    open?.body.destroy();
  }
}

/** Opens the source again, pinned to the version that was seen. */
async function reopen(context: CopyContext, source: ObjectInfo): Promise<OpenObject> {
  const opened = await context.source.get(source.key, {
    ifMatch: source.etag,
    ...(source.versionId !== undefined && { versionId: source.versionId }),
  });
  const what = `${context.source.bucket}: ${quoted(source.key)}`;
  if (!opened) throw new Fault('SourceGone', `${what} is gone`);
  // A store that ignores If-Match is found out here: the headers that go along are those of the version that was seen.
  if (opened.info.etag !== source.etag || opened.info.size !== source.size) {
    opened.body.destroy();
    throw new Fault('SourceChanged', `${what}: expected ETag ${source.etag}, found ${opened.info.etag}`);
  }
  return opened;
}

async function putBuffered(
  context: CopyContext,
  key: string,
  source: ObjectInfo,
  opened: OpenObject,
  attributes: ObjectAttributes,
  what: string,
): Promise<Stored> {
  const buffer = await context.buffers.acquire(source.size).catch((error: unknown) => {
    opened.body.destroy();
    throw error;
  });
  try {
    await readBody(opened.body, buffer.bytes, what);
    const hash = startMd5();
    hash.update(buffer.bytes);
    const md5 = hash.hex();
    if (etagIsMd5(source) && md5 !== source.etag) {
      throw new Fault(
        'VerificationFailed',
        `${what}: the bytes read have MD5 ${md5}, the source's ETag is ${source.etag}`,
      );
    }
    const body: Body = { data: buffer.bytes, size: source.size, md5: hexToBase64(md5) };
    const stored = await withTagsIfSupported(attributes, (some) => context.destination.put(key, body, some));
    checkStored(stored, md5, `${context.destination.bucket}: ${quoted(key)}`);
    return stored;
  } finally {
    buffer.release();
  }
}

/** For bodies too long to buffer whose MD5 is known beforehand: their ETag is it, and the destination checks it. */
async function putStreamed(
  context: CopyContext,
  key: string,
  source: ObjectInfo,
  opened: OpenObject,
  attributes: ObjectAttributes,
  what: string,
): Promise<Stored> {
  const data = passBody(opened.body, source.size, what, () => undefined);
  try {
    const body: Body = { data, size: source.size, md5: hexToBase64(source.etag) };
    const stored = await context.destination.put(key, body, attributes);
    checkStored(stored, source.etag, `${context.destination.bucket}: ${quoted(key)}`);
    return stored;
  } catch (error) {
    // A stream that broke makes the request fail in some way of its own; the stream's own fault says why.
    if (isFault(data.errored)) throw data.errored;
    if (isFault(error, 'NotSupported') && Object.keys(attributes.tags).length > 0) {
      return await putStreamed(context, key, source, await reopen(context, source), { ...attributes, tags: {} }, what);
    }
    throw error;
  } finally {
    data.destroy();
  }
}

/** Does the destination confirm the bytes, as far as its ETag says anything of them? */
function checkStored(stored: Stored, md5: string, what: string): void {
  if (etagIsMd5(stored) && stored.etag !== md5) {
    throw new Fault('VerificationFailed', `${what}: sent MD5 ${md5}, the destination stored ETag ${stored.etag}`);
  }
}
