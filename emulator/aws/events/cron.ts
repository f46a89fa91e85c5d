import { EmulatorError } from '../errors.ts';

/**
 * The fields of an EventBridge cron expression, in order, with their ranges. S3 Ferry validates schedules by a table of
 * its own (shared/model/config/schedule.ts), which also knows `L`, `W` and `#`; the emulator imports nothing of it.
 */
const fields = [
  { name: 'minutes', min: 0, max: 59 },
  { name: 'hours', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC', first: 1 },
  { name: 'day of week', min: 1, max: 7, names: 'SUN MON TUE WED THU FRI SAT', first: 1 },
  { name: 'year', min: 1970, max: 2199 },
] as const;

type Field = (typeof fields)[number];

/**
 * Whether a minute matches an EventBridge cron expression, in UTC. Supports `*`, `?`, lists, ranges, steps and names.
 * @param expression `cron(minutes hours day-of-month month day-of-week year)`
 * @throws EmulatorError `NotSupported` for `L`, `W` and `#`, `InvalidInput` for a malformed expression
 */
export function cronMatcher(expression: string): (time: Date) => boolean {
  const parts = /^cron\((.+)\)$/.exec(expression)?.[1]?.trim().split(/\s+/) ?? [];
  if (parts.length !== fields.length)
    throw new EmulatorError('InvalidInput', `${expression}: expected cron() with six fields`);
  const allowed = fields.map((field, index) => values(expression, field, parts[index] ?? ''));
  return (time) =>
    [
      time.getUTCMinutes(),
      time.getUTCHours(),
      time.getUTCDate(),
      time.getUTCMonth() + 1,
      time.getUTCDay() + 1,
      time.getUTCFullYear(),
    ].every((value, index) => allowed[index]?.has(value));
}

function values(expression: string, field: Field, text: string): Set<number> {
  if (/^(\?|\*)$/.test(text)) return range(field.min, field.max, 1);
  if (/^L$|\dL|LW|\dW|#/.test(text.toUpperCase())) {
    throw new EmulatorError('NotSupported', `${expression}: the emulator does not know "${text}" (${field.name})`);
  }
  return new Set(text.split(',').flatMap((item) => [...itemValues(expression, field, item)]));
}

function itemValues(expression: string, field: Field, item: string): Set<number> {
  const match = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/.exec(item);
  const from = match?.[1] === '*' ? field.min : number(field, match?.[1]);
  const step = match?.[3] === undefined ? undefined : Number(match[3]);
  // A start with a step but no end runs to the field's maximum; without a step it is a single value.
  const openEnd = match?.[1] === '*' || step !== undefined ? field.max : from;
  const to = match?.[2] === undefined ? openEnd : number(field, match[2]);
  if (!(from >= field.min && to <= field.max && from <= to && (step ?? 1) > 0)) {
    throw new EmulatorError(
      'InvalidInput',
      `${expression}: found "${item}", expected ${field.min} to ${field.max} (${field.name})`,
    );
  }
  return range(from, to, step ?? 1);
}

function number(field: Field, text = ''): number {
  if (/^\d+$/.test(text)) return Number(text);
  const position = 'names' in field ? field.names.split(' ').indexOf(text.toUpperCase()) : -1;
  return 'names' in field && position >= 0 ? position + field.first : NaN;
}

function range(from: number, to: number, step: number): Set<number> {
  const result = new Set<number>();
  for (let value = from; value <= to; value += step) result.add(value);
  return result;
}
