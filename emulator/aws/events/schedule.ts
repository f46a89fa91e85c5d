import { EmulatorError } from '../errors.ts';
import { cronMatcher } from './cron.ts';

const unitMilliseconds = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** The longest time a Node timer takes. */
const longestTimer = 2 ** 31 - 1;

/**
 * Calls `fire` whenever an EventBridge expression says: `rate(...)` first after one period, as a rule that was just
 * made; `cron(...)` in UTC.
 * @returns ends the schedule
 * @throws EmulatorError where the expression cannot be run here
 */
export function startSchedule(expression: string, fire: () => void): () => void {
  let timer: NodeJS.Timeout;
  let due = Infinity;
  const next = nextTime(expression);

  function wait(): void {
    timer = setTimeout(
      () => {
        if (Date.now() >= due) {
          fire();
          due = next(due);
        }
        wait();
      },
      Math.min(longestTimer, Math.max(0, due - Date.now())),
    );
  }

  due = next(Date.now());
  wait();
  return () => clearTimeout(timer);
}

/** @returns from a time (milliseconds since the epoch) to the next one that the expression names */
export function nextTime(expression: string): (after: number) => number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate) {
    const period = Number(rate[1]) * unitMilliseconds[rate[2] as keyof typeof unitMilliseconds];
    if (period > 0) return (after) => after + period;
  }
  if (!expression.startsWith('cron(')) {
    throw new EmulatorError('NotSupported', `${expression}: the local endpoint runs rate(...) and cron(...) only`);
  }
  const matches = cronMatcher(expression);
  return (after) => {
    // A year ahead by the minute is half a million looks, a tenth of a second; rarer times are looked for again then.
    const first = Math.floor(after / unitMilliseconds.minute) + 1;
    for (let minute = first; minute < first + 366 * 24 * 60; minute++) {
      if (matches(new Date(minute * unitMilliseconds.minute))) return minute * unitMilliseconds.minute;
    }
    return Infinity;
  };
}
