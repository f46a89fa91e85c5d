import { EmulatorError } from '../errors.ts';
import { arnPattern, literal, pattern, type Matcher } from './patterns.ts';
import type { Call, Statement } from './policy.ts';

/** Condition keys of a call, in lower case, with their values. */
export type Context = ReadonlyMap<string, readonly string[]>;

/** Whether a call meets the conditions of a statement. */
export type Condition = (context: Context) => boolean;

const comparisons: Readonly<Record<string, (wanted: string) => Matcher>> = {
  StringEquals: (wanted) => (found) => literal(wanted) === found,
  StringLike: pattern,
  ArnEquals: arnPattern,
  ArnLike: arnPattern,
  Bool: (wanted) => (found) => wanted.toLowerCase() === found.toLowerCase(),
  NumericLessThanEquals: (wanted) => (found) => Number(found) <= Number(wanted),
};

/** The condition keys of a call: their names have no case. */
export function contextOf({ context = {} }: Call): Context {
  return new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), [value].flat()]));
}

/** All conditions of a statement. @throws EmulatorError `NotSupported` for an operator that is not known */
export function conditions(written: NonNullable<Statement['Condition']>): Condition {
  const all = Object.entries(written).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => condition(operator, key.toLowerCase(), [values].flat().map(String))),
  );
  return (context) => all.every((one) => one(context));
}

/** Without a modifier, a key that the call does not have fails its condition. */
function condition(operator: string, key: string, wanted: readonly string[]): Condition {
  if (operator === 'Null') return (context) => wanted.includes(String(!context.has(key)));
  const [, modifier, name = operator] = /^(ForAnyValue|ForAllValues):(.+)$/.exec(operator) ?? [];
  const comparison = comparisons[name];
  if (!comparison) throw new EmulatorError('NotSupported', `the condition operator ${operator} is not evaluated`);
  const matchers = wanted.map(comparison);
  const fits = (value: string): boolean => matchers.some((matches) => matches(value));
  if (modifier === 'ForAllValues') return (context) => (context.get(key) ?? []).every(fits);
  return (context) => (context.get(key) ?? []).some(fits);
}
