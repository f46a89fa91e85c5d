import { EmulatorError } from '../errors.ts';
import { cronMatcher } from './cron.ts';

const unitMillis = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** The longest delay of a Node timer. */
const maxTimerMillis = 2 ** 31 - 1;

/**
 * Calls `fire` at the times of an EventBridge expression: `rate(...)` first after one period, like a rule that was just
 * created; `cron(...)` in UTC.
 * @returns stops the schedule
 * @throws EmulatorError if the expression is malformed or not supported
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
      Math.min(maxTimerMillis, Math.max(0, due - Date.now())),
    );
  }

  due = next(Date.now());
  wait();
  return () => clearTimeout(timer);
}

/** @returns a function from a time to the next matching time after it, both in milliseconds since the epoch */
export function nextTime(expression: string): (after: number) => number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate) {
    const period = Number(rate[1]) * unitMillis[rate[2] as keyof typeof unitMillis];
    if (period > 0) return (after) => after + period;
  }
  if (!expression.startsWith('cron(')) {
    throw new EmulatorError('NotSupported', `${expression}: the emulator runs rate(...) and cron(...) only`);
  }
  const matches = cronMatcher(expression);
  return (after) => {
    // Searching a year by the minute takes half a million steps, 0.1 s. If nothing matches, the timer searches again
    // later.
    const first = Math.floor(after / unitMillis.minute) + 1;
    for (let minute = first; minute < first + 366 * 24 * 60; minute++) {
      if (matches(new Date(minute * unitMillis.minute))) return minute * unitMillis.minute;
    }
    return Infinity;
  };
}
