import { forEachConcurrently } from '../../flow/concurrently.ts';
import { Fault, isFault } from '../../model/faults.ts';
import { partsIn } from '../plan-parts.ts';
import type { Part, PartRange, StoredPart } from '../../model/part-plan.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import { withAttempts } from '../bytes/attempts.ts';
import { Md5Digest, startDigest, type Digest } from '../bytes/digest.ts';
import { readForDigests } from '../bytes/read-digest.ts';
import { partName } from '../bytes/open-version.ts';
import type { CopyContext } from '../context.ts';
import { etagsAreMd5s, noteEtag } from '../decide/etag-trust.ts';
import { versionOf, type ObjectPair } from '../object-pair.ts';

/** Parts that are read a second time at once. */
const readsAtOnce = 4;
/** Reads of one part that may all differ. */
const maxReads = 4;
/** Time that must be left for a part to be read: as long as for one to be sent. */
const readMarginMillis = 60_000;

/** What a second read showed. */
export interface SecondRead {
  /** the parts that are not what the destination has, in ascending order */
  readonly differing: readonly number[];
  /** the first part that was not read because time ran short; undefined if all were */
  readonly left?: number;
}

/**
 * Reads parts of the source a second time, and compares them with what the destination says that it stored: by the
 * upload's checksum where ListParts shows it, else by the MD5 that a part's ETag is taken for. If all parts differ at a
 * destination whose ETags are not known to be MD5s, they are none, and nothing differs.
 * @param parts all parts of the plan, in their order
 * @throws Fault of reading, `SourceChanged` among them
 */
export async function readAgain(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  { parts, ranges }: { readonly parts: readonly StoredPart[]; readonly ranges: readonly PartRange[] },
): Promise<SecondRead> {
  const { task, destination, deadline } = context;
  const differing: number[] = [];
  let agreeing = 0;
  let left: number | undefined;
  await forEachConcurrently(partsIn(target.plan, ranges), readsAtOnce, async (planned) => {
    if (left !== undefined || deadline.remaining() < readMarginMillis) {
      left ??= planned.number;
      return;
    }
    const verdict = await compare(context, pair, target, { planned, stored: parts[planned.number - 1] });
    context.progress({ type: 'read again', key: pair.key, part: planned.number });
    if (verdict === 'same') agreeing++;
    if (verdict === 'different') differing.push(planned.number);
  });
  const rest = left === undefined ? {} : { left };
  if (differing.length > 0 && agreeing === 0 && !etagsAreMd5s(task.destination, destination)) {
    noteEtag(destination, 'other');
    return { differing: [], ...rest };
  }
  return { differing: differing.sort((one, other) => one - other), ...rest };
}

/**
 * Reads one part until a read agrees with what is stored, or until two reads agree with each other.
 * @returns `unknown` if what is stored shows no digest
 * @throws Fault `VerificationFailed` if each read differs
 */
async function compare(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  { planned, stored }: { readonly planned: Part; readonly stored: StoredPart | undefined },
): Promise<'same' | 'different' | 'unknown'> {
  const what = partName(pair, planned);
  const { etag = '', checksum: listed } = stored ?? {};
  const confirmed = { etag, opaqueEtag: target.opaqueEtag, ...(listed !== undefined && { checksum: listed }) };
  const seen = new Set<string>();
  while (seen.size < maxReads) {
    const { md5, digests } = await withAttempts(
      context,
      () => digestsOf(context, pair, target, planned),
      (fault, message) => context.progress({ type: 'retry', key: pair.key, fault, message }),
    );
    try {
      return digests.some((digest) => digest.confirm(confirmed, what)) ? 'same' : 'unknown';
    } catch (error) {
      if (!isFault(error, 'VerificationFailed')) throw error;
      if (seen.has(md5.hex)) return 'different';
      seen.add(md5.hex);
    }
  }
  throw new Fault('VerificationFailed', `${what}: ${maxReads} reads of the same version differ from each other`);
}

async function digestsOf(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  part: Part,
): Promise<{ readonly md5: Md5Digest; readonly digests: readonly Digest[] }> {
  const md5 = new Md5Digest();
  const digests = target.checksum ? [await startDigest(target.checksum), md5] : [md5];
  await readForDigests(context, pair, { version: versionOf(target), part }, digests);
  return { md5, digests };
}
