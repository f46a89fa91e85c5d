import { MiB } from '../../model/limits.ts';

/**
 * How many parts are sent at once, by their size, the time that is left, and the speed of the line so far. Parts of the
 * usual sizes go eight at once. Eight parts of 5 GiB over 100 Mbit/s would need an hour, and a call of 15 minutes would
 * end none of them; one after another, it ends two.
 */

/** Bytes in flight until the speed is known: eight parts of 16 MiB, or one that is larger. */
const unknownSpeedBytes = 128 * MiB;
/** Time that must be left for a part to start: longer than the slowest part that was seen on a bad line. */
const leastMillis = 60_000;
/** Time that is kept back where the speed says when parts will end. */
const marginMillis = 30_000;
/** Parts of a long-lived process end at least this often: its job is given up after an hour without one. */
const longestMillis = 15 * 60_000;

/** What a process knows of the parts of one upload that it sends. */
export interface LineState {
  /** parts in flight */
  readonly running: number;
  /** their bytes that are still to be sent */
  readonly inFlightBytes: number;
  /** bytes a second of all parts together; undefined until it was seen */
  readonly bytesPerSecond: number | undefined;
  /** until the deadline */
  readonly remainingMillis: number;
}

/** May a part of this size start now, beside those in flight? The first one may, as long as there is time. */
export function mayStartPart(partBytes: number, line: LineState): boolean {
  const { running, inFlightBytes, bytesPerSecond, remainingMillis } = line;
  if (remainingMillis < leastMillis) return false;
  const bytes = inFlightBytes + partBytes;
  if (bytesPerSecond === undefined) return running === 0 || bytes <= unknownSpeedBytes;
  const expectedMillis = (bytes / bytesPerSecond) * 1000;
  if (expectedMillis > remainingMillis - marginMillis) return false;
  return running === 0 || expectedMillis <= longestMillis;
}

/** Seconds that a call of upload-parts has for one part: 15 minutes, less what it keeps back. */
const callSeconds = 890;

/** What a line must do for parts of this size to end within a call, as text. */
export function neededSpeed(partBytes: number): string {
  const megabits = Math.ceil((Math.max(partBytes, unknownSpeedBytes) * 8) / callSeconds / 1e5) / 10;
  return `parts of ${Math.ceil(partBytes / MiB)} MiB end within a call from ${megabits} Mbit/s on`;
}
