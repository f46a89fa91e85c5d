import { isFault } from '../model/faults.ts';
import type { FindObjectsState, FindOrder, FindRange, RangeResult, Segment } from '../model/messages/payloads.ts';
import { noCounts } from '../model/run-counts.ts';
import type { Deadline } from '../ports/clock.ts';
import type { CountedQueue } from '../ports/queue-depth.ts';
import { findSegment, type FindContext } from './find-segment.ts';
import { UnsortedListing } from './listing.ts';
import { PacedQueue } from './paced-queue.ts';
import { lowerEnd } from './recut.ts';

export interface RangeContext extends Omit<FindContext, 'isPart'> {
  /** the queue's depth: the call holds back while many jobs wait. Without it, it does not */
  readonly counted?: CountedQueue;
}

/** Characters of the message of a fault: all results of a round are one state of the machine. */
const maxMessageLength = 300;
/** Characters of a key in {@link RangeResult.examples}. */
const maxExampleLength = 60;

/**
 * Searches a range until it ends, or the round does. A call that begins after the round's end returns its range as it
 * is, without a request.
 * @param context its `deadline` is the call's own
 * @returns what was found and what is left. Every job that it counts is in the queue
 * @throws Fault that may pass; any other is in the result
 */
export async function findInRange(context: RangeContext, order: FindOrder): Promise<RangeResult> {
  const { clock } = context;
  const { round } = order;
  const { idle = false, ...range } = order.range;
  if (idle || clock.now() >= round.endsAt) return { rest: range };
  const deadline: Deadline = {
    remaining: () => Math.min(context.deadline.remaining() - context.margin, round.endsAt - clock.now()),
  };
  const { counted } = context;
  const { finders } = round;
  const paced = counted && new PacedQueue({ queue: context.queue, counted, clock, deadline, finders });
  const isWhole = range.cursor?.mode === 'heads';
  const part = { deadline, margin: 0, ...(paced && { queue: paced }), ...(!isWhole && { isPart: true as const }) };
  let found: FindObjectsState;
  try {
    found = await findSegment({ ...context, ...part }, begun(order));
  } catch (error) {
    if (error instanceof UnsortedListing) return { rest: range, unsorted: true };
    // The machine retries what may pass; it could not pass on the message of anything else.
    if (!isFault(error) || error.retry === 'later') throw error;
    return { failed: { name: error.name, message: error.message.slice(0, maxMessageLength) } };
  }
  const heldSeconds = Math.round((paced?.heldMillis ?? 0) / 1000);
  const { examples, ...result } = { ...resultOf(range, found), ...(heldSeconds > 0 && { heldSeconds }) };
  const withExamples = { ...result, ...(examples && { examples }) };
  if (bytesOf(withExamples) <= round.resultBytes) return withExamples;
  const bytes = bytesOf(result);
  // What was found is found again by the next call. Jobs that are sent twice end as skips.
  return bytes <= round.resultBytes ? result : { rest: range, tooLong: bytes };
}

function begun({ range, round: _round, ...order }: FindOrder): FindObjectsState {
  const { after, until, cursor, atMost } = range;
  return {
    ...order,
    segment: { ...(after !== undefined && { after }), ...(until !== undefined && { until }) },
    ...(cursor && { cursor }),
    deletes: atMost === undefined ? 'hold' : { atMost },
  };
}

function resultOf(range: FindRange, { cursor, counts = noCounts, examples = [], done }: FindObjectsState): RangeResult {
  const rest = done === true ? undefined : restOf(range, { cursor, deletes: counts.deletes });
  const stretch = counts.deletes > 0 && range.atMost === undefined ? stretchBetween(range, rest) : undefined;
  return {
    ...(rest && { rest }),
    counts,
    ...(stretch && { stretch }),
    ...(examples.length > 0 && { examples: examples.map((example) => example.slice(0, maxExampleLength)) }),
  };
}

function restOf(
  { after, until, atMost }: FindRange,
  { cursor, deletes }: { cursor: FindRange['cursor'] | undefined; deletes: number },
): FindRange {
  // Where both listings stand at the same key, that key is the whole place.
  const isKey = cursor?.mode === 'merge' && !cursor.places && cursor.after !== undefined;
  const place = isKey && cursor.after === cursor.destinationAfter ? { after: cursor.after } : undefined;
  return {
    ...(place ?? { ...(after !== undefined && { after }), ...(cursor && { cursor }) }),
    ...(until !== undefined && { until }),
    ...(atMost !== undefined && { atMost: atMost - deletes }),
  };
}

/** The keys of a range that come before its rest. */
function stretchBetween(range: FindRange, rest: FindRange | undefined): Segment {
  // A listing in another order has no ranges.
  if (range.cursor?.mode === 'heads') return {};
  const after = lowerEnd(range);
  const until = rest ? lowerEnd(rest) : range.until;
  return { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
}

function bytesOf(result: RangeResult): number {
  return Buffer.byteLength(JSON.stringify(result));
}
