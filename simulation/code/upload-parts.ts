import type { BatchOutcome, UploadPartsInput } from '../../shared/model/messages/payloads.ts';
import type { Deadline } from '../../shared/ports/clock.ts';
import { pairOf } from '../../shared/transfer/object-pair.ts';
import { missingParts, partsIn } from '../../shared/transfer/plan-parts.ts';
import type { Line } from '../aws/line.ts';
import type { World } from './world.ts';

/** As in functions/wiring.ts and shared/transfer/bytes/send-parts.ts. */
const partsAtOnce = 8;
const partMarginMillis = 60_000;

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
    for (let from = 0; from < missing.length; from += partsAtOnce) {
      if (deadline.remaining() < partMarginMillis) return { outcome: 'left' };
      const parts = missing.slice(from, from + partsAtOnce);
      const bytes = parts.reduce((sum, { start, end }) => sum + end - start, 0);
      const millis = (bytes / bytesPerSecond()) * 1000;
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
