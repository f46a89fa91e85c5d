import * as v from 'valibot';

/** The hours of the week in which a task works. */

export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const dayMinutes = 24 * 60;
const weekMinutes = 7 * dayMinutes;

const clockTime = (description: string) =>
  v.pipe(
    v.string(),
    v.regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, 'expected a time from "00:00" to "24:00"'),
    v.description(description),
  );

export const windowSchema = v.pipe(
  v.strictObject({
    days: v.exactOptional(
      v.pipe(
        v.array(v.picklist(weekdays)),
        v.minLength(1, 'expected at least one day: this window never opens'),
        v.description('the days on which it opens, `sun` to `sat`; by default all'),
      ),
    ),
    from: clockTime('when it opens'),
    to: clockTime('when it closes; a time before `from` is on the next day'),
    zone: v.pipe(
      v.string(),
      v.check(isZone, 'expected the name of a time zone, such as "Europe/Berlin" or "UTC"'),
      v.description('the time zone of both, with its daylight saving'),
    ),
  }),
  v.check(({ from, to }) => from !== to, 'expected two different times: this window never opens'),
  v.check(({ from }) => from !== '24:00', 'expected a time of the day before "24:00" for from'),
);

/** A part of the week, in local time. */
export type Window = v.InferOutput<typeof windowSchema>;

/**
 * How long until one of the windows is open, in whole seconds, at most a week: 0 if one is open now. When clocks are
 * changed before that, it is up to an hour wrong, so it is asked again then. A window within the hour that the clocks
 * skip does not open on that day.
 * @param now milliseconds since the epoch
 */
export function secondsUntilOpen(windows: readonly Window[], now: number): number {
  return Math.min(...windows.map((window) => untilOpen(window, now)));
}

function untilOpen({ days = [...weekdays], from, to, zone }: Window, now: number): number {
  const { minute, second } = localTime(zone, now);
  const opens = minutesOf(from);
  const length = (minutesOf(to) - opens + dayMinutes) % dayMinutes || dayMinutes;
  const waits = days.map((day) => {
    const since = (minute - (weekdays.indexOf(day) * dayMinutes + opens) + weekMinutes) % weekMinutes;
    return since < length ? 0 : (weekMinutes - since) * 60 - second;
  });
  return Math.min(...waits);
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Formatters by zone: making one takes longer than all its uses for a job. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const made = formatters.get(zone);
  if (made) return made;
  const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...parts });
  formatters.set(zone, formatter);
  return formatter;
}

/** The minute of the local week, from Sunday's midnight, and the second of that minute. */
function localTime(zone: string, now: number): { minute: number; second: number } {
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const part = (type: 'hour' | 'minute' | 'second'): number => Number(parts.get(type));
  const day = weekdays.findIndex((name) => name === parts.get('weekday')?.toLowerCase());
  return { minute: day * dayMinutes + part('hour') * 60 + part('minute'), second: part('second') };
}

function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}
