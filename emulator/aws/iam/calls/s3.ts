import type { Account } from '../../account.ts';
import type { S3Request } from '../../options.ts';
import type { Call } from '../policy.ts';

/**
 * What each operation on a bucket calls. Source: Service Authorization Reference, Actions, resources, and condition
 * keys for Amazon S3, "API operations defined by Amazon S3".
 */
const bucketActions: Readonly<Record<string, string>> = {
  CreateBucket: 's3:CreateBucket',
  HeadBucket: 's3:ListBucket',
  DeleteBucket: 's3:DeleteBucket',
  GetBucketLocation: 's3:GetBucketLocation',
  GetBucketVersioning: 's3:GetBucketVersioning',
  GetBucketNotificationConfiguration: 's3:GetBucketNotification',
  PutBucketNotificationConfiguration: 's3:PutBucketNotification',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
};

/** What each operation on an object calls: the same source. The second one is for a request that names a version. */
const objectActions: Readonly<Record<string, readonly [string, string?]>> = {
  GetObject: ['s3:GetObject', 's3:GetObjectVersion'],
  HeadObject: ['s3:GetObject', 's3:GetObjectVersion'],
  DeleteObject: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
  RestoreObject: ['s3:RestoreObject'],
  GetObjectTagging: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'],
  PutObjectTagging: ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'],
  DeleteObjectTagging: ['s3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging'],
  PutObject: ['s3:PutObject'],
  // The source of a copy is a call of its own.
  CopyObject: ['s3:PutObject'],
  CreateMultipartUpload: ['s3:PutObject'],
  UploadPart: ['s3:PutObject'],
  UploadPartCopy: ['s3:PutObject'],
  CompleteMultipartUpload: ['s3:PutObject'],
  ListParts: ['s3:ListMultipartUploadParts'],
  AbortMultipartUpload: ['s3:AbortMultipartUpload'],
};

/** Headers of a new object that need a permission of their own (API Reference: PutObject, "Permissions"). */
const headerActions: Readonly<Record<string, string>> = {
  'x-amz-tagging': 's3:PutObjectTagging',
  'x-amz-acl': 's3:PutObjectAcl',
  'x-amz-grant-full-control': 's3:PutObjectAcl',
  'x-amz-grant-read': 's3:PutObjectAcl',
  'x-amz-grant-read-acp': 's3:PutObjectAcl',
  'x-amz-grant-write-acp': 's3:PutObjectAcl',
};

/** Condition keys of listings, by query parameter. */
const listingKeys = { prefix: 's3:prefix', delimiter: 's3:delimiter', 'max-keys': 's3:max-keys' };

/** What a request to S3 calls. An operation that is not in the tables calls an action that no policy allows. */
export function s3Calls(request: S3Request, { partition }: Account): Call[] {
  const { operation, bucket, key } = request;
  const arn = `arn:${partition}:s3:::${bucket}`;
  if (operation === 'ListBuckets') return [{ action: 's3:ListAllMyBuckets', resource: '*' }];
  // Each key is a call of its own.
  if (operation === 'DeleteObjects') return [];
  const onBucket = bucketActions[operation];
  if (onBucket !== undefined) return [{ action: onBucket, resource: arn, context: listingContext(request, onBucket) }];
  const resource = `${arn}/${key}`;
  const [plain, ofVersion = plain] = objectActions[operation] ?? [`s3:${operation}`];
  const action = request.query.has('versionId') ? ofVersion : plain;
  const more = ['PutObject', 'CopyObject', 'CreateMultipartUpload'].includes(operation)
    ? Object.keys(headerActions).flatMap((name) => (name in request.headers ? (headerActions[name] ?? []) : []))
    : [];
  return [...new Set([action, ...more])].map((one) => ({ action: one, resource }));
}

function listingContext({ query }: S3Request, action: string): NonNullable<Call['context']> {
  if (action !== 's3:ListBucket') return {};
  return Object.fromEntries(
    Object.entries(listingKeys).flatMap(([name, key]) => {
      const value = query.get(name);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
