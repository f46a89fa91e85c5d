/**
 * CloudWatch's metric math, as far as the alarms of the project use it, over minutes of data (Amazon CloudWatch User
 * Guide: Using metric math, "Metric math syntax and functions"). A minute without data is `undefined`; what is computed
 * from it has no data either, unless FILL says otherwise.
 */

type Series = readonly (number | undefined)[];
type Value = number | Series;

const token = /\s*(>=|<=|==|!=|[-+*/(),<>]|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+)/y;

/** @throws if the expression has anything that is not known here */
export function evaluate(expression: string, series: Readonly<Record<string, Series>>): Series {
  const tokens = tokensOf(expression);
  const minutes = Object.values(series)[0]?.length ?? 0;
  const take = (): string => tokens.shift() ?? '';
  const expectNext = (what: string): void => {
    const found = take();
    if (found !== what) throw new Error(`${expression}: found "${found}", expected "${what}"`);
  };
  const binary = (operators: readonly string[], operand: () => Value) => (): Value => {
    let left = operand();
    while (operators.includes(tokens[0] ?? '')) {
      const operator = take();
      left = each([left, operand()], ([a, b]) => apply(operator, a!, b!), minutes);
    }
    return left;
  };
  const primary = (): Value => {
    const found = take();
    if (found === '(') {
      const value = whole();
      expectNext(')');
      return value;
    }
    if (/^[0-9.]+$/.test(found)) return Number(found);
    if (tokens[0] === '(') return call(found);
    const known = series[found];
    if (known === undefined && found !== 'REPEAT') throw new Error(`${expression}: "${found}" is unknown`);
    return known ?? NaN;
  };
  const call = (name: string): Value => {
    expectNext('(');
    const values = [whole()];
    while (tokens[0] === ',') {
      take();
      values.push(whole());
    }
    expectNext(')');
    if (name === 'FILL') return filled(values[0] as Series, values[1] as number);
    if (name === 'IF') return chosen(values as [Value, Value, Value], minutes);
    throw new Error(`${expression}: the function ${name} is unknown`);
  };
  const product = binary(['*', '/'], primary);
  const sum = binary(['+', '-'], product);
  const comparison = binary(['>', '<', '>=', '<=', '==', '!='], sum);
  const whole = binary(['AND', 'OR'], comparison);
  const value = whole();
  if (tokens.length > 0) throw new Error(`${expression}: "${tokens.join(' ')}" is left`);
  return typeof value === 'number' ? Array.from({ length: minutes }, () => value) : value;
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(expression); match; match = token.exec(expression)) tokens.push(match[1]!);
  if (tokens.join('') !== expression.replaceAll(/\s/g, '')) throw new Error(`${expression}: cannot be read`);
  return tokens;
}

function each(
  values: readonly Value[],
  combine: (row: readonly number[]) => number | undefined,
  minutes: number,
): Series {
  return Array.from({ length: minutes }, (_, minute) => {
    const row = values.map((value) => at(value, minute));
    return row.includes(undefined) ? undefined : combine(row as number[]);
  });
}

function at(value: Value, minute: number): number | undefined {
  return typeof value === 'number' ? value : value[minute];
}

function apply(operator: string, a: number, b: number): number | undefined {
  const results: Readonly<Record<string, number | undefined>> = {
    '+': a + b,
    '-': a - b,
    '*': a * b,
    // A division by zero has no result.
    '/': b === 0 ? undefined : a / b,
    '>': Number(a > b),
    '<': Number(a < b),
    '>=': Number(a >= b),
    '<=': Number(a <= b),
    '==': Number(a === b),
    '!=': Number(a !== b),
    AND: Number(a !== 0 && b !== 0),
    OR: Number(a !== 0 || b !== 0),
  };
  return results[operator];
}

/** IF takes the minute of the branch that its condition chooses; the other one may have no data. */
function chosen([condition, yes, no]: readonly [Value, Value, Value], minutes: number): Series {
  return Array.from({ length: minutes }, (_, minute) => {
    const holds = at(condition, minute);
    return holds === undefined ? undefined : at(holds === 0 ? no : yes, minute);
  });
}

/** @param filling a number, or NaN for REPEAT */
function filled(series: Series, filling: number): Series {
  let last: number | undefined;
  return series.map((value) => (last = value ?? (Number.isNaN(filling) ? last : filling)));
}
