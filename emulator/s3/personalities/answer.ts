import type { S3Error } from '../errors.ts';
import type { Operation } from '../http/route.ts';
import type { Personality } from './personality.ts';
import { covered, refusalError } from './request.ts';

/** The headers of an answer as the store sends them. @param operation undefined if the request was not understood */
export function answeredHeaders(
  { answers }: Personality,
  operation: Operation | undefined,
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => operation === undefined || !covered(answers.omits, name, operation),
  );
  return { ...Object.fromEntries(kept), ...answers.adds };
}

/** An error as the store reports it. */
export function answeredError({ answers }: Personality, operation: Operation | undefined, error: S3Error): S3Error {
  const found = answers.errors.find(
    ({ code, on }) => code === error.code && (on === undefined || (operation !== undefined && on.includes(operation))),
  );
  return found === undefined ? error : refusalError(found.answer);
}
