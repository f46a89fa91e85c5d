import { S3Error } from '../errors.ts';
import { header, requireAllowed, type Call, type Server } from '../call.ts';
import type { ObjectRow } from '../store/schema.ts';

/** Whether an `If-Match` list contains the ETag (without quotes). */
function matches(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const tag = item.trim().replace(/^W\//, '');
    return tag === '*' || tag.replace(/^"(.*)"$/, '$1') === etag;
  });
}

/** Seconds, the resolution of HTTP dates. */
const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

const failed = (condition: string): S3Error =>
  new S3Error('PreconditionFailed', undefined, { details: { Condition: condition } });

interface Conditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly modifiedSince: number;
  readonly unmodifiedSince: number;
}

function readConditions(call: Call, prefix: string): Conditions {
  const date = (name: string): number => seconds(Date.parse(header(call, prefix + name) ?? ''));
  return {
    match: header(call, `${prefix}if-match`),
    noneMatch: header(call, `${prefix}if-none-match`),
    modifiedSince: date('if-modified-since'),
    unmodifiedSince: date('if-unmodified-since'),
  };
}

/** Checks `If-Match`, or `If-Unmodified-Since` if there is no `If-Match`. @throws S3Error PreconditionFailed */
function requireUnchanged(row: ObjectRow, { match, unmodifiedSince }: Conditions): void {
  if (match === undefined) {
    if (seconds(row.modified) > unmodifiedSince) throw failed('If-Unmodified-Since');
  } else if (!matches(match, row.etag)) throw failed('If-Match');
}

/** Whether the client has this version: `If-None-Match`, or `If-Modified-Since` if there is no `If-None-Match`. */
function isKnown(row: ObjectRow, { noneMatch, modifiedSince }: Conditions): boolean {
  return noneMatch === undefined ? seconds(row.modified) <= modifiedSince : matches(noneMatch, row.etag);
}

/**
 * Checks the conditions of a GET or HEAD.
 * @returns false if the answer is 304
 * @throws S3Error PreconditionFailed
 */
export function checkRead(call: Call, row: ObjectRow): boolean {
  const conditions = readConditions(call, '');
  requireUnchanged(row, conditions);
  return !isKnown(row, conditions);
}

/** Checks the conditions of a copy on its source. @throws S3Error PreconditionFailed */
export function checkCopySource(call: Call, row: ObjectRow): void {
  const conditions = readConditions(call, 'x-amz-copy-source-');
  requireUnchanged(row, conditions);
  if (isKnown(row, conditions)) throw failed('x-amz-copy-source-If-None-Match');
}

/**
 * Checks the conditions of a write or a deletion against the current object, as the S3 User Guide describes it ("How to
 * prevent object overwrites with conditional writes", "How to perform conditional deletes"). `If-Match` needs
 * permission to read the object.
 * @throws S3Error PreconditionFailed; NoSuchKey for `If-Match` without a current object; AccessDenied
 */
export function checkWrite(call: Call, server: Server, current: ObjectRow | undefined): void {
  const match = header(call, 'if-match');
  const noneMatch = header(call, 'if-none-match');
  if (noneMatch !== undefined) {
    if (noneMatch !== '*') throw new S3Error('NotImplemented', 'If-None-Match takes only * here');
    if (current !== undefined) throw failed('If-None-Match');
  }
  if (match === undefined) return;
  const { bucket, key } = call.info;
  requireAllowed(call, server, { operation: 'GetObject', bucket, key });
  if (current === undefined) throw new S3Error('NoSuchKey');
  if (!matches(match, current.etag)) throw failed('If-Match');
}

/**
 * Checks the conditions again when the write takes effect.
 * @param before the object that was there when the request began
 * @throws S3Error as {@link checkWrite}; ConditionalRequestConflict if another request wrote in between, even if the
 *   conditions hold again
 */
export function checkWriteAgain(
  call: Call,
  server: Server,
  before: ObjectRow | undefined,
  current: ObjectRow | undefined,
): void {
  checkWrite(call, server, current);
  const isConditional = header(call, 'if-match') !== undefined || header(call, 'if-none-match') !== undefined;
  if (isConditional && before?.content !== current?.content) throw new S3Error('ConditionalRequestConflict');
}
