import { Readable } from 'node:stream';
import { asksForChecksum, rawExpires } from '../client-fields.ts';

/**
 * The fields of the calls that are made directly: where each is in the request, and which headers of the answer are
 * which fields of the output (S3 API reference: HeadObject, GetObject, PutObject, UploadPart, ListObjectsV2). The names
 * are those of the SDK, so that callers do not see who makes a call.
 */

export type Input = Readonly<Record<string | symbol, unknown>>;
export type Output = Record<string, unknown>;
export type DirectOperation = keyof typeof directOperations;

interface Operation {
  readonly method: string;
  readonly query: Readonly<Record<string, string>>;
  /** whether the answer describes an object, in its headers */
  readonly shows: 'object' | 'write' | 'listing';
}

export const directOperations = {
  HeadObject: { method: 'HEAD', query: {}, shows: 'object' },
  GetObject: { method: 'GET', query: { 'x-id': 'GetObject' }, shows: 'object' },
  PutObject: { method: 'PUT', query: { 'x-id': 'PutObject' }, shows: 'write' },
  UploadPart: { method: 'PUT', query: { 'x-id': 'UploadPart' }, shows: 'write' },
  ListObjectsV2: { method: 'GET', query: { 'list-type': '2' }, shows: 'listing' },
} as const satisfies Record<string, Operation>;

const queryFields: Readonly<Record<string, string>> = {
  VersionId: 'versionId',
  PartNumber: 'partNumber',
  UploadId: 'uploadId',
  Prefix: 'prefix',
  EncodingType: 'encoding-type',
  MaxKeys: 'max-keys',
  StartAfter: 'start-after',
  ContinuationToken: 'continuation-token',
};

const headerFields: Readonly<Record<string, string>> = {
  ExpectedBucketOwner: 'x-amz-expected-bucket-owner',
  RequestPayer: 'x-amz-request-payer',
  OptionalObjectAttributes: 'x-amz-optional-object-attributes',
  IfMatch: 'if-match',
  IfNoneMatch: 'if-none-match',
  Range: 'range',
  ChecksumMode: 'x-amz-checksum-mode',
  ContentType: 'content-type',
  ContentEncoding: 'content-encoding',
  ContentLanguage: 'content-language',
  ContentDisposition: 'content-disposition',
  CacheControl: 'cache-control',
  ContentMD5: 'content-md5',
  ContentLength: 'content-length',
  WebsiteRedirectLocation: 'x-amz-website-redirect-location',
  Tagging: 'x-amz-tagging',
  StorageClass: 'x-amz-storage-class',
  ACL: 'x-amz-acl',
  ServerSideEncryption: 'x-amz-server-side-encryption',
  SSEKMSKeyId: 'x-amz-server-side-encryption-aws-kms-key-id',
  ChecksumCRC32: 'x-amz-checksum-crc32',
  ChecksumCRC32C: 'x-amz-checksum-crc32c',
  ChecksumCRC64NVME: 'x-amz-checksum-crc64nvme',
};

const metadataPrefix = 'x-amz-meta-';

/** What a request is made of, apart from its address. */
export interface RequestParts {
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | Readable | undefined;
}

/** @returns undefined for an input with a field that only the SDK knows how to send */
export function requestParts(operation: DirectOperation, input: Input): RequestParts | undefined {
  const query: Record<string, string> = { ...directOperations[operation].query };
  const headers: Record<string, string> = {};
  for (const name of Reflect.ownKeys(input)) {
    const value = input[name];
    if (value === undefined || name === 'Bucket' || name === 'Key' || name === 'Body') continue;
    if (name === 'Metadata') addMetadata(headers, value as Record<string, string>);
    else if (name === rawExpires) headers['expires'] = text(value);
    else if (name === asksForChecksum) headers['x-amz-checksum-mode'] = 'ENABLED';
    else if (typeof name === 'string' && Object.hasOwn(queryFields, name)) query[queryFields[name] ?? ''] = text(value);
    else if (typeof name === 'string' && Object.hasOwn(headerFields, name)) {
      headers[headerFields[name] ?? ''] = text(value);
    } else return undefined;
  }
  const { Body: body } = input;
  if (directOperations[operation].shows !== 'write') return body === undefined ? { query, headers, body } : undefined;
  const isSent = body instanceof Uint8Array || body instanceof Readable;
  if (!isSent || headers['content-length'] === undefined) return undefined;
  headers['content-type'] ??= 'application/octet-stream';
  return { query, headers, body };
}

function addMetadata(headers: Record<string, string>, metadata: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(metadata)) headers[`${metadataPrefix}${name.toLowerCase()}`] = value;
}

/** A field of the SDK's: a text, a number, or a list of texts. */
function text(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

type Read = (value: string) => unknown;
const asIs: Read = (value) => value;
const number: Read = (value) => Number(value);

/** Headers of an answer to HEAD or GET. */
const objectFields: Readonly<Record<string, readonly [name: string, read: Read]>> = {
  etag: ['ETag', asIs],
  'content-length': ['ContentLength', number],
  'content-range': ['ContentRange', asIs],
  'last-modified': ['LastModified', (value) => new Date(value)],
  'content-type': ['ContentType', asIs],
  'content-encoding': ['ContentEncoding', asIs],
  'content-language': ['ContentLanguage', asIs],
  'content-disposition': ['ContentDisposition', asIs],
  'cache-control': ['CacheControl', asIs],
  expiresstring: ['ExpiresString', asIs],
  'x-amz-website-redirect-location': ['WebsiteRedirectLocation', asIs],
  'x-amz-version-id': ['VersionId', asIs],
  'x-amz-tagging-count': ['TagCount', number],
  'x-amz-missing-meta': ['MissingMeta', number],
  'x-amz-storage-class': ['StorageClass', asIs],
  'x-amz-restore': ['Restore', asIs],
  'x-amz-archive-status': ['ArchiveStatus', asIs],
  'x-amz-object-lock-mode': ['ObjectLockMode', asIs],
  'x-amz-object-lock-legal-hold': ['ObjectLockLegalHoldStatus', asIs],
  'x-amz-server-side-encryption': ['ServerSideEncryption', asIs],
  'x-amz-server-side-encryption-customer-algorithm': ['SSECustomerAlgorithm', asIs],
  'x-amz-checksum-type': ['ChecksumType', asIs],
  'x-amz-checksum-crc32': ['ChecksumCRC32', asIs],
  'x-amz-checksum-crc32c': ['ChecksumCRC32C', asIs],
  'x-amz-checksum-crc64nvme': ['ChecksumCRC64NVME', asIs],
};

/** The output of a call whose answer is in its headers. */
export function outputOf(headers: Readonly<Record<string, string>>): Output {
  const output: Output = {};
  const metadata: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (name.startsWith(metadataPrefix)) {
      metadata.push([name.slice(metadataPrefix.length), value]);
    } else if (Object.hasOwn(objectFields, name)) {
      const [field, read] = objectFields[name] ?? ['', asIs];
      output[field] = read(value);
    }
  }
  if (metadata.length > 0) output['Metadata'] = Object.fromEntries(metadata);
  return output;
}
