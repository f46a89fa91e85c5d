import { Fault } from '../../model/faults.ts';
import { maxParts, maxPartBytes } from '../../model/limits.ts';
import type { ListedPart, StoredPart } from '../../model/part-plan.ts';
import type { CreatedUpload, ExpectedObject, ListedUpload, PartAddress, Stored } from '../object-store.ts';
import { requireReplaced } from './conditions.ts';
import { checksumOf } from './digests.ts';
import type { MemoryBucket, MemoryObject, MemoryPart, MemoryStorage, MemoryUpload } from './storage.ts';

/** Multipart uploads in memory, with the rules that S3 enforces at each step. */

export function createUpload(
  storage: MemoryStorage,
  bucket: MemoryBucket,
  upload: Omit<MemoryUpload, 'id' | 'initiated' | 'parts'>,
): CreatedUpload {
  const id = storage.next('upload');
  bucket.uploads.set(id, { ...upload, id, initiated: storage.clock.now(), parts: new Map() });
  return { uploadId: id, opaqueEtag: storage.saysOpaque(bucket) };
}

/** Stores a part; an earlier part with the same number is replaced. */
export async function storePart(
  storage: MemoryStorage,
  bucket: MemoryBucket,
  { uploadId, number }: Pick<PartAddress, 'uploadId' | 'number'>,
  bytes: Buffer,
): Promise<StoredPart> {
  if (number < 1 || number > maxParts)
    throw new Fault('NotSupported', `${bucket.name}: no part may have number ${number}`);
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

/** The open uploads by key, those of one key in the order in which they were created. */
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
  const { features } = storage;
  const what = `${bucket.name}: ${JSON.stringify(key)}`;
  if (!features.goneAtComplete && !bucket.uploads.has(uploadId)) {
    throw new Fault('DestinationConflict', `${what}: the parts are missing`);
  }
  const upload = uploadOf(bucket, uploadId);
  const parts = namedParts(upload, inOrder(request.parts, features.partOrder), features.minPartBytes, what);
  if (!features.partSubsets && parts.length < upload.parts.size) {
    throw new Fault('DestinationConflict', `${what}: ${parts.length} of ${upload.parts.size} parts are named`);
  }
  const isUneven = parts.some((part, index) => {
    const first = parts[0]?.bytes.length ?? 0;
    return index < parts.length - 1 ? part.bytes.length !== first : part.bytes.length > first;
  });
  if (isUneven && !features.unequalParts)
    throw new Fault('DestinationConflict', `${what}: the parts have different sizes`);
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const checks = features.checksums === 'checked';
  if (checks && bytes.length !== expected.size) {
    throw new Fault('VerificationFailed', `${what}: ${bytes.length} bytes arrived, ${expected.size} were announced`);
  }
  const algorithm = upload.checksum ?? 'CRC64NVME';
  if (checks && expected.checksum !== undefined && expected.checksum !== (await checksumOf(algorithm, bytes))) {
    throw new Fault('VerificationFailed', `${what}: the whole object's ${algorithm} does not match`);
  }
  // Another caller may have ended the upload while the checksum was computed.
  uploadOf(bucket, uploadId);
  requireReplaced(storage, bucket, key, expected.replaces);
  const object: MemoryObject = {
    ...upload.attributes,
    bytes,
    etag: storage.multipartEtagOf(bucket, parts),
    // S3's Last-Modified of such an object is when its upload was initiated (S3 User Guide, "Object metadata").
    modified: storage.inSeconds(upload.initiated),
    ...(features.versions && { versionId: storage.next('version') }),
    storageClass: upload.storageClass,
    opaqueEtag: storage.saysOpaque(bucket),
    readable: true,
    parts: parts.map((part) => part.bytes.length),
    ...(checks && { checksumAlgorithm: algorithm }),
  };
  bucket.uploads.delete(uploadId);
  bucket.write(key, object, features.versions);
  return { etag: features.completeEtag ? object.etag : '', opaqueEtag: object.opaqueEtag };
}

function inOrder(parts: readonly StoredPart[], isRequired: boolean): readonly StoredPart[] {
  return isRequired ? parts : parts.toSorted((one, other) => one.number - other.number);
}

/** The parts that Complete names: they exist, in ascending order, and all but the last are long enough. */
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
    if (part?.etag !== etag)
      throw new Fault('DestinationConflict', `${what}: part ${number} does not exist with this ETag`);
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
