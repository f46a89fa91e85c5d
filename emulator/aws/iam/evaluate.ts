import { EmulatorError } from '../errors.ts';

/** A policy document, with everything resolved. */
export interface PolicyDocument {
  readonly Statement: readonly Statement[] | Statement;
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>>;
}

/** One call, as IAM sees it. */
export interface Call {
  /** such as `s3:GetObject` */
  readonly action: string;
  readonly resource: string;
  /** condition keys of the call, in any case; a key that a call does not have is missing */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** `denied`: by a statement. `not allowed`: by no statement. */
export type Verdict = 'allowed' | 'denied' | 'not allowed';

/**
 * What the policies of one identity say of a call (IAM User Guide: Policy evaluation logic). Resource policies,
 * boundaries and sessions are not looked at.
 * @throws EmulatorError `NotSupported` for an element or an operator that it does not know: guessing could allow a call
 */
export function evaluate(documents: readonly PolicyDocument[], call: Call): Verdict {
  const matching = documents.flatMap(({ Statement }) => [Statement].flat()).filter((one) => applies(one, call));
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return matching.some(({ Effect }) => Effect === 'Allow') ? 'allowed' : 'not allowed';
}

const elements = ['Sid', 'Effect', 'Action', 'Resource', 'Condition'];

function applies(statement: Statement, { action, resource, context = {} }: Call): boolean {
  const unknown = Object.keys(statement).find((element) => !elements.includes(element));
  if (unknown !== undefined) throw new EmulatorError('NotSupported', `policies with ${unknown} are not evaluated`);
  const { Action, Resource = [], Condition = {} } = statement;
  return (
    [Action].flat().some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    [Resource].flat().some((pattern) => matches(pattern, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        holds(operator, [values].flat().map(String), valueOf(context, key)),
      ),
    )
  );
}

function valueOf(context: NonNullable<Call['context']>, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}

type Comparison = (wanted: string, found: string) => boolean;

const comparisons: Readonly<Record<string, Comparison>> = {
  StringEquals: (wanted, found) => literal(wanted) === found,
  StringLike: matches,
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
  Bool: (wanted, found) => wanted.toLowerCase() === found.toLowerCase(),
  NumericLessThanEquals: (wanted, found) => Number(found) <= Number(wanted),
};

/** Does one condition hold? Without a modifier, a key that the call does not have fails it. */
function holds(operator: string, wanted: readonly string[], found: readonly string[] | undefined): boolean {
  if (operator === 'Null') return wanted.includes(String(found === undefined));
  const [, modifier, name = operator] = /^(ForAnyValue|ForAllValues):(.+)$/.exec(operator) ?? [];
  const compare = comparisons[name];
  if (!compare) throw new EmulatorError('NotSupported', `the condition operator ${operator} is not evaluated`);
  const fits = (value: string): boolean => wanted.some((one) => compare(one, value));
  if (modifier === 'ForAllValues') return (found ?? []).every(fits);
  return (found ?? []).some(fits);
}

/** A text and a pattern with * and ?; ${*}, ${?} and ${$} are the characters themselves. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split(/(\$\{[*?$]\}|[*?])/).map((part) => {
    if (part === '*') return '[^]*';
    if (part === '?') return '[^]';
    return literal(part).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}$`).test(text);
}

function literal(text: string): string {
  return text.replace(/\$\{([*?$])\}/g, '$1');
}

/** Compares each of an ARN's six parts separately: a wildcard does not cross a colon, except in the last part. */
function matchesArn(pattern: string, text: string): boolean {
  const [wanted, found] = [partsOf(pattern), partsOf(text)];
  return wanted.length === found.length && wanted.every((part, index) => matches(part, found[index] ?? ''));
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
