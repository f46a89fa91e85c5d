import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { Fault } from '../../model/faults.ts';
import { quoted } from '../../model/text.ts';
import { maxEtagLength } from '../../model/limits.ts';
import { checksumAlgorithms, type ContentHeaders, type ObjectChecksum, type ObjectInfo } from '../../model/object.ts';

type Answer = HeadObjectCommandOutput | GetObjectCommandOutput;

/** What GET and HEAD answered, in the core's words. @param what for the message of a malformed answer */
export function objectInfo(key: string, answer: Answer, what: string): ObjectInfo {
  const size = checkedSize(wholeSize(answer), what);
  const checksum = fullObjectChecksum(answer);
  return {
    key,
    size,
    etag: checkedEtag(answer.ETag, what),
    modified: answer.LastModified?.getTime() ?? 0,
    // "null" is the version of objects that were written while versioning was off.
    ...(answer.VersionId !== undefined && answer.VersionId !== 'null' && { versionId: answer.VersionId }),
    headers: contentHeaders(answer),
    metadata: answer.Metadata ?? {},
    ...(answer.TagCount !== undefined && { tagCount: answer.TagCount }),
    opaqueEtag: isOpaque(answer),
    readable: isReadable(answer),
    ...(checksum && { checksum }),
  };
}

/** Bytes of a listing or an answer. @throws Fault `Unavailable` where it is no size */
export function checkedSize(size: number | undefined, what: string): number {
  if (size !== undefined && Number.isSafeInteger(size) && size >= 0) return size;
  throw new Fault('Unavailable', `${what}: the answer has no valid size`);
}

/** An ETag without its quotes, for headers, messages and the ledger. @throws Fault `Unavailable` where it is none */
export function checkedEtag(etag: string | undefined, what: string): string {
  const bare = unquoted(etag);
  if (/^[\x20-\x7e]*$/.test(bare) && bare.length <= maxEtagLength) return bare;
  throw new Fault('Unavailable', `${what}: the answer has no valid ETag, but ${quoted(bare, 40)}`);
}

/** ETags come in quotes, from most stores. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replace(/^(?:W\/)?"(.*)"$/, '$1');
}

/** Does the encryption make the ETag something else than an MD5? */
export function isOpaque(answer: {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}): boolean {
  return answer.SSECustomerAlgorithm !== undefined || (answer.ServerSideEncryption?.startsWith('aws:kms') ?? false);
}

/** Of a range, the size is behind the slash of Content-Range. */
function wholeSize(answer: Answer): number | undefined {
  const range = 'ContentRange' in answer ? answer.ContentRange : undefined;
  const match = /\/([0-9]+)$/.exec(range ?? '');
  return match?.[1] === undefined ? answer.ContentLength : Number(match[1]);
}

function contentHeaders(answer: Answer): ContentHeaders {
  const { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl, ExpiresString } = answer;
  return {
    ...(ContentType !== undefined && { contentType: ContentType }),
    ...(ContentEncoding !== undefined && { contentEncoding: ContentEncoding }),
    ...(ContentLanguage !== undefined && { contentLanguage: ContentLanguage }),
    ...(ContentDisposition !== undefined && { contentDisposition: ContentDisposition }),
    ...(CacheControl !== undefined && { cacheControl: CacheControl }),
    ...(ExpiresString !== undefined && { expires: ExpiresString }),
  };
}

/** Objects in an archive class can be read while a restored copy is there: look at its status, not only at the class. */
function isReadable(answer: Answer): boolean {
  const archived =
    answer.StorageClass === 'GLACIER' ||
    answer.StorageClass === 'DEEP_ARCHIVE' ||
    ('ArchiveStatus' in answer && answer.ArchiveStatus !== undefined);
  return !archived || /ongoing-request="false"/.test(answer.Restore ?? '');
}

/** Base64 of 4 or 8 bytes. */
const checksumForm = {
  CRC32: /^[A-Za-z0-9+/]{6}==$/,
  CRC32C: /^[A-Za-z0-9+/]{6}==$/,
  CRC64NVME: /^[A-Za-z0-9+/]{11}=$/,
} as const;

function fullObjectChecksum(answer: Answer): ObjectChecksum | undefined {
  if (answer.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of checksumAlgorithms) {
    const value = answer[`Checksum${algorithm}`];
    // A value with "-N" behind it is one of parts, whatever the type says.
    if (value !== undefined && checksumForm[algorithm].test(value)) return { algorithm, value };
  }
  return undefined;
}
