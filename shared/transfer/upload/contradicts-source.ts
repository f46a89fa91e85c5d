import { forEachConcurrently } from '../../flow/concurrently.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { uploadBatchBytes } from '../../model/limits.ts';
import { etagPartCount, sameEtag } from '../../model/object.ts';
import type { PartRange, StoredPart } from '../../model/part-plan.ts';
import { traitsOf } from '../../model/stores/stores.ts';
import { Fault } from '../../model/faults.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { CopyContext } from '../context.ts';
import { etagsAreMd5s, meaningOfDifference } from '../decide/etag-trust.ts';
import { needsSecondRead } from '../decide/wire-proof.ts';
import { pinOf, versionOf, type ObjectPair } from '../object-pair.ts';
import { partsIn } from '../plan-parts.ts';
import { readAgain } from './read-again.ts';

/** HEADs of parts at once, of up to 10,000: at 50 ms each, all take 16 s. */
const headsAtOnce = 32;
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
  const isCertain = known === 's3' && etagsAreMd5s(task.destination, destination);
  // Over plain HTTP, objects of any size are read a second time (prove-parts.ts).
  if (!isCertain && (needsSecondRead(task, target) || target.plan.size > maxReadAgainBytes)) return false;
  if (!(await isCutAlike(context, pair, target))) return false;
  if (isCertain) return true;
  if (meaningOfDifference(task.destination, destination) === 'nothing') return false;
  const removed = removedDoubts.get(source) ?? 0;
  if (known !== 's3' && removed >= doubtsNeeded) return false;
  const all: PartRange = [1, target.plan.partCount];
  const { differing, left } = await readAgain(context, pair, target, { parts, ranges: [all] });
  if (left !== undefined) throw new Fault('OutOfTime', `${pair.sourceName}: no time is left to read it again`);
  if (differing.length === 0) removedDoubts.set(source, removed + 1);
  return differing.length > 0;
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
