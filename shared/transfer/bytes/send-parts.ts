import { Fault, isFault } from '../../model/faults.ts';
import { maxBufferedBodyBytes } from '../../model/limits.ts';
import { etagIsMd5 } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';
import type { Part, PartRange, StoredPart } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { destinationKey } from '../../model/config/task.ts';
import { forEachConcurrently } from '../../flow/concurrently.ts';
import type { Body, OpenObject, PartAddress } from '../../ports/object-store.ts';
import { withAttempts } from './attempts.ts';
import { passBody, readBody } from '../../flow/body.ts';
import { hexToBase64, startChecksum, startMd5 } from './digest.ts';
import type { PartContext } from '../context.ts';
import { partsIn } from '../plan-parts.ts';
import { spoilPart } from './spoil-part.ts';

/** Milliseconds that must be left for a part to be begun: the slowest part seen on a bad line, and then some. */
const partMargin = 60_000;

/**
 * Sends the parts of the ranges, several at once, each pinned to the version the upload is for. Stops in time before
 * the deadline: what is left is the next round's.
 * @returns `sent`, or `left` where time ran short
 * @throws the first part's fault that its own retries did not cure; parts under way are ended first
 */
export async function sendParts(
  context: PartContext,
  key: string,
  target: UploadTarget,
  ranges: readonly PartRange[],
): Promise<'sent' | 'left'> {
  const round = { left: false };
  await forEachConcurrently(partsIn(target.plan, ranges), context.partsAtOnce, async (part) => {
    if (round.left || context.deadline.remaining() < partMargin) {
      round.left = true;
      return;
    }
    try {
      await sendPart(context, key, target, part);
    } catch (error) {
      if (!isFault(error, 'OutOfTime')) throw error;
      round.left = true;
    }
  });
  return round.left ? 'left' : 'sent';
}

async function sendPart(context: PartContext, key: string, target: UploadTarget, part: Part): Promise<void> {
  const address: PartAddress = {
    key: destinationKey(context.task, key),
    uploadId: target.uploadId,
    number: part.number,
    ...(target.checksum && { checksum: target.checksum }),
  };
  await withAttempts(
    context,
    () =>
      target.method === 'relay'
        ? relayPart(context, key, target, part, address)
        : copyPart(context, key, target, part, address),
    (fault, message) => context.progress({ type: 'retry', key, fault, message }),
  ).catch(async (error: unknown) => {
    if (isFault(error, 'VerificationFailed')) await spoilPart(context, address, part);
    throw error;
  });
  context.progress({ type: 'sent', key, bytes: part.end - part.start, part: part.number });
}

/** The store copies by itself; where it cannot, or may not, the bytes go through here. */
async function copyPart(
  context: PartContext,
  key: string,
  target: UploadTarget,
  part: Part,
  address: PartAddress,
): Promise<StoredPart> {
  const { sourceEtag: etag, sourceVersionId: versionId } = target;
  const source = { bucket: context.source.bucket, key, etag, ...(versionId !== undefined && { versionId }) };
  try {
    return await context.destination.copyPart(address, source, part.start, part.end);
  } catch (error) {
    if (!isFault(error, 'NotSupported', 'AccessDenied')) throw error;
    return relayPart(context, key, target, part, address);
  }
}

async function relayPart(
  context: PartContext,
  key: string,
  target: UploadTarget,
  part: Part,
  address: PartAddress,
): Promise<StoredPart> {
  const size = part.end - part.start;
  const what = `${context.source.bucket}: ${quoted(key)}, part ${part.number}`;
  const pooled = size <= maxBufferedBodyBytes ? await context.buffers.acquire(size) : undefined;
  try {
    // The wait for memory may have been long: a part of which no byte was read is not begun yet.
    if (context.deadline.remaining() < 0) throw new Fault('OutOfTime', `${what}: time ran short before it was begun`);
    const opened = await openPart(context, key, target, part, what);
    if (!pooled) return await streamPart(context, target, address, opened, size, what);
    await readBody(opened.body, pooled.bytes, what);
    return await sendBuffered(context, target, address, pooled.bytes, what);
  } finally {
    pooled?.release();
  }
}

async function openPart(
  context: PartContext,
  key: string,
  target: UploadTarget,
  part: Part,
  what: string,
): Promise<OpenObject> {
  const opened = await context.source.get(key, {
    ifMatch: target.sourceEtag,
    ...(target.sourceVersionId !== undefined && { versionId: target.sourceVersionId }),
    range: { start: part.start, end: part.end },
  });
  if (!opened) throw new Fault('SourceGone', `${what}: the object is gone`);
  // A store that ignores If-Match is found out here: nothing of another version is ever sent.
  if (opened.info.etag !== target.sourceEtag || opened.info.size !== target.plan.size) {
    opened.body.destroy();
    throw new Fault('SourceChanged', `${what}: expected ETag ${target.sourceEtag}, found ${opened.info.etag}`);
  }
  return opened;
}

async function sendBuffered(
  context: PartContext,
  target: UploadTarget,
  address: PartAddress,
  bytes: Buffer,
  what: string,
): Promise<StoredPart> {
  if (target.checksum) {
    const running = await startChecksum(target.checksum);
    running.update(bytes);
    const checksum = { algorithm: target.checksum, value: running.base64() };
    const stored = await context.destination.uploadPart(address, { data: bytes, size: bytes.length, checksum });
    // Some stores ignore checksums: what they do not confirm says nothing, but their ETag may.
    if (stored.checksum === undefined) checkPart(target, stored, md5Of(bytes), what);
    return stored;
  }
  const md5 = md5Of(bytes);
  const stored = await context.destination.uploadPart(address, {
    data: bytes,
    size: bytes.length,
    md5: hexToBase64(md5),
  });
  checkPart(target, stored, md5, what);
  return stored;
}

function md5Of(bytes: Buffer): string {
  const hash = startMd5();
  hash.update(bytes);
  return hash.hex();
}

/** Parts too long to be buffered: checked by a trailing checksum, or by the ETag that the destination answers. */
async function streamPart(
  context: PartContext,
  target: UploadTarget,
  address: PartAddress,
  opened: OpenObject,
  size: number,
  what: string,
): Promise<StoredPart> {
  const hash = target.checksum ? undefined : startMd5();
  const running = target.checksum ? await startChecksum(target.checksum) : undefined;
  const data = passBody(opened.body, size, what, (bytes) => {
    hash?.update(bytes);
    running?.update(bytes);
  });
  try {
    const body: Body = { data, size };
    const stored = await context.destination.uploadPart(address, body);
    if (hash) checkPart(target, stored, hash.hex(), what);
    const sent = running?.base64();
    if (sent !== undefined && stored.checksum === undefined) {
      throw new Fault(
        'NotSupported',
        `${what}: the destination does not confirm checksums; remove checksumAlgorithm from the task`,
      );
    }
    if (sent !== undefined && stored.checksum !== sent) {
      throw new Fault(
        'VerificationFailed',
        `${what}: sent checksum ${sent}, the destination stored ${stored.checksum}`,
      );
    }
    return stored;
  } catch (error) {
    if (isFault(data.errored)) throw data.errored;
    throw error;
  } finally {
    data.destroy();
  }
}

/** Does the destination's part ETag confirm the bytes, as far as it says anything of them? */
function checkPart({ opaqueEtag }: UploadTarget, stored: StoredPart, md5: string, what: string): void {
  if (etagIsMd5({ etag: stored.etag, opaqueEtag }) && stored.etag !== md5) {
    throw new Fault('VerificationFailed', `${what}: sent MD5 ${md5}, the destination stored ETag ${stored.etag}`);
  }
}
