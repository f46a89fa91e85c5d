import { Fault, isFault } from '../../model/faults.ts';
import { keepsChecksum } from '../../model/stores/stores.ts';
import type { ChecksumAlgorithm, ObjectChecksum, ObjectInfo } from '../../model/object.ts';
import { etagIsMd5 } from '../../model/object.ts';
import type { PartContext } from '../context.ts';
import type { Losses } from '../losses.ts';
import type { ObjectPair } from '../object-pair.ts';
import { startChecksum } from './digest.ts';

/**
 * The checksum that goes with an object in one PUT, beside its MD5: in the configured algorithm, or in that of the
 * source where the destination keeps such checksums (S3), so that both sides store the same. The source's own value is
 * sent if it is of that algorithm: the destination then verifies the bytes from end to end, those of KMS objects too,
 * whose ETags say nothing.
 * @param known what the source stores
 * @param bytes undefined if they stream: then only a known value can be sent
 * @throws Fault `VerificationFailed` if the bytes are not the source's
 */
export async function checksumToSend(
  { task }: PartContext,
  { pair, source, known }: { readonly pair: ObjectPair; readonly source: ObjectInfo; readonly known?: ObjectChecksum },
  bytes?: Uint8Array,
): Promise<ObjectChecksum | undefined> {
  const { destination } = task;
  const same = known && keepsChecksum(destination, known.algorithm) ? known.algorithm : undefined;
  const wanted = destination.checksumAlgorithm ?? same;
  if (known && known.algorithm === wanted) return known;
  if (!bytes) return undefined;
  // Otherwise the ETag has verified them.
  if (known && !etagIsMd5(source)) {
    const value = await checksumOf(known.algorithm, bytes);
    if (value !== known.value) {
      const what = `${pair.sourceName}: the bytes read have ${known.algorithm} ${value}, the source has ${known.value}`;
      throw new Fault('VerificationFailed', what);
    }
  }
  return wanted && { algorithm: wanted, value: await checksumOf(wanted, bytes) };
}

/** The checksum that the source stores, if its store verifies them. It is known only if GET or HEAD asked for it. */
export function knownChecksum(
  { task }: PartContext,
  ...seen: readonly Pick<ObjectInfo, 'checksum'>[]
): ObjectChecksum | undefined {
  const checksum = seen.find((one) => one.checksum)?.checksum;
  return checksum && keepsChecksum(task.source, checksum.algorithm) ? checksum : undefined;
}

/**
 * Writes with the checksum, and again without it if the store refuses that: a loss. `Content-MD5` stays.
 * @throws Fault `AttributeLost` if the task is strict
 */
export async function withChecksumIfSupported<Result>(
  losses: Losses,
  checksum: ObjectChecksum | undefined,
  write: (checksum: { readonly checksum?: ObjectChecksum }) => Promise<Result>,
): Promise<Result> {
  if (!checksum) return write({});
  try {
    return await write({ checksum });
  } catch (error) {
    if (!isFault(error, 'NotSupported', 'Refused')) throw error;
    const reason = `the destination refuses ${checksum.algorithm}`;
    // Other refusals may have another reason, which the store gives.
    if (losses.strict && isFault(error, 'Refused')) throw error;
    losses.expect('checksum', reason);
    const result = await write({});
    losses.note('checksum', reason);
    return result;
  }
}

async function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  const running = await startChecksum(algorithm);
  running.update(bytes);
  return running.base64();
}
