/** Numbers and times as findings show them. */

/** A time in UTC, in whole seconds. @param at milliseconds since the epoch, from a store or a table: may be invalid */
export function formatTime(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Bytes, exactly. */
export function formatBytes(size: number): string {
  return `${size} bytes`;
}

/** A duration in its largest unit. @param milliseconds not negative */
export function formatDuration(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
