import { checksumHeader } from '../digest/checksum.ts';
import { S3Error } from '../errors.ts';
import { isArchived, requireReadable, storedHeaders } from '../http/attributes.ts';
import { checkRead } from '../http/conditions.ts';
import { contentRange, parseRange, type ByteRange } from '../http/range.ts';
import { blankTags, storedTags } from '../http/tags.ts';
import { headerEtag } from '../personalities/etag.ts';
import type { ObjectRow, PartRow } from '../store/schema.ts';
import {
  header,
  numberParameter,
  parameter,
  permits,
  requireObject,
  type Answer,
  type Call,
  type ObjectBody,
  type Server,
} from '../call.ts';

/** Query parameters that replace response headers. */
const overrides = [
  ...['content-type', 'content-language', 'expires', 'cache-control', 'content-disposition', 'content-encoding'],
] as const;

/** The requested bytes: the whole object, one part, or a range. */
interface Selection {
  readonly range: ByteRange | undefined;
  /** The part, if it was requested by number and the object has parts. */
  readonly part: PartRow | undefined;
}

function selectPart(row: ObjectRow, parts: readonly PartRow[], number: number): Selection {
  if (row.partCount === null) {
    if (number !== 1) throw partMissing(number, 1);
    return { range: row.size === 0 ? undefined : { start: 0, length: row.size }, part: undefined };
  }
  const part = parts[number - 1];
  if (part === undefined) throw partMissing(number, row.partCount);
  const start = parts.slice(0, number - 1).reduce((sum, { size }) => sum + size, 0);
  return { range: { start, length: part.size }, part };
}

function partMissing(requested: number, count: number): S3Error {
  const details = { PartNumberRequested: String(requested), ActualPartCount: String(count) };
  return new S3Error('InvalidPartNumber', undefined, { details });
}

/** Whether the store unzips the object for this client. */
function isUnzipped(call: Call, row: ObjectRow): boolean {
  if (call.personality.objects.gzip === 'stored' || storedHeaders(row)['content-encoding'] !== 'gzip') return false;
  return !/gzip/i.test(header(call, 'accept-encoding') ?? '');
}

function select(call: Call, server: Server, row: ObjectRow): Selection {
  if (isUnzipped(call, row)) return { range: undefined, part: undefined };
  const range = header(call, 'range');
  const partNumber = numberParameter(call, 'partNumber');
  if (partNumber === undefined) return { range: parseRange(range, row.size), part: undefined };
  if (range !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  if (partNumber < 1 || partNumber > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
  }
  return selectPart(row, server.storage.partsOf(row), partNumber);
}

/** The checksum of exactly the bytes in the answer. A client would verify any other checksum and fail. */
function checksumHeaders(call: Call, row: ObjectRow, { range, part }: Selection): Record<string, string> {
  if (header(call, 'x-amz-checksum-mode')?.toUpperCase() !== 'ENABLED') return {};
  if (part !== undefined) {
    if (part.checksumAlgorithm === null || part.checksumValue === null || row.checksumType === null) return {};
    return { [checksumHeader(part.checksumAlgorithm)]: part.checksumValue, 'x-amz-checksum-type': row.checksumType };
  }
  const whole = range === undefined || range.length === row.size;
  if (!whole || row.checksumAlgorithm === null || row.checksumValue === null || row.checksumType === null) return {};
  return { [checksumHeader(row.checksumAlgorithm)]: row.checksumValue, 'x-amz-checksum-type': row.checksumType };
}

function answerHeaders(call: Call, server: Server, { row, selection }: Omit<Found, 'answer'>): Record<string, string> {
  const headers: Record<string, string> = {
    ...storedHeaders(row),
    etag: headerEtag(call.personality, row.etag),
    'last-modified': new Date(row.modified).toUTCString(),
    'accept-ranges': 'bytes',
    ...checksumHeaders(call, row, selection),
  };
  if (row.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = row.storageClass;
  const tags = storedTags(row.tags).length;
  const showsTags = call.personality.tags.count && (tags > 0 || row.tags === blankTags);
  if (showsTags && permits(call, server, { ...call.info, operation: 'GetObjectTagging' }) === true)
    headers['x-amz-tagging-count'] = String(tags);
  if (row.partCount !== null && parameter(call, 'partNumber') !== undefined) {
    headers['x-amz-mp-parts-count'] = String(row.partCount);
  }
  for (const name of overrides) {
    const value = parameter(call, `response-${name}`);
    if (value === undefined) continue;
    if (call.authentication === undefined) {
      throw new S3Error(
        'InvalidRequest',
        'Request specific response headers cannot be used for anonymous GET requests.',
      );
    }
    headers[name] = value;
  }
  if (selection.range !== undefined) headers['content-range'] = contentRange(selection.range, row.size);
  if (isUnzipped(call, row)) delete headers['content-encoding'];
  else headers['content-length'] = String(selection.range?.length ?? row.size);
  return headers;
}

interface Found {
  readonly row: ObjectRow;
  readonly selection: Selection;
  readonly answer: Answer;
}

/** What GET and HEAD have in common: everything except the body. */
function find(call: Call, server: Server): Found | Answer {
  const version = parameter(call, 'versionId');
  if (version !== undefined && version !== 'null') {
    throw new S3Error('InvalidArgument', 'Invalid version id specified');
  }
  const row = requireObject(call, server);
  if (!checkRead(call, row)) {
    const headers = {
      etag: headerEtag(call.personality, row.etag),
      'last-modified': new Date(row.modified).toUTCString(),
    };
    return { status: 304, headers };
  }
  const selection = select(call, server, row);
  const headers = answerHeaders(call, server, { row, selection });
  return { row, selection, answer: { status: selection.range === undefined ? 200 : 206, headers } };
}

/** HeadObject. */
export function headObject(call: Call, server: Server): Answer {
  const found = find(call, server);
  if ('status' in found) return found;
  // Without a length, as the answer to GET.
  const body: ObjectBody = { pieces: [], start: 0, length: 0, unzip: true, release: () => undefined };
  return isUnzipped(call, found.row) ? { ...found.answer, body } : found.answer;
}

/** GetObject. Sends the version found now, even if the object changes meanwhile. */
export function getObject(call: Call, server: Server): Answer {
  const found = find(call, server);
  if ('status' in found) return found;
  const { row, selection, answer } = found;
  requireReadable(row);
  const { start, length } = selection.range ?? { start: 0, length: row.size };
  const { storage } = server;
  const release = storage.pins.pin(row.content);
  const unzip = isUnzipped(call, row) ? { unzip: true as const } : {};
  return { ...answer, body: { pieces: storage.partsOf(row), start, length, ...unzip, release } };
}

/** RestoreObject: the object is readable immediately. */
export function restoreObject(call: Call, server: Server): Answer {
  const row = requireObject(call, server);
  if (!isArchived(row)) {
    throw new S3Error('InvalidObjectState', "Restore is not allowed for the object's current storage class");
  }
  const expiry = new Date(Date.now() + 24 * 3600 * 1000).toUTCString();
  const headers = { ...storedHeaders(row), 'x-amz-restore': `ongoing-request="false", expiry-date="${expiry}"` };
  server.storage.objects.put({ ...row, headers: JSON.stringify(headers) });
  return { status: 202 };
}
