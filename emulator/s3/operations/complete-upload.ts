import {
  checksumAlgorithms,
  checksumElement,
  checksumHeader,
  type Checksum,
  type ChecksumAlgorithm,
} from '../digest/checksum.ts';
import { combineChecksums } from '../digest/combine.ts';
import { S3Error } from '../errors.ts';
import { encryptionHeaders } from '../http/attributes.ts';
import { receiveDocument } from '../http/body.ts';
import { checkWrite, checkWriteAgain } from '../http/conditions.ts';
import { encodeUriPath } from '../http/uri.ts';
import { childrenOf, document, element, parseXml, textOf } from '../http/xml.ts';
import { partsEtag, writtenEtag } from '../personalities/etag.ts';
import type { UploadRules } from '../personalities/personality.ts';
import { refusalError } from '../personalities/request.ts';
import type { ObjectRow, PartRow, UploadRow } from '../store/schema.ts';
import {
  defaultChecksum,
  header,
  originOf,
  parameter,
  requireBucket,
  type Answer,
  type Call,
  type Server,
} from '../call.ts';
import { requireUpload } from './uploads.ts';

interface NamedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
}

/** Parses the list of parts. @throws S3Error MalformedXML, InvalidPartOrder */
function parseParts(xml: string, { maxParts, completeOrder }: UploadRules): NamedPart[] {
  const parts = childrenOf(parseXml(xml, 'CompleteMultipartUpload'), 'Part').map((part) => {
    const number = Number(textOf(part, 'PartNumber')?.trim() ?? NaN);
    const etag = textOf(part, 'ETag')?.trim().replaceAll('"', '');
    if (!Number.isInteger(number) || etag === undefined) throw new S3Error('MalformedXML');
    const checksums = new Map<ChecksumAlgorithm, string>();
    for (const algorithm of checksumAlgorithms) {
      const value = textOf(part, checksumElement(algorithm));
      if (value !== undefined) checksums.set(algorithm, value.trim());
    }
    return { number, etag, checksums };
  });
  if (parts.length === 0 || parts.length > maxParts) throw new S3Error('MalformedXML');
  if (completeOrder === 'any') parts.sort((one, other) => one.number - other.number);
  if (parts.some(({ number }, i) => i > 0 && number <= (parts[i - 1]?.number ?? 0))) {
    throw new S3Error('InvalidPartOrder');
  }
  return parts;
}

/** Finds the stored part for each part that the client names, and checks it. */
function matchParts(
  upload: UploadRow,
  named: readonly NamedPart[],
  stored: readonly PartRow[],
  { minPartBytes, equalParts, unnamedParts, numberGaps }: UploadRules,
): PartRow[] {
  if (unnamedParts !== 'dropped' && named.length < stored.length) throw refusalError(unnamedParts);
  if (numberGaps !== 'allowed' && named.some(({ number }, i) => number !== i + 1)) throw refusalError(numberGaps);
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  const parts = named.map(({ number, etag, checksums }, i) => {
    const part = byNumber.get(number);
    const details = { UploadId: upload.id, PartNumber: String(number), ETag: etag };
    if (part?.etag !== etag) throw new S3Error('InvalidPart', undefined, { details });
    const algorithm = upload.checksumAlgorithm;
    const value = algorithm === null ? undefined : checksums.get(algorithm);
    if (value !== undefined && value !== part.checksumValue) throw new S3Error('InvalidPart', undefined, { details });
    if (upload.checksumType === 'COMPOSITE' && algorithm !== null && value === undefined) {
      const kind = algorithm.toLowerCase();
      const message =
        `The upload was created using a ${kind} checksum. The complete request must include the checksum for each ` +
        `part. It was missing for part ${number} in the request.`;
      throw new S3Error('InvalidRequest', message);
    }
    if (part.size < minPartBytes && i < named.length - 1) {
      const sizes = { ProposedSize: String(part.size), MinSizeAllowed: String(minPartBytes), ...details };
      throw new S3Error('EntityTooSmall', undefined, { details: sizes });
    }
    return part;
  });
  const isUneven = parts.some(
    ({ size }, i) => size !== parts[0]?.size && (i < parts.length - 1 || size > (parts[0]?.size ?? 0)),
  );
  if (equalParts && isUneven) throw refusalError(equalParts);
  return parts;
}

/** Computes the checksum of the whole object and compares it with that of the request. */
async function checksumOf(
  call: Call,
  server: Server,
  upload: UploadRow,
  parts: readonly PartRow[],
): Promise<Checksum | undefined> {
  const algorithm = upload.checksumAlgorithm ?? defaultChecksum(call, server);
  const type = upload.checksumType ?? 'FULL_OBJECT';
  const askedType = header(call, 'x-amz-checksum-type');
  if (askedType !== undefined && askedType !== type) {
    const message =
      `The upload was created using the ${type} checksum mode. ` +
      'The complete request must use the same checksum mode.';
    throw new S3Error('InvalidRequest', message);
  }
  const values = parts.map(({ checksumValue, size }) => ({ value: checksumValue, size }));
  const complete = values.filter((part): part is { value: string; size: number } => part.value !== null);
  const combines = algorithm !== null && complete.length === parts.length;
  const checksum = combines ? await combineChecksums(algorithm, type, complete) : undefined;
  for (const given of checksumAlgorithms) {
    const value = header(call, checksumHeader(given));
    if (value === undefined) continue;
    if (given !== algorithm) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using the ${algorithm ?? 'null'} checksum algorithm.`,
      );
    }
    // The client may omit the count of a composite value.
    if (value !== checksum?.value && value !== checksum?.value.replace(/-\d+$/, '')) {
      throw new S3Error('BadDigest', `The ${given} you specified did not match the calculated checksum.`);
    }
  }
  return checksum;
}

function checkSize(call: Call, size: number): void {
  const expected = header(call, 'x-amz-mp-object-size');
  if (expected === undefined || Number(expected) === size) return;
  throw new S3Error(
    'InvalidRequest',
    `The provided 'x-amz-mp-object-size' header value ${expected} does not match what was computed: ${size}`,
  );
}

/** @param isRepeated whether the upload was complete already */
function answer(call: Call, row: ObjectRow, isRepeated: boolean): Answer {
  const { bucket, key } = call.info;
  const location = `http://${header(call, 'host') ?? 'localhost'}/${encodeUriPath(bucket)}/${encodeUriPath(key)}`;
  const { checksumAlgorithm: algorithm, checksumValue: value, checksumType: type } = row;
  const { completeEtag, completeSpaces } = call.personality.uploads;
  const body = document(
    'CompleteMultipartUploadResult',
    element('Location', location),
    element('Bucket', bucket),
    element('Key', key),
    completeEtag === 'always' || (isRepeated && completeEtag === 'repeated')
      ? element('ETag', writtenEtag(call.personality, row.etag))
      : '',
    algorithm === null || value === null ? '' : element(checksumElement(algorithm), value),
    element('ChecksumType', type ?? undefined),
  );
  const kept = completeSpaces ? body.replace('?>', `?>${' '.repeat(100)}`) : body;
  return { status: 200, headers: encryptionHeaders(row), body: kept };
}

/** The object that this upload has made: a client that lost the answer repeats the request and gets the same one. */
function alreadyMade(call: Call, server: Server): ObjectRow | undefined {
  if (!call.personality.uploads.repeatable) return undefined;
  const row = server.storage.objects.find(call.info.bucket, call.info.key);
  return row?.uploadId !== null && row?.uploadId === parameter(call, 'uploadId') ? row : undefined;
}

/** CompleteMultipartUpload. The content of the upload becomes that of the object: no byte is copied. */
export async function completeUpload(call: Call, server: Server): Promise<Answer> {
  const { storage, publisher } = server;
  const { bucket, key } = call.info;
  const rules = call.personality.uploads;
  requireBucket(server, bucket);
  // A checksum in the headers is that of the object, not of this document.
  const named = parseParts(await receiveDocument(call, 'other'), rules);
  const made = alreadyMade(call, server);
  if (made !== undefined) return answer(call, made, true);

  const upload = requireUpload(call, server);
  const before = storage.objects.find(bucket, key);
  checkWrite(call, server, before);
  const parts = matchParts(upload, named, storage.parts.of(upload.content), rules);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkSize(call, size);
  const checksum = await checksumOf(call, server, upload, parts);
  const row: ObjectRow = {
    ...{ bucket, key, size, storageClass: upload.storageClass, headers: upload.headers, tags: upload.tags },
    etag: partsEtag(
      call.personality,
      parts.map(({ etag }) => etag),
    ),
    modified: rules.modified === 'initiated' ? upload.initiated : server.now(),
    checksumAlgorithm: checksum?.algorithm ?? null,
    checksumType: checksum?.type ?? null,
    checksumValue: checksum?.value ?? null,
    content: upload.content,
    partCount: parts.length,
    uploadId: upload.id,
  };
  const done = storage.commit((commit) => {
    // While the checksum was computed, another request may have completed the upload or replaced a part.
    const first = alreadyMade(call, server);
    if (first !== undefined) return first;
    const bucketRow = requireBucket(server, bucket);
    requireUpload(call, server);
    const now = new Map(storage.parts.of(upload.content).map((part) => [part.number, part.file]));
    if (parts.some((part) => now.get(part.number) !== part.file)) throw new S3Error('InvalidPart');
    const current = storage.objects.find(bucket, key);
    checkWriteAgain(call, server, before, current);
    storage.uploads.delete(upload.id);
    storage.dropContent(commit, upload.content, new Set(parts.map(({ number }) => number)));
    // Readers request parts 1 to N, whatever numbers the parts were uploaded with.
    parts.forEach(({ number }, i) => {
      if (number !== i + 1) storage.parts.renumber(upload.content, number, i + 1);
    });
    storage.replaceObject(commit, row, current);
    const event = { name: 'ObjectCreated:CompleteMultipartUpload', key, object: row } as const;
    publisher.record(commit, bucketRow, event, originOf(call));
    return row;
  });
  return answer(call, done, false);
}
