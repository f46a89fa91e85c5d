import { checksumElement, checksumHeader, type ChecksumAlgorithm } from '../digest/checksum.ts';
import { S3Error } from '../errors.ts';
import { encryptionHeaders, entityTag, requireReadable } from '../http/attributes.ts';
import { hasChecksum } from '../http/body.ts';
import { checkCopySource } from '../http/conditions.ts';
import { document, element, group } from '../http/xml.ts';
import { writtenEtag, documentEtag, headerEtag } from '../personalities/etag.ts';
import type { PartRow, UploadRow } from '../store/schema.ts';
import { defaultChecksum, numberParameter, type Answer, type Call, type Server } from '../call.ts';
import { readCopyRange, requireCopySource } from './copy-source.ts';
import { copyBytes, storeBody, type StoredBytes } from './store-bytes.ts';
import { requireUpload } from './uploads.ts';

const maxPageSize = 1000;
const maxCopyBytes = 5 * 1024 ** 3;

function readPartNumber(call: Call): number {
  const number = numberParameter(call, 'partNumber') ?? 0;
  if (number < 1 || number > 10_000) {
    const details = { ArgumentName: 'partNumber', ArgumentValue: String(number) };
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', { details });
  }
  return number;
}

/** The algorithm of the checksum stored with a part: that of the upload, so that the parts' checksums combine. */
function algorithmOf(upload: UploadRow, call: Call, server: Server): ChecksumAlgorithm | null {
  return upload.checksumAlgorithm ?? defaultChecksum(call, server);
}

/** Adds a part whose bytes are stored. Drops the bytes if the upload has ended meanwhile. */
async function addPart(call: Call, server: Server, number: number, bytes: StoredBytes): Promise<PartRow> {
  const { storage } = server;
  try {
    return storage.commit((commit) => {
      const upload = requireUpload(call, server);
      const checksumAlgorithm = algorithmOf(upload, call, server);
      const row: PartRow = {
        content: upload.content,
        number,
        file: bytes.file,
        size: bytes.size,
        md5: bytes.md5,
        etag: entityTag(call, upload, bytes.md5),
        modified: server.now(),
        checksumAlgorithm,
        checksumValue: checksumAlgorithm === null ? null : (bytes.checksums.get(checksumAlgorithm) ?? null),
      };
      storage.replacePart(commit, row);
      return row;
    });
  } catch (error) {
    await storage.blobs.remove([bytes.file]);
    throw error;
  }
}

/** UploadPart. */
export async function uploadPart(call: Call, server: Server): Promise<Answer> {
  const number = readPartNumber(call);
  const upload = requireUpload(call, server);
  const wanted = upload.checksumAlgorithm;
  if (wanted !== null && !hasChecksum(call)) throw checksumMismatch(wanted, undefined);
  const bytes = await storeBody(call, server, wanted === null ? defaultChecksum(call, server) : null);
  if (wanted !== null && bytes.sent !== wanted) {
    await server.storage.blobs.remove([bytes.file]);
    throw checksumMismatch(wanted, bytes.sent);
  }
  const part = await addPart(call, server, number, bytes);
  const headers: Record<string, string> = {
    etag: headerEtag(call.personality, part.etag),
    ...encryptionHeaders(upload),
  };
  const value = bytes.sent && bytes.checksums.get(bytes.sent);
  if (bytes.sent !== undefined && value !== undefined) headers[checksumHeader(bytes.sent)] = value;
  return { status: 200, headers };
}

function checksumMismatch(expected: ChecksumAlgorithm, actual: ChecksumAlgorithm | undefined): S3Error {
  const [wanted, found] = [expected.toLowerCase(), actual?.toLowerCase() ?? 'null'];
  const message = `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, actual checksum Type: ${found}`;
  return new S3Error('InvalidRequest', message);
}

/** UploadPartCopy. */
export async function uploadPartCopy(call: Call, server: Server): Promise<Answer> {
  const number = readPartNumber(call);
  const upload = requireUpload(call, server);
  const source = requireCopySource(call, server);
  checkCopySource(call, source);
  requireReadable(source);
  const range = readCopyRange(call, source);
  if (range.length > maxCopyBytes)
    throw new S3Error('InvalidRequest', 'The specified copy source is larger than the maximum');
  const bytes = await copyBytes(server, source, range, algorithmOf(upload, call, server));
  const part = await addPart(call, server, number, bytes);
  const body = document(
    'CopyPartResult',
    element('LastModified', new Date(part.modified).toISOString()),
    element('ETag', writtenEtag(call.personality, part.etag)),
    upload.checksumAlgorithm === null ? '' : printChecksum(part),
  );
  return { status: 200, headers: encryptionHeaders(upload), body };
}

function printChecksum({ checksumAlgorithm, checksumValue }: PartRow): string {
  if (checksumAlgorithm === null || checksumValue === null) return '';
  return element(checksumElement(checksumAlgorithm), checksumValue);
}

/** ListParts. */
export function listParts(call: Call, server: Server): Answer {
  const upload = requireUpload(call, server);
  const marker = numberParameter(call, 'part-number-marker') ?? 0;
  const limit = Math.min(numberParameter(call, 'max-parts') ?? maxPageSize, maxPageSize);
  const found = server.storage.parts.page(upload.content, marker, limit + 1);
  const page = found.slice(0, limit);
  const truncated = found.length > limit;
  const body = document(
    'ListPartsResult',
    element('Bucket', upload.bucket),
    element('Key', upload.key),
    element('UploadId', upload.id),
    element('StorageClass', upload.storageClass),
    element('PartNumberMarker', marker),
    element('NextPartNumberMarker', page.at(-1)?.number ?? 0),
    element('MaxParts', limit),
    element('IsTruncated', truncated),
    element('ChecksumAlgorithm', upload.checksumAlgorithm ?? undefined),
    element('ChecksumType', upload.checksumType ?? undefined),
    ...page.map((part) =>
      group(
        'Part',
        element('PartNumber', part.number),
        element('LastModified', new Date(part.modified).toISOString()),
        element('ETag', documentEtag(call.personality, part.etag)),
        element('Size', part.size),
        upload.checksumAlgorithm === null ? '' : printChecksum(part),
      ),
    ),
  );
  return { status: 200, body };
}
