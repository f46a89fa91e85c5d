import { isFault } from '../../model/faults.ts';
import type { UploadTarget } from '../../model/messages/payloads.ts';
import type { Part, PartRange } from '../../model/part-plan.ts';
import { forEachConcurrently } from '../../flow/concurrently.ts';
import { free } from '../../run/standing.ts';
import type { PartContext } from '../context.ts';
import type { ObjectPair } from '../object-pair.ts';
import { partsIn } from '../plan-parts.ts';
import { Line } from './line.ts';
import { PartSender } from './part-sender.ts';

/**
 * This folder moves bytes. An object goes over in one GET and one PUT (put-object.ts), or in the parts of a multipart
 * upload (send-parts.ts schedules them, part-sender.ts sends one). Every read is pinned to the version of the source
 * that was seen (open-version.ts), and every write carries a digest that the store verifies and confirms (digest.ts).
 * Bodies stream and cannot be replayed, so attempts.ts, not the SDK, retries them, each time with a new read. Headers,
 * metadata and tags go along with the bytes (attributes.ts).
 */

/**
 * Sends the parts in the ranges, as many at once as the line takes ({@link Line}), and stops in time before the
 * deadline, or as soon as the work may not be done any more.
 * @returns `left` if either happened: the next round sends the remaining parts
 * @throws the first fault that the part's retries did not cure, once the parts in flight have ended
 */
export async function sendParts(
  context: PartContext,
  pair: ObjectPair,
  target: UploadTarget,
  ranges: readonly PartRange[],
): Promise<'sent' | 'left'> {
  const sender = new PartSender(context, pair, target);
  const line = new Line(context);
  let outcome: 'sent' | 'left' = 'sent';
  async function* admitted(): AsyncGenerator<Part> {
    for (const part of partsIn(target.plan, ranges)) {
      if (outcome === 'left') return;
      if (!(await line.admits(part))) {
        outcome = 'left';
        return;
      }
      line.start(part);
      yield part;
    }
  }
  await forEachConcurrently(admitted(), context.partsAtOnce, async (part) => {
    let sent = false;
    try {
      const standing = (await context.standing?.()) ?? free;
      if (outcome === 'left' || standing.kind !== 'free') {
        outcome = 'left';
        return;
      }
      await sender.send(part, (bytes) => line.moved(part, bytes));
      sent = true;
    } catch (error) {
      if (!isFault(error, 'OutOfTime')) throw error;
      outcome = 'left';
    } finally {
      line.end(part, sent);
    }
  });
  return outcome;
}
