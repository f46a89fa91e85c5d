import { Fault, isFault } from '../../model/faults.ts';
import { checksumAlgorithms, type ObjectChecksum } from '../../model/object.ts';
import { quoted } from '../../model/text.ts';

/**
 * Where stores differ from each other, or from what one expects of S3, and what is done about it. What is known of each
 * kind of store is data (shared/model/stores). Each function below handles one quirk that any store may have. The
 * others need more than one answer, and are handled in the files below:
 *
 * - HEAD of a key in a missing bucket looks like a missing key (S3: HEAD has no body): shared/aws/s3/bucket.ts,
 *   `expect`
 * - metadata with raw UTF-8 or latin1 bytes (MinIO, Ceph): shared/aws/http/byte-signer.ts
 * - UNSIGNED-PAYLOAD is taken for a hash (simple servers): shared/aws/s3/client.ts
 * - the size that Complete states is not implemented (some stores): shared/aws/s3/uploads.ts
 * - aws-chunked bodies with trailers are refused (Aliyun OSS): shared/aws/s3/client.ts
 * - 400 without a code for HEAD with an expired token (S3): shared/aws/credentials/renewing.ts
 * - an error repeats the token of the request (S3: `ExpiredToken`): shared/aws/http/answer-secrets.ts
 * - 404 for the tags of an object without tags (Wasabi, versitygw): shared/aws/s3/reading.ts, `objectTags`
 * - 404 for the deletion of what is not there (Google: DELETE Object): shared/aws/s3/writing.ts
 * - an error page of HTML (proxies): shared/aws/http/answers.ts
 * - a page of HTML, or nothing, with status 200 (consoles, content networks): shared/aws/http/answer-form.ts
 * - gzip that is undone on its way, bodies without a length (Google, proxies): shared/aws/http/answer-length.ts
 * - dates that are none (several stores): shared/aws/http/answer-fields.ts
 * - the first version of ListObjects alone, pages without a token, pages of 100 keys (several, Aliyun OSS):
 *   shared/aws/s3/list-objects.ts
 * - a listing that repeats its markers, or has only empty pages (broken stores): shared/aws/pages.ts
 * - empty pages in the middle of a listing, any number of them (S3: mass deletes): shared/find/trail.ts
 * - an error inside a 200 (S3: Complete, copies): shared/aws/faults.ts, `InternalError`
 * - a listing that takes tens of seconds (spinning disks): shared/aws/http/request.ts
 * - spaces instead of an answer, to keep the connection open (S3: Complete, copies): shared/aws/http/overdue.ts
 * - listings in an order other than that of UTF-8 bytes (some stores): shared/find/find-segment.ts, `heads`
 * - a listing that repeats the key it was to start after (some stores): shared/aws/s3/list-objects.ts, `itemsAfter`
 * - no number of tags in any answer (Qiniu): shared/aws/s3/bucket.ts, `showsTagCounts`
 * - 400 for the tags of an object (stores without tags): shared/transfer/bytes/attributes.ts
 * - Complete answers without an ETag (Ceph 16): shared/transfer/upload/complete-upload.ts
 * - no tags, no copies, no checksums, no HEAD of a part (several stores): shared/transfer
 * - `If-Match` or checksums are ignored (Ceph 16: checksums): shared/transfer/bytes
 * - copies ignore the version that they are pinned to (Ceph 16): shared/aws/s3/pinned-copies.ts
 * - writes ignore what they are said to replace (Ceph 16): `conditionalWrites` of shared/ports/object-store.ts
 * - UploadPartCopy crashes the gateway (Ceph 16): the task's `serverSideCopy`
 *
 * Which store has which is in emulator/s3/personalities. The in-memory store can have most of them
 * (shared/ports/memory/features.ts), and one contract suite runs against both (test/contract/object-store.test.ts).
 */

const quotedMd5 = /^"[0-9a-f]{32}"$/;

/** ETags come in quotes, from most stores; some mark them as weak. */
export function bareEtag(etag: string | undefined): string {
  if (etag !== undefined && quotedMd5.test(etag)) return etag.slice(1, -1);
  return (etag ?? '').replace(/^(?:W\/)?"(.*)"$/, '$1');
}

/** S3 gives objects that were written while versioning was off the version "null". @returns undefined for those */
export function realVersion(versionId: string | undefined): string | undefined {
  return versionId === 'null' ? undefined : versionId;
}

/**
 * `aws-chunked` describes how a body was sent. S3 removes it from Content-Encoding; stores that keep it would pass it
 * on to every copy, and no copy in S3 would ever have the same attributes.
 */
export function storedEncoding(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !/aws-chunked/i.test(encoding)) return encoding;
  const kept = encoding.split(',').map((one) => one.trim());
  return kept.filter((one) => one !== '' && one.toLowerCase() !== 'aws-chunked').join(', ');
}

/** HEAD of a part answers with the range of the part. S3 puts the whole object's size into it; the part's is wanted. */
export function withoutRange<Answer extends object>(answer: Answer): Answer & { ContentRange: undefined } {
  return { ...answer, ContentRange: undefined };
}

/** Base64 of 4 or 8 bytes. */
const checksumForm = {
  CRC32: /^[A-Za-z0-9+/]{6}==$/,
  CRC32C: /^[A-Za-z0-9+/]{6}==$/,
  CRC64NVME: /^[A-Za-z0-9+/]{11}=$/,
} as const;

type ChecksumAnswer = { readonly ChecksumType?: string | undefined } & {
  readonly [Name in `Checksum${ObjectChecksum['algorithm']}`]?: string | undefined;
};

/** The checksum of the whole object. A value with "-N" at its end is one of parts, whatever the stated type. */
export function fullObjectChecksum(answer: ChecksumAnswer): ObjectChecksum | undefined {
  if (answer.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of checksumAlgorithms) {
    const value = answer[`Checksum${algorithm}`];
    if (value !== undefined && checksumForm[algorithm].test(value)) return { algorithm, value };
  }
  return undefined;
}

/**
 * A key in a listing. All stores are asked to URL-encode keys; not all do, and the answer says whether this one did.
 * S3 writes a space as "+".
 * @throws Fault `Unavailable` if a key that should be encoded is not
 */
export function decodedKey(key = '', encoding: string | undefined, what: string): string {
  if (encoding !== 'url' || !looksEncoded(key)) return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new Fault('Unavailable', `${what}: ${quoted(key)} is listed, which is not URL-encoded UTF-8`);
  }
}

/** Could a listed key be URL-encoded? Without `%` and `+`, both readings are the same. */
export function looksEncoded(key = ''): boolean {
  return /[%+]/.test(key);
}

/** Some stores ignore the marker of ListParts and list every part. */
export function partsWithin<Part extends { readonly number: number }>(
  parts: readonly Part[],
  first: number,
  last: number,
): Part[] {
  return parts.filter(({ number }) => number >= first && number <= last);
}

/** The code that the store gave as the reason of a fault. The answer to HEAD, and a proxy's page, have none. */
export function storeCode(fault: Fault): unknown {
  const { cause } = fault;
  return cause instanceof Error ? ((cause as { readonly Code?: unknown }).Code ?? cause.name) : undefined;
}

/** Some stores answer a call about an upload that is gone with "no such key". The call names no other object. */
export function asUploadGone(error: unknown): unknown {
  return isFault(error, 'SourceGone') ? new Fault('UploadGone', error.message, { cause: error.cause }) : error;
}

/**
 * S3 answers a write or a deletion that names what it replaces with "precondition failed" if it finds something else,
 * and with "no such key" if it finds nothing (S3 User Guide, "How to prevent object overwrites with conditional
 * writes").
 */
export function asConflict(error: unknown): unknown {
  if (!isFault(error, 'SourceChanged', 'BucketNotFound', 'UploadGone')) return error;
  const isConflict = ['NoSuchKey', 'PreconditionFailed'].includes(String(storeCode(error)));
  return isConflict ? new Fault('DestinationConflict', error.message, { cause: error.cause }) : error;
}

/** S3 answers Complete with `InvalidRequest` if the size or the kind of checksum is not the announced one. */
export function asFailedVerification(error: unknown): unknown {
  const mismatch = isFault(error) && storeCode(error) === 'InvalidRequest';
  return mismatch ? new Fault('VerificationFailed', error.message, { cause: error }) : error;
}
