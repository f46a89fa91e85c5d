/**
 * What a state does with its data: paths and payload templates of the Amazon States Language (JSONPath), as far as the
 * project's machines use them. What they do not use is refused by name.
 */

export type Json = Readonly<Record<string, unknown>>;

/** @throws Error if the path names nothing, or is of a form that is not known */
export function valueAt(path: string, input: unknown, context: Json): unknown {
  const found = find(path, input, context);
  if (found === undefined) throw new Error(`the path ${path} names nothing in the input`);
  return found;
}

/** @returns undefined if the path names nothing */
export function find(path: string, input: unknown, context: Json): unknown {
  if (!/^\$\$?(\.[A-Za-z_]\w*|\[\d+\]|\[\*\])*$/.test(path)) throw new Error(`the path ${path} is not supported`);
  const steps = path.replace(/^\$\$?/, '').match(/[A-Za-z_]\w*|\d+|\*/g) ?? [];
  return steps.reduce((value, step) => stepInto(value, step), path.startsWith('$$') ? context : input);
}

function stepInto(value: unknown, step: string): unknown {
  if (step === '*') return value;
  if (Array.isArray(value) && !/^\d+$/.test(step)) return value.map((one) => stepInto(one, step));
  return typeof value === 'object' && value !== null ? (value as Json)[step] : undefined;
}

/** The value that a payload template makes: fields that end in `.$` are paths or intrinsic functions. */
export function filled(template: unknown, input: unknown, context: Json): unknown {
  if (Array.isArray(template)) return template.map((one) => filled(one, input, context));
  if (typeof template !== 'object' || template === null) return template;
  const entries = Object.entries(template).map(([key, value]): [string, unknown] => {
    if (!key.endsWith('.$')) return [key, filled(value, input, context)];
    return [key.slice(0, -2), evaluated(String(value), input, context)];
  });
  return Object.fromEntries(entries);
}

function evaluated(expression: string, input: unknown, context: Json): unknown {
  const call = /^States\.(\w+)\((.*)\)$/s.exec(expression);
  if (!call) return valueAt(expression, input, context);
  const [, name = '', text = ''] = call;
  const given = split(text).map((one) => argument(one, input, context));
  switch (name) {
    case 'JsonToString':
      return JSON.stringify(given[0]);
    case 'StringToJson':
      return JSON.parse(String(given[0])) as unknown;
    case 'Array':
      return given;
    case 'ArrayLength':
      return (given[0] as unknown[]).length;
    case 'MathAdd':
      return Number(given[0]) + Number(given[1]);
    case 'JsonMerge':
      return { ...(given[0] as object), ...(given[1] as object) };
    case 'Format': {
      let next = 1;
      return String(given[0]).replace(/\{\}/g, () => String(given[next++]));
    }
    default:
      throw new Error(`the function ${expression} is not supported`);
  }
}

/** The arguments of a call, which no bracket or quote may hold together. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let current = '';
  for (const character of text) {
    if (character === "'") quoted = !quoted;
    if (!quoted && character === '(') depth++;
    if (!quoted && character === ')') depth--;
    if (!quoted && depth === 0 && character === ',') {
      parts.push(current.trim());
      current = '';
    } else current += character;
  }
  return current.trim() === '' ? parts : [...parts, current.trim()];
}

function argument(text: string, input: unknown, context: Json): unknown {
  if (text.startsWith("'")) return text.slice(1, -1);
  if (/^-?[\d.]+$/.test(text)) return Number(text);
  return evaluated(text, input, context);
}

/** The input with a value at a path, which names nested fields. */
export function placed(path: string | null | undefined, input: unknown, value: unknown): unknown {
  if (path === null) return input;
  if (path === undefined || path === '$') return value;
  const [first = '', ...rest] = path.slice(2).split('.');
  const whole = typeof input === 'object' && input !== null ? (input as Json) : {};
  const inner = rest.length === 0 ? value : placed(`$.${rest.join('.')}`, whole[first], value);
  return { ...whole, [first]: inner };
}

/** A rule of a Choice. */
export function isTrue(rule: Json, input: unknown, context: Json): boolean {
  const inner = (name: string): Json[] => rule[name] as Json[];
  if ('And' in rule) return inner('And').every((one) => isTrue(one, input, context));
  if ('Or' in rule) return inner('Or').some((one) => isTrue(one, input, context));
  if ('Not' in rule) return !isTrue(rule['Not'] as Json, input, context);
  const value = find(String(rule['Variable']), input, context);
  const comparison = Object.entries(rule).find(([key]) => key !== 'Variable' && key !== 'Next');
  const [name, wanted] = comparison ?? ['none', undefined];
  const other = name.endsWith('Path') ? find(String(wanted), input, context) : wanted;
  switch (name.replace(/Path$/, '')) {
    case 'StringEquals':
    case 'BooleanEquals':
    case 'NumericEquals':
      return value === other;
    case 'IsPresent':
      return (value !== undefined) === other;
    case 'IsNull':
      return (value === null) === other;
    case 'NumericGreaterThan':
      return typeof value === 'number' && value > Number(other);
    case 'NumericGreaterThanEquals':
      return typeof value === 'number' && value >= Number(other);
    case 'NumericLessThan':
      return typeof value === 'number' && value < Number(other);
    case 'NumericLessThanEquals':
      return typeof value === 'number' && value <= Number(other);
    default:
      throw new Error(`the comparison ${name} is not supported`);
  }
}
