import { S3Error } from '../errors.ts';
import { parseRange, type ByteRange } from '../http/range.ts';
import { decodeUri } from '../http/uri.ts';
import type { ObjectRow } from '../store/schema.ts';
import { header, requireAllowed, requireObject, type Call, type Server } from '../call.ts';
import { ownerAccountId } from './owner.ts';

/**
 * Finds the object named by `x-amz-copy-source`: `bucket/key`, percent-encoded, with or without a leading slash.
 * @throws S3Error InvalidArgument, NoSuchBucket, NoSuchKey; AccessDenied if the caller is not allowed to read it
 */
export function requireCopySource(call: Call, server: Server): ObjectRow {
  const raw = header(call, 'x-amz-copy-source') ?? '';
  const [path = '', version] = raw.split('?versionId=', 2);
  if (version !== undefined && version !== 'null') throw new S3Error('InvalidArgument', 'Invalid version id specified');
  // S3 reads a plus as a space here; a plus in a key is sent as %2B.
  const decoded = decodeUri(path.replaceAll('+', ' ')).replace(/^\//, '');
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    const message = 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey';
    throw new S3Error('InvalidArgument', message);
  }
  const bucket = decoded.slice(0, slash);
  const key = decoded.slice(slash + 1);
  const owner = header(call, 'x-amz-source-expected-bucket-owner');
  if (owner !== undefined && owner !== ownerAccountId) throw new S3Error('AccessDenied');
  const query = new Map(version === undefined ? [] : [['versionId', version]]);
  requireAllowed(call, server, { operation: 'GetObject', bucket, key }, query);
  return requireObject(call, server, { bucket, key });
}

/**
 * The bytes that UploadPartCopy copies: all, or those of `x-amz-copy-source-range`, which must exist.
 * @throws S3Error InvalidArgument
 */
export function readCopyRange(call: Call, source: ObjectRow): ByteRange {
  const value = header(call, 'x-amz-copy-source-range');
  if (value === undefined) return { start: 0, length: source.size };
  if (!/^bytes=\d+-\d+$/.test(value)) {
    const message = 'The x-amz-copy-source-range value must be of the form bytes=first-last';
    throw new S3Error('InvalidArgument', message);
  }
  const last = Number(value.slice(value.indexOf('-') + 1));
  const range = last < source.size ? parseRange(value, source.size) : undefined;
  if (range === undefined) {
    throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${source.size}`);
  }
  return range;
}
