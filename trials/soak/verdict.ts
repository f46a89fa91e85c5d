import { MiB } from '../../shared/model/limits.ts';
import { everything, type Trend } from './meter.ts';

/** What counts as growth: of the mean of the last third over the mean of the first. */
const tolerance = 0.1;
/** A small process moves by more than a tenth when a single pool is filled for the first time. */
const memorySlack = 8 * MiB;
/** Connections that happen to be open at the same time. */
const openSlack = 8;

/** By which share the memory of the last third is above that of the first. */
export function growthOf({ first, last }: Trend): number {
  return first.resident === 0 ? 0 : last.resident / first.resident - 1;
}

/** What grew that should not have. */
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
