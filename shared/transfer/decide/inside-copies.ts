import { isFault } from '../../model/faults.ts';
import type { PartContext } from '../context.ts';
import { traitsOf } from '../../model/stores/stores.ts';
import { canCopyInside } from './choose-route.ts';

/** The calls that copy inside a store; a store may have one without the other (Ceph 16, Cloudflare R2). */
export type InsideCall = 'copy' | 'copyPart';

/** What was seen of one call between two buckets in this process. */
interface Seen {
  worked: boolean;
  /** refusals since it last worked */
  refusals: number;
  /** milliseconds since the epoch: until then it is not tried */
  notBefore: number;
}

/** How long a refusal is remembered: a policy may be mended while a worker runs. */
const rememberedMillis = 10 * 60_000;
/** Refusals in a row after which a call counts as refused although it worked before: one may be about one object. */
const refusalsAfterSuccess = 3;

/** By destination and source: a refusal may be about either. Stores live as long as the process needs their task. */
const seenOf = new WeakMap<object, WeakMap<object, Map<InsideCall, Seen>>>();

/**
 * Makes a call that copies inside the store.
 * @returns undefined if the store or the credentials refuse it, or refused it a short while ago: relay the bytes then
 * @throws Fault, for other reasons
 */
export async function copiedInside<Result>(
  context: PartContext,
  call: InsideCall,
  make: () => Promise<Result>,
): Promise<Result | undefined> {
  if (!mayCopyInside(context, call)) return undefined;
  const seen = seenBy(context, call);
  try {
    const result = await make();
    Object.assign(seen, { worked: true, refusals: 0 });
    return result;
  } catch (error) {
    if (!isFault(error, 'NotSupported', 'Refused', 'AccessDenied', 'CredentialsRefused')) throw error;
    seen.refusals++;
    if (!seen.worked || seen.refusals >= refusalsAfterSuccess) {
      Object.assign(seen, { worked: false, refusals: 0, notBefore: context.clock.now() + rememberedMillis });
    }
    return undefined;
  }
}

/** Does the task allow the call, may the store have it, and was it not refused lately? */
export function mayCopyInside(context: PartContext, call: InsideCall): boolean {
  const { copies, partCopies } = traitsOf(context.task.destination);
  if ((call === 'copy' ? copies : partCopies).is === 'no') return false;
  return canCopyInside(context.task) && seenBy(context, call).notBefore <= context.clock.now();
}

function seenBy({ source, destination }: PartContext, call: InsideCall): Seen {
  const bySource = seenOf.get(destination) ?? new WeakMap<object, Map<InsideCall, Seen>>();
  seenOf.set(destination, bySource);
  const calls = bySource.get(source) ?? new Map<InsideCall, Seen>();
  bySource.set(source, calls);
  const seen = calls.get(call) ?? { worked: false, refusals: 0, notBefore: -Infinity };
  calls.set(call, seen);
  return seen;
}
