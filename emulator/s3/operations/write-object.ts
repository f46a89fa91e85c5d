import { checksumElement, checksumHeader, parseAlgorithm } from '../digest/checksum.ts';
import { S3Error } from '../errors.ts';
import { copyAttributes, encryptionHeaders, entityTag, readAttributes, requireReadable } from '../http/attributes.ts';
import { hasChecksum } from '../http/body.ts';
import { checkCopySource, checkWrite, checkWriteAgain } from '../http/conditions.ts';
import { parseTagHeader, printTags, storedTags } from '../http/tags.ts';
import { document, element } from '../http/xml.ts';
import { writtenEtag, headerEtag } from '../personalities/etag.ts';
import type { Attributes, ObjectRow } from '../store/schema.ts';
import {
  defaultChecksum,
  header,
  originOf,
  requireAllowed,
  requireBucket,
  type Answer,
  type Call,
  type ObjectName,
  type Server,
} from '../call.ts';
import { requireCopySource } from './copy-source.ts';
import { copyBytes, storeBody, type StoredBytes } from './store-bytes.ts';

const maxCopyBytes = 5 * 1024 ** 3;

/** An object to put in one part. */
interface NewObject {
  readonly event: 'ObjectCreated:Put' | 'ObjectCreated:Copy';
  readonly attributes: Attributes;
  readonly bytes: StoredBytes;
  /** what was under the key when the request began */
  readonly before: ObjectRow | undefined;
}

/**
 * Puts an object of one part. Checks the conditions again, in the transaction that replaces the row. Drops the bytes if
 * that fails.
 */
async function putWhole(call: Call, server: Server, newObject: NewObject): Promise<ObjectRow> {
  const { event, attributes, bytes, before } = newObject;
  const { storage, publisher } = server;
  const { bucket, key } = call.info;
  const checksumAlgorithm = bytes.sent ?? bytes.checksums.keys().next().value ?? null;
  const checksumValue = checksumAlgorithm === null ? null : (bytes.checksums.get(checksumAlgorithm) ?? null);
  const { file, size, md5 } = bytes;
  const content = storage.newContent();
  const modified = server.now();
  const etag = entityTag(call, attributes, md5);
  const row: ObjectRow = {
    ...attributes,
    ...{ bucket, key, size, etag, modified, content, checksumAlgorithm, checksumValue },
    checksumType: checksumAlgorithm === null ? null : 'FULL_OBJECT',
    partCount: null,
    uploadId: null,
  };
  try {
    storage.commit((commit) => {
      const bucketRow = requireBucket(server, bucket);
      const current = storage.objects.find(bucket, key);
      checkWriteAgain(call, server, before, current);
      storage.replaceObject(commit, row, current);
      storage.parts.put({ content, number: 1, file, size, md5, etag, modified, checksumAlgorithm, checksumValue });
      publisher.record(commit, bucketRow, { name: event, key, object: row }, originOf(call));
    });
  } catch (error) {
    await storage.blobs.remove([file]);
    throw error;
  }
  return row;
}

/** The response headers of a write: ETag, encryption and checksum. */
function writtenHeaders({ personality }: Call, row: ObjectRow): Record<string, string> {
  const headers: Record<string, string> = { etag: headerEtag(personality, row.etag), ...encryptionHeaders(row) };
  if (row.checksumAlgorithm !== null && row.checksumValue !== null && row.checksumType !== null) {
    headers[checksumHeader(row.checksumAlgorithm)] = row.checksumValue;
    headers['x-amz-checksum-type'] = row.checksumType;
  }
  return headers;
}

/** PutObject. */
export async function putObject(call: Call, server: Server): Promise<Answer> {
  const { bucket, key } = call.info;
  requireBucket(server, bucket);
  const attributes = readAttributes(call);
  // Checked again at the end. Here it saves the client from sending a body that would be refused.
  const before = server.storage.objects.find(bucket, key);
  checkWrite(call, server, before);
  const bytes = await storeBody(call, server, hasChecksum(call) ? null : defaultChecksum(call, server));
  const row = await putWhole(call, server, { event: 'ObjectCreated:Put', attributes, bytes, before });
  return { status: 200, headers: writtenHeaders(call, row) };
}

/** Whether a directive of CopyObject is REPLACE (by the request's values) instead of COPY (from the source). */
function replaces(call: Call, name: string): boolean {
  const directive = header(call, name)?.toUpperCase() ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') throw new S3Error('InvalidArgument', `Unknown ${name}`);
  return directive === 'REPLACE';
}

/**
 * Tags that a copy takes over are read and written for its caller. Which permissions that needs is not documented;
 * assumed are those of the two calls.
 * @throws S3Error AccessDenied
 */
function requireTagging(call: Call, server: Server, { bucket, key }: ObjectName): void {
  requireAllowed(call, server, { operation: 'GetObjectTagging', bucket, key });
  requireAllowed(call, server, { ...call.info, operation: 'PutObjectTagging' });
}

/** CopyObject. The copy always has one part, so its ETag is an MD5 even if that of the source is not. */
export async function copyObject(call: Call, server: Server): Promise<Answer> {
  const { bucket, key } = call.info;
  requireBucket(server, bucket);
  const source = requireCopySource(call, server);
  checkCopySource(call, source);
  requireReadable(source);
  const before = server.storage.objects.find(bucket, key);
  checkWrite(call, server, before);
  if (source.size > maxCopyBytes) {
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${maxCopyBytes}`,
    );
  }
  const newMetadata = replaces(call, 'x-amz-metadata-directive');
  const newTags = replaces(call, 'x-amz-tagging-directive');
  const changes = newMetadata || ['x-amz-storage-class', 'x-amz-server-side-encryption'].some((n) => header(call, n));
  if (source.bucket === bucket && source.key === key && !changes) {
    const message =
      'This copy request is illegal because it is trying to copy an object to itself without changing the ' +
      "object's metadata, storage class, website redirect location or encryption attributes.";
    throw new S3Error('InvalidRequest', message);
  }
  const copiesTags = !newTags && storedTags(source.tags).length > 0;
  if (copiesTags) requireTagging(call, server, source);
  const read = newMetadata ? readAttributes(call) : copyAttributes(call, source);
  const tags = newTags ? printTags(parseTagHeader(header(call, 'x-amz-tagging'))) : source.tags;
  const attributes: Attributes = call.personality.tags.ofCopiesAndUploads === 'kept' ? { ...read, tags } : read;
  const requested = header(call, 'x-amz-checksum-algorithm');
  const algorithm =
    requested === undefined ? (source.checksumAlgorithm ?? defaultChecksum(call, server)) : parseAlgorithm(requested);
  const bytes = await copyBytes(server, source, { start: 0, length: source.size }, algorithm);
  const row = await putWhole(call, server, { event: 'ObjectCreated:Copy', attributes, bytes, before });
  const body = document(
    'CopyObjectResult',
    element('LastModified', new Date(row.modified).toISOString()),
    element('ETag', writtenEtag(call.personality, row.etag)),
    algorithm === null ? '' : element(checksumElement(algorithm), row.checksumValue ?? undefined),
    element('ChecksumType', row.checksumType ?? undefined),
  );
  return { status: 200, headers: encryptionHeaders(row), body };
}
