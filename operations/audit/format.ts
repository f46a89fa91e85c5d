/** Numbers and times as findings tell them. */

/** A time, UTC, whole seconds. @param at milliseconds since the epoch, of whatever a store or table said */
export function formatTime(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Bytes, exactly. */
export function formatBytes(size: number): string {
  return `${size} bytes`;
}

/** How long something lasts or is ago, in its largest unit. @param milliseconds not negative */
export function formatDuration(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
