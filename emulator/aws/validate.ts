import * as v from 'valibot';
import { EmulatorError } from './errors.ts';

/**
 * Checks `input` against `schema`.
 * @param what names the input in the message, such as `Queue1 (AWS::SQS::Queue)`
 * @throws EmulatorError `InvalidInput` that lists every invalid field with its path
 */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw new EmulatorError('InvalidInput', `${what} is not valid:\n  ${describeIssues(result.issues).join('\n  ')}`);
}

/** Parses JSON text, then checks it as {@link validate} does. */
export function validateJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  what: string,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EmulatorError('InvalidInput', `${what} is not JSON: ${String(error)}`, { cause: error });
  }
  return validate(schema, value, what);
}

/** One line per issue: the path of the field and what is wrong with it. */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => `${v.getDotPath(issue) ?? '(whole)'}: ${issue.message}`);
}
