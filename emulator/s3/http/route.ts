import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors.ts';
import type { Address } from './address.ts';

/** The operations of this server, by their S3 names. */
export type Operation =
  | 'ListBuckets'
  | 'CreateBucket'
  | 'HeadBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'GetBucketNotificationConfiguration'
  | 'PutBucketNotificationConfiguration'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'RestoreObject'
  | 'GetObjectTagging'
  | 'PutObjectTagging'
  | 'DeleteObjectTagging'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload';

/** Sub-resources that this server does not support; ignoring them would perform a plain GET or PUT instead. */
const unsupported = [
  ...['accelerate', 'acl', 'analytics', 'attributes', 'cors', 'encryption', 'intelligent-tiering', 'inventory'],
  ...['legal-hold', 'lifecycle', 'logging', 'metrics', 'object-lock', 'ownershipControls', 'policy', 'policyStatus'],
  ...['publicAccessBlock', 'replication', 'requestPayment', 'restore', 'retention', 'select', 'torrent', 'versions'],
  ...['website', 'tagging', 'versioning', 'notification', 'location', 'uploads', 'uploadId', 'delete'],
] as const;

function bucketOperation(method: string, has: (name: string) => boolean, address: Address): Operation | undefined {
  switch (method) {
    case 'GET':
      if (has('location')) return 'GetBucketLocation';
      if (has('versioning')) return 'GetBucketVersioning';
      if (has('notification')) return 'GetBucketNotificationConfiguration';
      if (has('uploads')) return 'ListMultipartUploads';
      if (unsupported.some(has)) return undefined;
      return address.query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    case 'PUT':
      if (has('notification')) return 'PutBucketNotificationConfiguration';
      return unsupported.some(has) ? undefined : 'CreateBucket';
    case 'HEAD':
      return 'HeadBucket';
    case 'DELETE':
      return unsupported.some(has) ? undefined : 'DeleteBucket';
    case 'POST':
      return has('delete') ? 'DeleteObjects' : undefined;
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

function objectOperation(method: string, has: (name: string) => boolean, copies: boolean): Operation | undefined {
  switch (method) {
    case 'GET':
      if (has('uploadId')) return 'ListParts';
      if (has('tagging')) return 'GetObjectTagging';
      return unsupported.some(has) ? undefined : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (has('uploadId') || has('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart';
      if (has('tagging')) return 'PutObjectTagging';
      if (unsupported.some(has)) return undefined;
      return copies ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (has('uploads')) return 'CreateMultipartUpload';
      if (has('restore')) return 'RestoreObject';
      return has('uploadId') ? 'CompleteMultipartUpload' : undefined;
    case 'DELETE':
      if (has('uploadId')) return 'AbortMultipartUpload';
      if (has('tagging')) return 'DeleteObjectTagging';
      return unsupported.some(has) ? undefined : 'DeleteObject';
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

/**
 * The operation of a request.
 * @throws S3Error NotImplemented for an operation of S3 that this server lacks, MethodNotAllowed for any other
 */
export function chooseOperation(method: string, address: Address, headers: IncomingHttpHeaders): Operation {
  const has = (name: string): boolean => address.query.has(name);
  if (address.bucket === '') {
    if (method === 'GET') return 'ListBuckets';
    throw new S3Error('MethodNotAllowed');
  }
  const operation =
    address.key === ''
      ? bucketOperation(method, has, address)
      : objectOperation(method, has, headers['x-amz-copy-source'] !== undefined);
  if (operation === undefined) throw new S3Error('NotImplemented');
  return operation;
}
