import { forEachConcurrently } from '../../flow/concurrently.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { uploadBatchBytes } from '../../model/limits.ts';
import { etagPartCount, sameEtag } from '../../model/object.ts';
import type { Part, StoredPart } from '../../model/part-plan.ts';
import { traitsOf } from '../../model/stores/stores.ts';
import { Fault } from '../../model/faults.ts';
import { Md5Digest } from '../bytes/digest.ts';
import { openVersion, partName } from '../bytes/open-version.ts';
import { passBody } from '../../flow/body.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { CopyContext } from '../context.ts';
import { etagsAreMd5s, meaningOfDifference, noteEtag } from '../decide/etag-trust.ts';
import { pinOf, versionOf, type ObjectPair } from '../object-pair.ts';
import { partsIn } from '../plan-parts.ts';

/** HEADs of parts at once, of up to 10,000: at 50 ms each, all take 16 s. */
const headsAtOnce = 32;
/** Parts that are read a second time at once. */
const readsAtOnce = 4;
/** The largest object that is read a second time: as much as one call moves in seconds. */
const maxReadAgainBytes = uploadBatchBytes;

/** Second reads of a source's objects that found no difference. After some, its ETags are taken for something else. */
const removedDoubts = new WeakMap<ObjectStore, number>();
const doubtsNeeded = 3;

/**
 * Do different ETags mean different bytes? The parts' own ETags are MD5s of what was sent, or are taken for such; the
 * source's is made of the MD5s of its parts only if it was not encrypted in another way, and if it was cut in the same
 * way. On S3 a difference is damage then. A store that most often makes its ETags as S3 does leaves a doubt: then the
 * bytes are read a second time. A store that makes them in another way (Aliyun OSS) says nothing: the digest that the
 * destination confirmed for each part, and the size, are the proof.
 * @param parts in their order
 * @throws Fault `SourceChanged`, and those of reading
 */
export async function contradictsSource(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  parts: readonly StoredPart[],
): Promise<boolean> {
  const { task, source, destination } = context;
  const known = traitsOf(task.source).multipartEtag.is;
  if (known === 'other') return false;
  if (!target.plan.sourceLayout || etagPartCount(target.sourceEtag) === undefined) return false;
  if (target.opaqueEtag || parts.some((part) => !/^[0-9a-f]{32}$/i.test(part.etag))) return false;
  if (!(await isCutAlike(context, pair, target))) return false;
  if (known === 's3' && etagsAreMd5s(task.destination, destination)) return true;
  if (target.plan.size > maxReadAgainBytes) return false;
  if (meaningOfDifference(task.destination, destination) === 'nothing') return false;
  const removed = removedDoubts.get(source) ?? 0;
  if (known !== 's3' && removed >= doubtsNeeded) return false;
  const differing = await countDiffering(context, pair, target, parts);
  if (differing === 0) removedDoubts.set(source, removed + 1);
  // Damage changes some parts. If all differ, the destination's ETags of parts are no MD5s.
  const isDamage = differing > 0 && (differing < parts.length || etagsAreMd5s(task.destination, destination));
  if (differing > 0 && !isDamage) noteEtag(destination, 'other');
  return isDamage;
}

/**
 * Was the source cut as the plan cuts it? Its first part suggested it.
 * @returns false too if its ETag is not made of MD5s
 */
async function isCutAlike({ source }: CopyContext, pair: ObjectPair, target: UploadTarget): Promise<boolean> {
  const pin = pinOf(versionOf(target));
  const object = await source.head(pair.key, pin);
  if (!object || !sameEtag(object.etag, target.sourceEtag)) {
    throw new Fault('SourceChanged', `${pair.sourceName} changed before its copy was complete`);
  }
  if (object.opaqueEtag) return false;
  let isAlike = true;
  await forEachConcurrently(partsIn(target.plan, [[2, target.plan.partCount]]), headsAtOnce, async (planned) => {
    if (!isAlike) return;
    const part = await source.head(pair.key, { ...pin, partNumber: planned.number });
    if (part?.size !== planned.end - planned.start) isAlike = false;
  });
  return isAlike;
}

/** Reads the source a second time. @returns the number of parts whose ETags are not the MD5s of what is read */
async function countDiffering(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  parts: readonly StoredPart[],
): Promise<number> {
  let differing = 0;
  await forEachConcurrently(partsIn(target.plan, [[1, target.plan.partCount]]), readsAtOnce, async (planned) => {
    const md5 = await md5Of(context, pair, target, planned);
    if (!sameEtag(parts[planned.number - 1]?.etag ?? '', md5)) differing++;
  });
  return differing;
}

async function md5Of(context: CopyContext, pair: ObjectPair, target: UploadTarget, part: Part): Promise<string> {
  const { body } = await openVersion(context, pair, versionOf(target), part);
  const digest = new Md5Digest();
  const data = passBody(body, part.end - part.start, partName(pair, part), () => undefined);
  try {
    for await (const bytes of data) digest.update(bytes as Uint8Array);
    return digest.hex;
  } finally {
    data.destroy();
  }
}
