import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { Fault } from '../../model/faults.ts';
import { quoted } from '../../model/text.ts';
import { maxEtagLength } from '../../model/limits.ts';
import type { LossKind } from '../../model/losses.ts';
import type { ContentHeaders, ObjectInfo } from '../../model/object.ts';
import type { Stored } from '../../ports/object-store.ts';
import { bareEtag, fullObjectChecksum, realVersion, storedEncoding } from './quirks.ts';
import type { ObjectKey } from '../../model/object-key.ts';

type Answer = HeadObjectCommandOutput | GetObjectCommandOutput;

/** The answer to GET or HEAD in the core's terms. @param what the call, for the message about a malformed answer */
export function objectInfo(key: ObjectKey, answer: Answer, what: string): ObjectInfo {
  const size = checkedSize(wholeSize(answer), what);
  const checksum = fullObjectChecksum(answer);
  const versionId = realVersion(answer.VersionId);
  return {
    key,
    size,
    etag: checkedEtag(answer.ETag, what),
    modified: answer.LastModified?.getTime() ?? 0,
    ...(versionId !== undefined && { versionId }),
    headers: contentHeaders(answer),
    metadata: answer.Metadata ?? {},
    ...(answer.TagCount !== undefined && { tagCount: answer.TagCount }),
    opaqueEtag: hasOpaqueEtag(answer),
    readable: isReadable(answer),
    ...(checksum && { checksum }),
    ...(isStated(answer.StorageClass) && { storageClass: answer.StorageClass }),
    ...(isStated(answer.ServerSideEncryption) && { encryption: answer.ServerSideEncryption }),
    ...uncarried(answer),
  };
}

/** A size in an answer, in bytes. @throws Fault `Unavailable` if it is not a size */
export function checkedSize(size: number | undefined, what: string): number {
  if (size !== undefined && Number.isSafeInteger(size) && size >= 0) return size;
  const found = size === undefined ? ' (it states no Content-Length: does a proxy change it on its way?)' : '';
  throw new Fault('Unavailable', `${what}: the answer has no valid size${found}`);
}

/** An ETag without quotes, fit for headers, messages and the ledger. @throws Fault `Unavailable` if it is not one */
export function checkedEtag(etag: string | undefined, what: string): string {
  const bare = bareEtag(etag);
  if (/^[\x20-\x7e]*$/.test(bare) && bare.length <= maxEtagLength) return bare;
  throw new Fault('Unavailable', `${what}: the answer has no valid ETag, but ${quoted(bare, 40)}`);
}

interface EncryptionAnswer {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

/** The answer to a call that wrote an object, in the core's terms. */
export function storedObject(etag: string | undefined, answer: EncryptionAnswer): Stored {
  return { etag: bareEtag(etag), opaqueEtag: hasOpaqueEtag(answer) };
}

/** Does the object's encryption make its ETag opaque? See `EtagForm` in shared/model/object.ts. */
export function hasOpaqueEtag(answer: EncryptionAnswer): boolean {
  return answer.SSECustomerAlgorithm !== undefined || (answer.ServerSideEncryption?.startsWith('aws:kms') ?? false);
}

/** The whole object's size, which for a range is the number after the slash of Content-Range. */
function wholeSize(answer: Answer): number | undefined {
  const range = 'ContentRange' in answer ? answer.ContentRange : undefined;
  const match = /\/([0-9]+)$/.exec(range ?? '');
  return match?.[1] === undefined ? answer.ContentLength : Number(match[1]);
}

/** An empty header means the same as none. */
function contentHeaders(answer: Answer): ContentHeaders {
  const { ContentType, ContentLanguage, ContentDisposition, CacheControl, ExpiresString, WebsiteRedirectLocation } =
    answer;
  const encoding = storedEncoding(answer.ContentEncoding);
  return {
    ...(isStated(ContentType) && { contentType: ContentType }),
    ...(isStated(encoding) && { contentEncoding: encoding }),
    ...(isStated(ContentLanguage) && { contentLanguage: ContentLanguage }),
    ...(isStated(ContentDisposition) && { contentDisposition: ContentDisposition }),
    ...(isStated(CacheControl) && { cacheControl: CacheControl }),
    ...(isStated(ExpiresString) && { expires: ExpiresString }),
    ...(isStated(WebsiteRedirectLocation) && { websiteRedirect: WebsiteRedirectLocation }),
  };
}

/**
 * What S3 shows of an object but no request can give a copy: metadata that does not fit headers (S3: HeadObject,
 * `x-amz-missing-meta`), and Object Lock, which is the business of the destination's bucket.
 */
function uncarried(answer: Answer): Pick<ObjectInfo, 'uncarried'> {
  const kinds: LossKind[] = [
    ...((answer.MissingMeta ?? 0) > 0 ? (['metadata'] as const) : []),
    ...(answer.ObjectLockMode !== undefined || answer.ObjectLockLegalHoldStatus === 'ON'
      ? (['objectLock'] as const)
      : []),
  ];
  return kinds.length === 0 ? {} : { uncarried: kinds };
}

function isStated(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}

/** An object in an archive class can be read while it has a restored copy, so the class alone does not decide. */
function isReadable(answer: Answer): boolean {
  const archived =
    answer.StorageClass === 'GLACIER' ||
    answer.StorageClass === 'DEEP_ARCHIVE' ||
    ('ArchiveStatus' in answer && answer.ArchiveStatus !== undefined);
  return !archived || /ongoing-request="false"/.test(answer.Restore ?? '');
}
