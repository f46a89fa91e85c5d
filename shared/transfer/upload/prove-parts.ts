import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { PartRange, StoredPart } from '../../model/part-plan.ts';
import { spoilPart } from '../bytes/spoil-part.ts';
import type { CopyContext } from '../context.ts';
import { listsDigests, needsSecondRead } from '../decide/wire-proof.ts';
import type { ObjectPair } from '../object-pair.ts';
import { partOf } from '../plan-parts.ts';
import { readAgain } from './read-again.ts';

/** What keeps an upload from being completed although its parts are there. */
export interface Unproven {
  /** the parts that have to be sent again; none if time ran short */
  readonly missing: readonly PartRange[];
  /** how many parts, from the first, are proven: the next look reads only those after them */
  readonly proven: number;
}

/**
 * Proves that the parts are the source's bytes if nothing else can (../decide/wire-proof.ts): reads the source a second
 * time. A part that differs was damaged on its way in one of the two reads; it is made to count as missing.
 * @param parts all parts of the plan, in their order
 * @param proven how many of them, from the first, are proven already
 * @returns undefined if all are proven
 * @throws Fault of reading and of writing; `SourceChanged`, `UploadGone` among them
 */
export async function proveParts(
  context: CopyContext,
  pair: ObjectPair,
  target: UploadTarget,
  { parts, proven }: { readonly parts: readonly StoredPart[]; readonly proven: number },
): Promise<Unproven | undefined> {
  const { plan, method } = target;
  // Parts that the store copies inside itself pass no wire; those that it refuses to copy are read twice when they are.
  if (method === 'server-side copy') return undefined;
  if (!needsSecondRead(context.task, target) || !listsDigests(context, target)) return undefined;
  const rest: PartRange = [proven + 1, plan.partCount];
  // The first part is read each time: it shows that the destination's ETags are MD5s.
  const ranges: PartRange[] = proven > 0 ? [[1, 1], rest] : [rest];
  const { differing, left } = await readAgain(context, pair, target, { parts, ranges });
  if (differing.length === 0 && left === undefined) return undefined;
  for (const number of differing) {
    const message = `part ${number}: a second read of the source differs from what was sent`;
    context.progress({ type: 'retry', key: pair.key, fault: 'VerificationFailed', message });
    await spoilPart(context, pair, target, partOf(plan, number));
  }
  const missing = differing.map((number): PartRange => [number, number]);
  return { missing, proven: Math.max(0, Math.min(differing[0] ?? Infinity, left ?? Infinity) - 1) };
}
