import { Fault } from '../../model/faults.ts';
import { maxParts, maxPartBytes } from '../../model/limits.ts';
import type { ListedPart, StoredPart } from '../../model/part-plan.ts';
import type { CreatedUpload, ExpectedObject, ListedUpload, Stored } from '../object-store.ts';
import { checksumOf } from './digests.ts';
import type { MemoryBucket, MemoryObject, MemoryPart, MemoryStorage, MemoryUpload } from './storage.ts';

/** Multipart uploads of the twin, with the rules that S3 enforces at each step. */

export function createUpload(
  storage: MemoryStorage,
  bucket: MemoryBucket,
  upload: Omit<MemoryUpload, 'id' | 'initiated' | 'parts'>,
): CreatedUpload {
  const id = storage.next('upload');
  bucket.uploads.set(id, { ...upload, id, initiated: storage.clock.now(), parts: new Map() });
  return { uploadId: id, opaqueEtag: bucket.opaque };
}

/** Stores a part; one that is there already under this number is replaced. */
export async function storePart(
  storage: MemoryStorage,
  bucket: MemoryBucket,
  uploadId: string,
  number: number,
  bytes: Buffer,
): Promise<StoredPart> {
  if (number < 1 || number > maxParts) throw new Fault('NotSupported', `${bucket.name}: no part may be ${number}`);
  if (bytes.length > maxPartBytes) throw new Fault('TooLarge', `${bucket.name}: a part of ${bytes.length} bytes`);
  const algorithm = uploadOf(bucket, uploadId).checksum;
  const checksum =
    algorithm && storage.features.checksums === 'checked' ? await checksumOf(algorithm, bytes) : undefined;
  const part: MemoryPart = {
    number,
    etag: storage.etagOf(bucket, bytes),
    bytes,
    modified: storage.modifiedNow(),
    ...(checksum !== undefined && { checksum }),
  };
  uploadOf(bucket, uploadId).parts.set(number, part);
  return shown(part);
}

export function listParts(bucket: MemoryBucket, uploadId: string): ListedPart[] {
  return [...uploadOf(bucket, uploadId).parts.values()]
    .sort((a, b) => a.number - b.number)
    .map((part) => ({ ...shown(part), modified: part.modified }));
}

/** Open uploads by key, those of one key in the order of their creation. */
export function listUploads(bucket: MemoryBucket, prefix: string): ListedUpload[] {
  return [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
    .map(({ key, id, initiated }) => ({ key, uploadId: id, initiated }));
}

export function abortUpload(bucket: MemoryBucket, uploadId: string): void {
  bucket.uploads.delete(uploadId);
}

export async function completeUpload(
  storage: MemoryStorage,
  bucket: MemoryBucket,
  request: { key: string; uploadId: string; parts: readonly StoredPart[]; expected: ExpectedObject },
): Promise<Stored> {
  const { key, uploadId, expected } = request;
  const upload = uploadOf(bucket, uploadId);
  const what = `${bucket.name}: ${JSON.stringify(key)}`;
  const parts = namedParts(upload, request.parts, storage.features.minPartBytes, what);
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const { features } = storage;
  const checks = features.checksums === 'checked';
  if (checks && bytes.length !== expected.size) {
    throw new Fault('VerificationFailed', `${what}: ${bytes.length} bytes came, ${expected.size} were announced`);
  }
  const algorithm = upload.checksum ?? 'CRC64NVME';
  if (checks && expected.checksum !== undefined && expected.checksum !== (await checksumOf(algorithm, bytes))) {
    throw new Fault('VerificationFailed', `${what}: the whole object's ${algorithm} does not match`);
  }
  // Somebody else may have ended it while the checksum was computed.
  uploadOf(bucket, uploadId);
  const object: MemoryObject = {
    ...upload.attributes,
    bytes,
    etag: storage.multipartEtagOf(bucket, parts),
    modified: storage.modifiedNow(),
    ...(features.versions && { versionId: storage.next('version') }),
    storageClass: upload.storageClass,
    opaqueEtag: bucket.opaque,
    readable: true,
    parts: parts.map((part) => part.bytes.length),
    ...(checks && { checksumAlgorithm: algorithm }),
  };
  bucket.uploads.delete(uploadId);
  bucket.write(key, object, features.versions);
  return { etag: features.completeEtag ? object.etag : '', opaqueEtag: object.opaqueEtag };
}

/** The parts that Complete names: there, in ascending order, and long enough, but for the last. */
function namedParts(
  upload: MemoryUpload,
  named: readonly StoredPart[],
  minPartBytes: number,
  what: string,
): MemoryPart[] {
  if (named.length === 0) throw new Fault('NotSupported', `${what}: no part is named`);
  return named.map(({ number, etag }, index) => {
    if (number <= (named[index - 1]?.number ?? 0)) {
      throw new Fault('NotSupported', `${what}: the parts are not in ascending order`);
    }
    const part = upload.parts.get(number);
    if (part?.etag !== etag) throw new Fault('Unavailable', `${what}: part ${number} is not there like this`);
    if (part.bytes.length < minPartBytes && index < named.length - 1) {
      throw new Fault('NotSupported', `${what}: part ${number} has only ${part.bytes.length} bytes`);
    }
    return part;
  });
}

function uploadOf(bucket: MemoryBucket, uploadId: string): MemoryUpload {
  const upload = bucket.uploads.get(uploadId);
  if (!upload) throw new Fault('UploadGone', `${bucket.name}: there is no upload ${uploadId}`);
  return upload;
}

function shown({ number, etag, bytes, checksum }: MemoryPart): StoredPart {
  return { number, size: bytes.length, etag, ...(checksum !== undefined && { checksum }) };
}
