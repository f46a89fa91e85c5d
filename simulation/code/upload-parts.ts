import type { BatchOutcome, UploadPartsInput } from '../../shared/model/messages/payloads.ts';
import type { Part } from '../../shared/model/part-plan.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import { mayStartPart } from '../../shared/transfer/decide/may-start-part.ts';
import { pairOf } from '../../shared/transfer/object-pair.ts';
import { missingParts, partsIn } from '../../shared/transfer/plan-parts.ts';
import type { Line } from '../aws/line.ts';
import type { World } from './world.ts';

/** As in functions/wiring.ts. */
const partsAtOnce = 8;

/**
 * What upload-parts does with a batch. The choice of parts is the real one; the bytes are modelled: parts that go at
 * the same time share the line and end together. A call that is near its end starts no part, and gives up those that
 * do not end in time.
 * @throws Fault of a side that fails for longer than its client retries
 */
export async function uploadParts(
  world: World,
  line: Line,
  { job, target, batch }: UploadPartsInput,
  deadline: Deadline,
): Promise<BatchOutcome> {
  const { task, source, destination } = world.taskOf(job.task);
  const { timeline } = world;
  const pair = pairOf(task, job);
  const [first] = batch.parts[0] ?? [1];
  const [, last] = batch.parts.at(-1) ?? [0, 0];
  const stored = await destination.listParts(pair.destinationKey, target.uploadId, [first, last]);
  const missing = [...partsIn(target.plan, missingParts(target.plan, stored, batch.parts))];
  return line.use(world.countOf(job.task, job.key), async (bytesPerSecond) => {
    let seen: number | undefined;
    for (let from = 0; from < missing.length;) {
      const parts = startable(missing.slice(from, from + partsAtOnce), seen, deadline);
      if (parts.length === 0) return { outcome: 'left' };
      from += parts.length;
      seen = bytesPerSecond();
      const bytes = parts.reduce((sum, { start, end }) => sum + end - start, 0);
      const millis = (bytes / seen) * 1000;
      if (millis > deadline.remaining()) {
        await timeline.sleep(deadline.remaining());
        return { outcome: 'left' };
      }
      await Promise.all([
        source.call('get', pair.key, parts.length),
        destination.call('put', pair.destinationKey, parts.length),
        timeline.sleep(millis),
      ]);
      destination.held.storeParts(target.uploadId, parts, timeline.now());
    }
    return { outcome: 'sent' };
  });
}

/** The first of the parts that may start together, by the rule of the real code. @param seen bytes per second so far */
function startable(parts: readonly Part[], seen: number | undefined, deadline: Deadline): Part[] {
  const chosen: Part[] = [];
  let inFlightBytes = 0;
  for (const part of parts) {
    const bytes = part.end - part.start;
    const state = {
      running: chosen.length,
      inFlightBytes,
      bytesPerSecond: seen,
      remainingMillis: deadline.remaining(),
    };
    if (!mayStartPart(bytes, state)) break;
    chosen.push(part);
    inFlightBytes += bytes;
  }
  return chosen;
}
