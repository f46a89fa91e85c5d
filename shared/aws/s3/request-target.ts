import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../model/faults.ts';
import { quoted } from '../../model/text.ts';
import { encodedPath, type SdkRequest } from '../http/request.ts';

/**
 * The last look at a request before it is sent: is it about the object that the call names, and nothing else? A path
 * without a key is a call to the bucket, and then PUT creates it and DELETE deletes it (S3 API reference: CreateBucket,
 * DeleteBucket). A query parameter that is missing or too much makes it another operation: DELETE with an empty
 * `uploadId` is no longer an abort.
 */

interface ObjectOperation {
  readonly method: string;
  /** query parameters without which it is another operation, with a value */
  readonly needs?: readonly string[];
  /** the one that selects it, without a value */
  readonly selector?: string;
  readonly may?: readonly string[];
  readonly copies?: true;
}

/**
 * Every operation about an object that a transfer makes. Of another one, which names a key too, only that is checked.
 */
const objectOperations: Readonly<Record<string, ObjectOperation>> = {
  HeadObject: { method: 'HEAD', may: ['versionId', 'partNumber'] },
  GetObject: { method: 'GET', may: ['versionId', 'partNumber'] },
  GetObjectTagging: { method: 'GET', selector: 'tagging', may: ['versionId'] },
  PutObject: { method: 'PUT' },
  DeleteObject: { method: 'DELETE' },
  CopyObject: { method: 'PUT', copies: true },
  CreateMultipartUpload: { method: 'POST', selector: 'uploads' },
  UploadPart: { method: 'PUT', needs: ['uploadId', 'partNumber'] },
  UploadPartCopy: { method: 'PUT', needs: ['uploadId', 'partNumber'], copies: true },
  ListParts: { method: 'GET', needs: ['uploadId'], may: ['max-parts', 'part-number-marker'] },
  CompleteMultipartUpload: { method: 'POST', needs: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', needs: ['uploadId'] },
};

/** Every operation about a bucket that S3 Ferry makes. None creates or deletes one. */
const bucketOperations: Readonly<Record<string, { readonly method: string; readonly selector?: string }>> = {
  HeadBucket: { method: 'HEAD' },
  ListObjects: { method: 'GET' },
  ListObjectsV2: { method: 'GET' },
  ListMultipartUploads: { method: 'GET', selector: 'uploads' },
  // The SDK asks for a session before it calls a directory bucket.
  CreateSession: { method: 'GET', selector: 'session' },
  GetBucketNotificationConfiguration: { method: 'GET', selector: 'notification' },
  PutBucketNotificationConfiguration: { method: 'PUT', selector: 'notification' },
};

/** What a call names. */
export interface Addressed {
  readonly Bucket?: string;
  readonly Key?: string;
}

/**
 * Makes the client refuse requests that are not what their call names.
 * @param base the path of the side's endpoint, without a slash at its end
 */
export function guardTargets(client: S3Client, base: string): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const operation = ((context as { commandName?: string }).commandName ?? '').replace(/Command$/, '');
      const { Bucket = '', Key } = args.input as Addressed;
      const wrong = targetFault(operation, args.input as Addressed, args.request as SdkRequest, base);
      if (wrong === undefined) return next(args);
      throw new Fault('InvalidInput', `${operation} ${Bucket}: ${quoted(Key ?? '')}: ${wrong}; nothing was sent`);
    },
    // After everything that changes a request, for each attempt.
    { step: 'deserialize', priority: 'low', name: 's3FerryTarget' },
  );
}

/**
 * Why a request must not be sent.
 * @param base the path of the endpoint, without a slash at its end
 * @returns undefined if it is what its call names
 */
export function targetFault(
  operation: string,
  { Bucket = '', Key }: Addressed,
  request: SdkRequest,
  base: string,
): string | undefined {
  const { method, hostname, path, query = {}, headers } = request;
  const ofBucket = Object.hasOwn(bucketOperations, operation) ? bucketOperations[operation] : undefined;
  if (ofBucket) {
    if (method !== ofBucket.method) return `it would be sent as ${method}`;
    return selectorFault(ofBucket.selector, query);
  }
  const known = Object.hasOwn(objectOperations, operation) ? objectOperations[operation] : undefined;
  if (!known && Key === undefined) return undefined;
  if (known && method !== known.method) return `it would be sent as ${method}`;
  if (Bucket === '' || Key === undefined || Key === '')
    return 'it names no object, so that it would be a call to the bucket';
  const key = `/${encodedPath(Key)}`;
  const isItsPath =
    path === `${base}/${Bucket}${key}` || (hostname.startsWith(`${Bucket}.`) && path === `${base}${key}`);
  if (!isItsPath) return `its path would be ${quoted(path)}`;
  if (!known) return undefined;
  return queryFault(known, query) ?? (known.copies ? copySourceFault(headers['x-amz-copy-source']) : undefined);
}

function queryFault(
  { needs = [], selector, may = [] }: ObjectOperation,
  query: NonNullable<SdkRequest['query']>,
): string | undefined {
  const missing = needs.find((name) => !query[name]);
  if (missing !== undefined) return `it has no ${missing}, so that it would be another operation`;
  const unselected = selectorFault(selector, query);
  if (unselected !== undefined) return unselected;
  const known = new Set(['x-id', ...needs, ...may, selector]);
  const foreign = Object.keys(query).find((name) => !known.has(name));
  return foreign === undefined ? undefined : `it says ${quoted(foreign)}, so that it would be another operation`;
}

function selectorFault(selector: string | undefined, query: NonNullable<SdkRequest['query']>): string | undefined {
  if (selector === undefined || query[selector] !== undefined) return undefined;
  return `it does not say "${selector}", so that it would be another operation`;
}

/** `bucket/key`, perhaps with `?versionId=`. */
function copySourceFault(source: string | undefined): string | undefined {
  if (source === undefined) return 'it names no source, so that it would be a write';
  return /^\/?[^/?]+\/[^?]/.test(source) ? undefined : 'its source has no key';
}
