import { MiB } from '../../shared/model/limits.ts';
import { everything, type Trend } from './meter.ts';

/** Growth above this share is reported: of the mean of the last third over the mean of the first. */
const tolerance = 0.1;
/** A small process grows by more than a tenth when a single pool is filled for the first time. */
const memorySlack = 8 * MiB;
/** Connections may happen to be open at the same time. */
const openSlack = 8;

/** The growth of memory from the first third to the last, as a share. */
export function growthOf({ first, last }: Trend): number {
  return first.resident === 0 ? 0 : last.resident / first.resident - 1;
}

/** A line for each use that grew. */
export function growing(trends: readonly Trend[]): string[] {
  return trends.flatMap((trend) => {
    const { process, first, last } = trend;
    const found: string[] = [];
    const slack = process === everything ? 0 : memorySlack;
    if (growthOf(trend) > tolerance && last.resident - first.resident > slack) {
      found.push(`${process}: memory grew by ${(growthOf(trend) * 100).toFixed(1)} %`);
    }
    for (const what of ['sockets', 'files'] as const) {
      if (last[what] > first[what] * (1 + tolerance) + openSlack) {
        found.push(`${process}: ${what} grew from ${first[what].toFixed(0)} to ${last[what].toFixed(0)}`);
      }
    }
    return found;
  });
}
