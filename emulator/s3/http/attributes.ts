import { randomBytes } from 'node:crypto';
import { S3Error } from '../errors.ts';
import { header, type Call } from '../call.ts';
import type { Attributes, ObjectRow } from '../store/rows.ts';
import { parseTagHeader, printTags } from './tags.ts';

/** Headers kept as they came and given back as they are. */
const kept = ['content-language', 'content-disposition', 'cache-control', 'expires'] as const;

const storageClasses: ReadonlySet<string> = new Set([
  ...['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER'],
  ...['DEEP_ARCHIVE', 'GLACIER_IR'],
]);

const MAX_METADATA_BYTES = 2048;
const META = 'x-amz-meta-';
const ENCRYPTION = 'x-amz-server-side-encryption';

function readMetadata(call: Call): [string, string][] {
  const metadata: [string, string][] = [];
  let bytes = 0;
  for (const name of Object.keys(call.req.headers)) {
    if (!name.startsWith(META)) continue;
    const value = header(call, name) ?? '';
    // Header bytes arrive as latin1: one character a byte.
    bytes += name.length - META.length + value.length;
    metadata.push([name, value]);
  }
  if (bytes > MAX_METADATA_BYTES) {
    const details = { Size: String(bytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) };
    throw new S3Error('MetadataTooLarge', undefined, { details });
  }
  return metadata;
}

function readEncryption(call: Call): [string, string][] {
  const kind = header(call, ENCRYPTION) ?? 'AES256';
  if (!['AES256', 'aws:kms', 'aws:kms:dsse'].includes(kind)) {
    throw new S3Error('InvalidArgument', 'The encryption method specified is not supported');
  }
  if (kind === 'AES256') return [[ENCRYPTION, kind]];
  const keyId = header(call, `${ENCRYPTION}-aws-kms-key-id`) ?? 'alias/aws/s3';
  const bucketKey = header(call, `${ENCRYPTION}-bucket-key-enabled`);
  const pairs: [string, string][] = [
    [ENCRYPTION, kind],
    [`${ENCRYPTION}-aws-kms-key-id`, keyId],
  ];
  if (bucketKey !== undefined) pairs.push([`${ENCRYPTION}-bucket-key-enabled`, bucketKey]);
  return pairs;
}

/** The encodings of the object; `aws-chunked` is only how it travelled. */
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

/** Buckets own their objects, as S3 makes them since 2023: every ACL but the two that change nothing is refused. */
function refuseAcl(call: Call): void {
  const acl = header(call, 'x-amz-acl');
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported');
  }
}

/**
 * Reads what a PUT, a copy or a new upload says of its object.
 * @throws S3Error MetadataTooLarge, InvalidStorageClass, InvalidTag, InvalidArgument
 */
export function readAttributes(call: Call): Attributes {
  refuseAcl(call);
  const headers: [string, string][] = [['content-type', header(call, 'content-type') ?? 'binary/octet-stream']];
  const encoding = readContentEncoding(call);
  if (encoding !== '') headers.push(['content-encoding', encoding]);
  for (const name of kept) {
    const value = header(call, name);
    if (value !== undefined) headers.push([name, value]);
  }
  headers.push(...readMetadata(call), ...readEncryption(call));
  return {
    storageClass: readStorageClass(call),
    headers: JSON.stringify(Object.fromEntries(headers)),
    tags: printTags(parseTagHeader(header(call, 'x-amz-tagging'))),
  };
}

/** What a copy has when it takes over the source's metadata: storage class and encryption are never taken over. */
export function copyAttributes(call: Call, source: Attributes): Attributes {
  refuseAcl(call);
  const taken = Object.entries(storedHeaders(source)).filter(
    ([name]) => !name.startsWith(ENCRYPTION) && name !== 'x-amz-restore',
  );
  return {
    storageClass: readStorageClass(call),
    headers: JSON.stringify(Object.fromEntries([...taken, ...readEncryption(call)])),
    tags: source.tags,
  };
}

/** The headers kept with an object. */
export function storedHeaders(attributes: Attributes): Readonly<Record<string, string>> {
  return JSON.parse(attributes.headers) as Record<string, string>;
}

/** The headers that say how an object is encrypted, for answers to writes. */
export function encryptionHeaders(attributes: Attributes): Record<string, string> {
  const pairs = Object.entries(storedHeaders(attributes)).filter(([name]) => name.startsWith(ENCRYPTION));
  return Object.fromEntries(pairs);
}

/** The ETag (without quotes) of bytes in one piece: their MD5, or nothing that can be known under a KMS key. */
export function entityTag(attributes: Attributes, md5: string): string {
  const kms = storedHeaders(attributes)[ENCRYPTION]?.startsWith('aws:kms') ?? false;
  return kms ? randomBytes(16).toString('hex') : md5;
}

const ARCHIVED: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** @throws S3Error InvalidObjectState when the object is archived and not restored: its bytes cannot be read */
export function requireReadable(row: ObjectRow): void {
  if (!ARCHIVED.has(row.storageClass) || storedHeaders(row)['x-amz-restore'] !== undefined) return;
  throw new S3Error('InvalidObjectState', undefined, { details: { StorageClass: row.storageClass } });
}

/** Is this object of a class that has to be restored before it is read? */
export function isArchived(row: ObjectRow): boolean {
  return ARCHIVED.has(row.storageClass);
}
