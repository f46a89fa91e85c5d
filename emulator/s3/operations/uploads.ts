import { randomBytes } from 'node:crypto';
import { chooseType, parseAlgorithm } from '../digest/checksum.ts';
import { S3Error } from '../errors.ts';
import { encryptionHeaders, readAttributes } from '../http/attributes.ts';
import { document, element, group } from '../http/xml.ts';
import type { UploadRow } from '../store/schema.ts';
import { header, numberParameter, parameter, requireBucket, type Answer, type Call, type Server } from '../call.ts';
import { readEncodingType } from './list-objects.ts';
import { ownerId } from './owner.ts';

const maxPageSize = 1000;

/** The open upload that a request names. @throws S3Error NoSuchBucket, NoSuchUpload */
export function requireUpload(call: Call, server: Server): UploadRow {
  const { bucket, key } = call.info;
  requireBucket(server, bucket);
  const id = parameter(call, 'uploadId') ?? '';
  const upload = server.storage.uploads.find(bucket, key, id);
  if (upload === undefined) throw new S3Error('NoSuchUpload', undefined, { details: { UploadId: id } });
  return upload;
}

/** IDs sort by time, the order in which S3 lists the uploads of a key. */
function newUploadId(): string {
  return `${Date.now().toString(16).padStart(12, '0')}${randomBytes(24).toString('hex')}`;
}

/** CreateMultipartUpload. */
export function createUpload(call: Call, server: Server): Answer {
  const { bucket, key } = call.info;
  requireBucket(server, bucket);
  const attributes = readAttributes(call);
  const requested = header(call, 'x-amz-checksum-algorithm');
  const requestedType = header(call, 'x-amz-checksum-type');
  const { fullObjectChecksums } = call.personality.uploads;
  if (requested === undefined && requestedType !== undefined) {
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const checksumAlgorithm = requested === undefined ? null : parseAlgorithm(requested);
  const checksumType =
    checksumAlgorithm === null ? null : chooseType(checksumAlgorithm, requestedType, fullObjectChecksums);
  const { storage } = server;
  const id = newUploadId();
  const content = storage.newContent();
  storage.uploads.add({
    ...attributes,
    id,
    bucket,
    key,
    initiated: server.now(),
    content,
    checksumAlgorithm,
    checksumType,
  });
  const headers = encryptionHeaders(attributes);
  if (checksumAlgorithm !== null && checksumType !== null) {
    headers['x-amz-checksum-algorithm'] = checksumAlgorithm;
    headers['x-amz-checksum-type'] = checksumType;
  }
  const ids = [element('Bucket', bucket), element('Key', key), element('UploadId', id)];
  return { status: 200, headers, body: document('InitiateMultipartUploadResult', ...ids) };
}

/** AbortMultipartUpload: removes all parts. Parts that are still being sent are dropped when they end. */
export function abortUpload(call: Call, server: Server): Answer {
  const upload = requireUpload(call, server);
  const { storage } = server;
  storage.commit((commit) => {
    storage.uploads.delete(upload.id);
    storage.dropContent(commit, upload.content);
  });
  return { status: 204 };
}

/** ListMultipartUploads. */
export function listUploads(call: Call, server: Server): Answer {
  const { bucket } = call.info;
  requireBucket(server, bucket);
  const { encodingType, show } = readEncodingType(call, call.personality.listings.uploadEncoding);
  if (parameter(call, 'delimiter')) throw new S3Error('NotImplemented', 'Uploads are not listed by delimiter here');
  const prefix = parameter(call, 'prefix') ?? '';
  const keyMarker = parameter(call, 'key-marker') ?? '';
  // Without a key marker, S3 ignores the upload ID marker.
  const idMarker = keyMarker === '' ? '' : (parameter(call, 'upload-id-marker') ?? '');
  const limit = Math.min(numberParameter(call, 'max-uploads') ?? maxPageSize, maxPageSize);
  const after = keyMarker === '' ? undefined : { key: keyMarker, ...(idMarker === '' ? {} : { id: idMarker }) };
  const listed = server.storage.uploads.page(bucket, prefix, after, limit + 1);
  const isWhole = call.personality.listings.uploadPrefix === 'whole-key' && prefix !== '';
  const found = isWhole ? listed.filter(({ key }) => key === prefix) : listed;
  const page = found.slice(0, limit);
  const isTruncated = found.length > limit;
  const { lastUploadMarkers, uploadEncoding } = call.personality.listings;
  const next = isTruncated || lastUploadMarkers ? page.at(-1) : undefined;
  const showMarker = uploadEncoding === 'silent' ? (key: string): string => key : show;
  const body = document(
    'ListMultipartUploadsResult',
    element('Bucket', bucket),
    element('KeyMarker', show(keyMarker)),
    element('UploadIdMarker', idMarker),
    element('NextKeyMarker', next && showMarker(next.key)),
    element('NextUploadIdMarker', next?.id),
    element('Prefix', show(prefix)),
    element('EncodingType', encodingType),
    element('MaxUploads', limit),
    element('IsTruncated', isTruncated),
    ...page.map((upload) =>
      group(
        'Upload',
        element('Key', show(upload.key)),
        element('UploadId', upload.id),
        group('Initiator', element('ID', ownerId)),
        group('Owner', element('ID', ownerId)),
        element('StorageClass', upload.storageClass),
        element('Initiated', new Date(upload.initiated).toISOString()),
        element('ChecksumAlgorithm', upload.checksumAlgorithm ?? undefined),
        element('ChecksumType', upload.checksumType ?? undefined),
      ),
    ),
  );
  return { status: 200, body };
}
