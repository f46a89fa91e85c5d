import { Fault } from '../model/faults.ts';
import { MiB, maxObjectBytes, maxPartBytes, maxParts, maxUploadBatches, minPartBytes } from '../model/limits.ts';
import { etagPartCount } from '../model/object.ts';
import type { Part, PartPlan, PartRange, StoredPart } from '../model/part-plan.ts';
import type { UploadBatch } from '../model/messages/payloads.ts';

/**
 * Cuts an object into parts of the preferred size, or of larger ones (whole MiB) if it would need over 10,000 parts.
 * @param size bytes of the object, more than 0
 * @param preferred bytes of a part
 * @param smallest bytes of the smallest part that the destination accepts
 * @throws Fault `TooLarge` over 48.8 TiB
 */
export function planParts(size: number, preferred: number, smallest = minPartBytes): PartPlan {
  if (size > maxObjectBytes) {
    throw new Fault('TooLarge', `the object has ${size} bytes, S3 allows ${maxObjectBytes} (48.8 TiB)`);
  }
  const needed = Math.ceil(size / maxParts);
  const grown = needed <= preferred ? preferred : Math.ceil(needed / MiB) * MiB;
  const partSize = Math.min(Math.max(grown, smallest), maxPartBytes);
  return { size, partSize, partCount: Math.max(1, Math.ceil(size / partSize)), sourceLayout: false };
}

/**
 * The source's own layout, if the object was uploaded in equal parts that S3 would accept again. A copy in this layout
 * has the same ETag as the source.
 * @param firstPartSize bytes, from `HEAD ?partNumber=1`
 * @param smallest bytes of the smallest part that the destination accepts
 * @returns undefined if the object was not uploaded in parts, or if its parts cannot be equal
 */
export function planSourceLayout(
  size: number,
  etag: string,
  firstPartSize: number | undefined,
  smallest = minPartBytes,
): PartPlan | undefined {
  const partCount = etagPartCount(etag);
  if (partCount === undefined || firstPartSize === undefined || partCount > maxParts || size <= 0) return undefined;
  const fits = (partCount - 1) * firstPartSize < size && size <= partCount * firstPartSize;
  const legal = firstPartSize <= maxPartBytes && (partCount === 1 || firstPartSize >= smallest);
  return fits && legal ? { size, partSize: firstPartSize, partCount, sourceLayout: true } : undefined;
}

/** One part of a plan. @param number from 1 to the plan's part count */
export function partOf(plan: PartPlan, number: number): Part {
  const start = (number - 1) * plan.partSize;
  return { number, start, end: Math.min(start + plan.partSize, plan.size) };
}

/** The parts of the ranges, in order. */
export function* partsIn(plan: PartPlan, ranges: readonly PartRange[]): Generator<Part> {
  for (const [first, last] of ranges) {
    for (let number = first; number <= last; number++) yield partOf(plan, number);
  }
}

/** The stored parts that match the plan in number and size. Others, from an older plan, do not count. */
export function plannedParts(plan: PartPlan, stored: readonly StoredPart[]): StoredPart[] {
  return stored.filter((part) => {
    if (part.number < 1 || part.number > plan.partCount) return false;
    const planned = partOf(plan, part.number);
    return part.size === planned.end - planned.start;
  });
}

/**
 * The planned parts that are not stored, as ranges in ascending order.
 * @param wanted the ranges to look at, in ascending order; by default the whole plan
 */
export function missingParts(
  plan: PartPlan,
  stored: readonly StoredPart[],
  wanted: readonly PartRange[] = [[1, plan.partCount]],
): PartRange[] {
  const present = new Set(plannedParts(plan, stored).map((part) => part.number));
  const ranges: [number, number][] = [];
  for (const { number } of partsIn(plan, wanted)) {
    if (present.has(number)) continue;
    const open = ranges.at(-1);
    if (open?.[1] === number - 1) open[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

/** The number of parts in the ranges. */
export function countParts(ranges: readonly PartRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/**
 * Divides the missing parts into batches, one for each upload-parts call. They are larger than asked for if there would
 * be over 1,000 of them (the list of batches must fit a payload of 256 KiB).
 * @param batchBytes bytes of a batch
 */
export function cutBatches(plan: PartPlan, missing: readonly PartRange[], batchBytes: number): UploadBatch[] {
  const perBatch = Math.max(
    1,
    Math.floor(batchBytes / plan.partSize),
    Math.ceil(countParts(missing) / maxUploadBatches),
  );
  const batches: { parts: PartRange[] }[] = [];
  let room = 0;
  for (const [first, last] of missing) {
    for (let from = first; from <= last;) {
      if (room === 0) {
        batches.push({ parts: [] });
        room = perBatch;
      }
      const to = Math.min(last, from + room - 1);
      batches.at(-1)?.parts.push([from, to]);
      room -= to - from + 1;
      from = to + 1;
    }
  }
  return batches;
}
