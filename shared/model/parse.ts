import * as v from 'valibot';
import { Fault, type FaultName } from './faults.ts';
import { excerpt, quoted } from './text.ts';

/** Faults of one input that a message lists: what is wrong a thousand times is wrong in one way. */
const maxListed = 50;
/** Characters of a path that a message shows: names of unknown fields are anybody's. */
const maxPath = 120;

/**
 * Checks `input` against `schema`.
 * @param what the thing that is parsed, for the message ("task configuration", "queue message")
 * @returns the schema's output
 * @throws Fault of the given name (default `InvalidInput`); its message lists every fault with its path, what was
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
  const faults = result.issues.slice(0, maxListed).map((issue) => {
    const path = v.getDotPath(issue);
    return `${path === null ? '(whole)' : excerpt(path, maxPath)}: ${describe(issue)}`;
  });
  if (result.issues.length > maxListed) faults.push(`and ${result.issues.length - maxListed} more`);
  throw new Fault(fault, `${what} is not valid:\n  ${faults.join('\n  ')}`);
}

/** Parses JSON text and then checks it like {@link parseWith}. */
export function parseJsonWith<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  what: string,
  fault: FaultName = 'InvalidInput',
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault(
      fault,
      `${what} is not JSON: ${excerpt(error instanceof Error ? error.message : String(error), maxPath)}`,
    );
  }
  return parseWith(schema, value, what, fault);
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'unknown option (remove it, or check its spelling)';
  if (issue.received === 'undefined') {
    // Of a field that is missing, valibot "expects" the field's own name.
    const ownName = issue.expected === JSON.stringify(issue.path?.at(-1)?.key);
    return `is missing, expected ${ownName ? 'a value' : (issue.expected ?? 'a value')}`;
  }
  const found = isSecret(issue) ? `a ${typeof issue.input} (not shown)` : short(issue.input);
  return issue.kind === 'schema' && issue.expected
    ? `found ${found}, expected ${issue.expected}`
    : `${issue.message} (found ${found})`;
}

/** Is it a value that may be a secret by its place? Whoever mistakes the field writes the secret itself into it. */
function isSecret(issue: v.BaseIssue<unknown>): boolean {
  return issue.path?.some((item) => item.key === 'credentials') === true && typeof issue.input !== 'object';
}

/** A value from outside, cut so that a hostile one cannot flood a log. */
function short(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value !== 'string') return excerpt(String(value), 80);
  // Users and passwords in URLs are nobody's business.
  return quoted(value.replace(/\/\/[^/@"]*@/g, '//(not shown)@'), 77);
}
