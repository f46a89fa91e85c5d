/**
 * The fields of an EventBridge cron expression, in order (EventBridge user guide, cron expressions). The emulator has
 * its own table of the ranges (emulator/aws/events/cron.ts): it imports nothing of the project, and it evaluates a
 * subset of what is valid here.
 */
const fields = [
  { name: 'minutes', min: 0, max: 59, names: [], special: /^$/ },
  { name: 'hours', min: 0, max: 23, names: [], special: /^$/ },
  // L: the last day; LW: the last weekday; 15W: the weekday nearest to the 15th.
  { name: 'day of month', min: 1, max: 31, names: [], special: /^(\?|L|LW|(0?[1-9]|[12][0-9]|3[01])W)$/ },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
    special: /^$/,
  },
  {
    name: 'day of week',
    min: 1,
    max: 7,
    names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
    // 5L: the last Thursday; 3#2: the second Tuesday.
    special: /^(\?|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)?L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$/,
  },
  { name: 'year', min: 1970, max: 2199, names: [], special: /^$/ },
] as const;

type Field = (typeof fields)[number];

/**
 * Validates a schedule of EventBridge rules, `rate(value unit)` or `cron(six fields)`.
 * @returns what is expected instead, or undefined if the schedule is valid
 */
export function scheduleFault(expression: string): string | undefined {
  const match = /^(rate|cron)\(([^()]*)\)$/.exec(expression);
  if (match?.[1] === 'rate') return rateFault(match[2] ?? '');
  if (match?.[1] === 'cron') return cronFault(match[2] ?? '');
  return 'expected rate(...) or cron(...)';
}

function rateFault(text: string): string | undefined {
  const match = /^([0-9]{1,9}) (minute|hour|day)(s?)$/.exec(text);
  const value = Number(match?.[1]);
  if (!match || value < 1) return 'expected rate(N minutes), rate(N hours) or rate(N days), N from 1';
  const unit = match[2] ?? '';
  if (value === 1 && match[3] === 's') return `expected rate(1 ${unit}), the unit in the singular`;
  if (value > 1 && match[3] === '') return `expected rate(${value} ${unit}s), the unit in the plural`;
  return undefined;
}

function cronFault(text: string): string | undefined {
  // EventBridge accepts only spaces between the fields.
  const parts = /^[\x20-\x7e]*$/.test(text) && text.trim() !== '' ? text.trim().split(/ +/) : [];
  if (parts.length !== fields.length) {
    const names = fields.map(({ name }) => name.replaceAll(' ', '-')).join(' ');
    return `expected cron() with six fields, ${names}; found ${parts.length}`;
  }
  for (const [index, field] of fields.entries()) {
    const fault = fieldFault(field, (parts[index] ?? '').toUpperCase());
    if (fault !== undefined) return fault;
  }
  if ((parts[2] === '?') === (parts[4] === '?')) {
    return 'expected "?" in exactly one of day of month and day of week';
  }
  return undefined;
}

function fieldFault(field: Field, text: string): string | undefined {
  if (field.special.test(text)) return undefined;
  const wrong = text.split(',').find((item) => !isItem(field, item));
  return wrong === undefined ? undefined : `expected ${field.min} to ${field.max} for ${field.name}, found "${wrong}"`;
}

/** Is the text a valid item of a list: a value, a range or `*`, each with or without a step? */
function isItem(field: Field, item: string): boolean {
  const match = /^(?:\*|([A-Z0-9]+)(?:-([A-Z0-9]+))?)(?:\/([0-9]{1,4}))?$/.exec(item);
  if (!match) return false;
  const from = match[1] === undefined ? field.min : valueOf(field, match[1]);
  const to = match[2] === undefined ? from : valueOf(field, match[2]);
  const step = match[3] === undefined ? 1 : Number(match[3]);
  return from >= field.min && to <= field.max && from <= to && step >= 1 && step <= field.max;
}

/** @returns NaN, which is in no range, if the text is not a value */
function valueOf(field: Field, text: string): number {
  const position = (field.names as readonly string[]).indexOf(text);
  return position >= 0 ? field.min + position : /^[0-9]{1,4}$/.test(text) ? Number(text) : NaN;
}
