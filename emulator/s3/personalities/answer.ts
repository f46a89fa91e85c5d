import type { S3Error } from '../errors.ts';
import type { Operation } from '../http/route.ts';
import type { Personality } from './personality.ts';
import { covered, refusalError } from './request.ts';

/** The headers of an answer as the store sends them. */
export function answeredHeaders(
  { answers }: Personality,
  operation: Operation,
  status: number,
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const omits = answers.omits.filter((rule) => rule.status === undefined || rule.status === status);
  const kept = Object.entries(headers).filter(([name]) => !covered(omits, name, operation));
  const kind = status < 300 ? 'successes' : status < 400 ? 'all' : 'errors';
  const added = answers.adds
    .filter(({ on, to }) => (to === 'all' || to === kind) && (on === undefined || on.includes(operation)))
    .flatMap((add) => Object.entries(add.headers));
  return Object.fromEntries([...kept, ...added]);
}

/** An error as the store reports it. */
export function answeredError({ answers }: Personality, operation: Operation, error: S3Error): S3Error {
  const found = answers.errors.find(
    ({ code, on }) => code === error.code && (on === undefined || on.includes(operation)),
  );
  return found === undefined ? error : refusalError(found.answer);
}
