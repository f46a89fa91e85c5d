import * as v from 'valibot';
import { Fault, type FaultName } from './faults.ts';
import { excerpt, quoted } from './text.ts';

/** Faults of one input that a message lists: a thousand of them usually have one cause. */
const maxListedFaults = 50;
/** Characters of a path that a message shows: names of unknown fields come from outside. */
const maxPathLength = 120;

/**
 * Checks `input` against `schema`.
 * @param what names the input in the message ("task configuration", "queue message")
 * @returns the schema's output
 * @throws Fault with the given name (default `InvalidInput`); its message lists every fault with its path, what was
 *   found and what was expected
 */
export function parseWith<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  what: string,
  fault: FaultName = 'InvalidInput',
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const faults = result.issues.slice(0, maxListedFaults).map((issue) => {
    const path = v.getDotPath(issue);
    return `${path === null ? '(whole)' : excerpt(path, maxPathLength)}: ${describe(issue)}`;
  });
  if (result.issues.length > maxListedFaults) faults.push(`and ${result.issues.length - maxListedFaults} more`);
  throw new Fault(fault, `${what} is not valid:\n  ${faults.join('\n  ')}`);
}

/** Parses JSON text, with or without a byte order mark, and then checks it like {@link parseWith}. */
export function parseJsonWith<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  what: string,
  fault: FaultName = 'InvalidInput',
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new Fault(
      fault,
      `${what} is not JSON: ${excerpt(error instanceof Error ? error.message : String(error), maxPathLength)}`,
    );
  }
  return parseWith(schema, value, what, fault);
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'unknown option (remove it, or check its spelling)';
  if (issue.received === 'undefined') {
    // For a missing field, valibot "expects" the field's own name.
    const ownName = issue.expected === JSON.stringify(issue.path?.at(-1)?.key);
    return `is missing, expected ${ownName ? 'a value' : (issue.expected ?? 'a value')}`;
  }
  const found = isSecret(issue) ? `a ${typeof issue.input} (not shown)` : short(issue.input);
  return issue.kind === 'schema' && issue.expected
    ? `found ${found}, expected ${issue.expected}`
    : `${issue.message} (found ${found})`;
}

/** Can the value be a secret? A user who mistakes a field of `credentials` may write the secret itself into it. */
function isSecret(issue: v.BaseIssue<unknown>): boolean {
  return issue.path?.some((item) => item.key === 'credentials') === true && typeof issue.input !== 'object';
}

/** A value from outside, truncated so that a hostile one cannot flood a log. */
function short(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value !== 'string') return excerpt(String(value), 80);
  // Users and passwords in URLs are secrets.
  return quoted(value.replace(/\/\/[^/@"]*@/g, '//(not shown)@'), 77);
}
