import { S3Error } from '../errors.ts';
import { header, type Call } from '../call.ts';
import { wholeEtag } from '../personalities/etag.ts';
import type { Attributes, ObjectRow } from '../store/schema.ts';
import { blankTags, parseTagHeader, printTags } from './tags.ts';

/** Headers that are stored and returned unchanged. */
const unchangedHeaders = ['content-language', 'content-disposition', 'cache-control', 'expires'] as const;
/** S3: CopyObject does not copy it, whatever the directive; PutObject: a path of the bucket or a URL. */
const redirectHeader = 'x-amz-website-redirect-location';

function readRedirect(call: Call): [string, string][] {
  const value = header(call, redirectHeader);
  if (value === undefined) return [];
  if (/^(\/|https?:\/\/)/.test(value)) return [[redirectHeader, value]];
  throw new S3Error('InvalidRedirectLocation');
}

const storageClasses: ReadonlySet<string> = new Set([
  ...['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER'],
  ...['DEEP_ARCHIVE', 'GLACIER_IR'],
]);

const metadataPrefix = 'x-amz-meta-';
const encryptionHeader = 'x-amz-server-side-encryption';

function readMetadata(call: Call): [string, string][] {
  const metadata: [string, string][] = [];
  let bytes = 0;
  for (const name of Object.keys(call.headers)) {
    if (!name.startsWith(metadataPrefix)) continue;
    const value = header(call, name) ?? '';
    // Header bytes arrive as latin1: one character per byte.
    bytes += name.length - metadataPrefix.length + value.length;
    metadata.push([name, value]);
  }
  const { maxMetadataBytes } = call.personality.objects;
  if (bytes > maxMetadataBytes) {
    const details = { Size: String(bytes), MaxSizeAllowed: String(maxMetadataBytes) };
    throw new S3Error('MetadataTooLarge', undefined, { details });
  }
  return metadata;
}

function readEncryption(call: Call): [string, string][] {
  const asked = header(call, encryptionHeader);
  if (asked === undefined && !call.personality.objects.statesEncryption) return [];
  const kind = asked ?? 'AES256';
  if (!['AES256', 'aws:kms', 'aws:kms:dsse'].includes(kind)) {
    throw new S3Error('InvalidArgument', 'The encryption method specified is not supported');
  }
  if (kind === 'AES256') return [[encryptionHeader, kind]];
  const keyId = header(call, `${encryptionHeader}-aws-kms-key-id`) ?? 'alias/aws/s3';
  const bucketKey = header(call, `${encryptionHeader}-bucket-key-enabled`);
  const pairs: [string, string][] = [
    [encryptionHeader, kind],
    [`${encryptionHeader}-aws-kms-key-id`, keyId],
  ];
  if (bucketKey !== undefined) pairs.push([`${encryptionHeader}-bucket-key-enabled`, bucketKey]);
  return pairs;
}

/** The encodings of the object; `aws-chunked` only describes the transfer. */
function readContentEncoding(call: Call): string {
  return (header(call, 'content-encoding') ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'aws-chunked')
    .join(',');
}

function readStorageClass(call: Call): string {
  const storageClass = header(call, 'x-amz-storage-class') ?? 'STANDARD';
  if (!storageClasses.has(storageClass)) throw new S3Error('InvalidStorageClass');
  return storageClass;
}

/** Refuses every ACL except the two without effect: buckets own their objects, the default of S3 since 2023. */
function refuseAcl(call: Call): void {
  const acl = header(call, 'x-amz-acl');
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported');
  }
}

function readTags(call: Call): string {
  const value = header(call, 'x-amz-tagging');
  const isBlanked = call.info.operation !== 'PutObject' && call.personality.tags.ofCopiesAndUploads === 'blanked';
  return isBlanked && value !== undefined ? blankTags : printTags(parseTagHeader(value));
}

/**
 * Reads the attributes of the object from a PUT, a copy or a new upload.
 * @throws S3Error MetadataTooLarge, InvalidStorageClass, InvalidTag, InvalidArgument
 */
export function readAttributes(call: Call): Attributes {
  refuseAcl(call);
  const headers: [string, string][] = [['content-type', header(call, 'content-type') ?? 'binary/octet-stream']];
  const encoding = readContentEncoding(call);
  if (encoding !== '') headers.push(['content-encoding', encoding]);
  for (const name of unchangedHeaders) {
    const value = header(call, name);
    if (value !== undefined) headers.push([name, value]);
  }
  headers.push(...readRedirect(call), ...readMetadata(call), ...readEncryption(call));
  return {
    storageClass: readStorageClass(call),
    headers: JSON.stringify(Object.fromEntries(headers)),
    tags: readTags(call),
  };
}

/** The attributes of a copy that keeps the metadata of its source. It never keeps storage class and encryption. */
export function copyAttributes(call: Call, source: Attributes): Attributes {
  refuseAcl(call);
  const copied = Object.entries(storedHeaders(source)).filter(
    ([name]) => !name.startsWith(encryptionHeader) && name !== 'x-amz-restore' && name !== redirectHeader,
  );
  return {
    storageClass: readStorageClass(call),
    headers: JSON.stringify(Object.fromEntries([...copied, ...readRedirect(call), ...readEncryption(call)])),
    tags: source.tags,
  };
}

/** The stored headers of an object. */
export function storedHeaders(attributes: Pick<Attributes, 'headers'>): Readonly<Record<string, string>> {
  return JSON.parse(attributes.headers) as Record<string, string>;
}

/** The headers that describe the encryption of an object, for answers to writes. */
export function encryptionHeaders(attributes: Attributes): Record<string, string> {
  const pairs = Object.entries(storedHeaders(attributes)).filter(([name]) => name.startsWith(encryptionHeader));
  return Object.fromEntries(pairs);
}

/** The ETag, without quotes, of an object or part: of its MD5, or a random value if encrypted with a KMS key. */
export function entityTag({ personality }: Call, attributes: Attributes, md5: string): string {
  const kms = storedHeaders(attributes)[encryptionHeader]?.startsWith('aws:kms') ?? false;
  return wholeEtag(personality, md5, kms);
}

const archivedClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** @throws S3Error InvalidObjectState if the object is archived and not restored, so that it cannot be read */
export function requireReadable(row: ObjectRow): void {
  if (!archivedClasses.has(row.storageClass) || storedHeaders(row)['x-amz-restore'] !== undefined) return;
  throw new S3Error('InvalidObjectState', undefined, { details: { StorageClass: row.storageClass } });
}

/** Whether the storage class requires a restore before a read. */
export function isArchived(row: ObjectRow): boolean {
  return archivedClasses.has(row.storageClass);
}
